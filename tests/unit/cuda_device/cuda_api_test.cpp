#include "device/cuda/cuda_api.hpp"

#include <dlfcn.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>

#include "device/cuda/cuda_driver.hpp"
#include "support/failures.hpp"
#include "support/fake_libcuda.hpp"

namespace symmbench {
namespace {

using Catch::Matchers::ContainsSubstring;
using test::FakeLibcudaSettings;

/// The settings of the fake library, as new.
FakeLibcudaSettings& fresh_settings() {
  void* library = ::dlopen(FAKE_LIBCUDA, RTLD_NOW | RTLD_LOCAL);
  REQUIRE(library != nullptr);
  auto& settings = *static_cast<FakeLibcudaSettings*>(::dlsym(library, "fake_libcuda_settings"));
  settings = FakeLibcudaSettings{};
  return settings;
}

void check_not_supported(const Failure& failure) {
  CHECK(failure.layer == Layer::environment);
  CHECK(failure.reason == Reason::not_supported);
}

TEST_CASE("without a driver library, loading names it and the probe says why") {
  const Failure failure = failure_of([] { load_cuda_api("libno-such-cuda.so.1"); });
  check_not_supported(failure);
  CHECK_THAT(failure.detail, ContainsSubstring("libno-such-cuda.so.1"));
  const CudaAvailability found = probe_cuda("libno-such-cuda.so.1");
  CHECK_FALSE(found.usable);
  CHECK_FALSE(found.driver_version);
  CHECK(found.built_for == CUDA_VERSION);
  CHECK_THAT(found.reason, ContainsSubstring("no CUDA driver"));
}

TEST_CASE("every function is looked up once, by its base name and version, and none of multicast's") {
  FakeLibcudaSettings& settings = fresh_settings();
  const CudaApi api = load_cuda_api(FAKE_LIBCUDA);
  CHECK(api.driver_version == 13000);
  const std::string requested = settings.requested;
  CHECK_THAT(requested, ContainsSubstring("cuMemCreate 10020\n") && ContainsSubstring("cuMemAlloc 3020\n") &&
                            ContainsSubstring("cuDeviceGetUuid 11040\n"));
  CHECK_THAT(requested, !ContainsSubstring("_v2") && !ContainsSubstring("Multicast"));
#define SYMMBENCH_CHECK(member, function, version) CHECK(api.member != nullptr);
  SYMMBENCH_CUDA_FUNCTIONS(SYMMBENCH_CHECK)
#undef SYMMBENCH_CHECK
}

TEST_CASE("a missing function is named with both versions") {
  FakeLibcudaSettings& settings = fresh_settings();
  SECTION("not there at all") { settings.missing = "cuMemSetAccess"; }
  SECTION("there in a later version only") { settings.too_new = "cuMemSetAccess"; }
  const Failure failure = failure_of([] { load_cuda_api(FAKE_LIBCUDA); });
  check_not_supported(failure);
  CHECK(failure.call == "cuMemSetAccess");
  CHECK_THAT(failure.detail, ContainsSubstring("cuMemSetAccess") &&
                                 ContainsSubstring("supports CUDA 13.0, this binary was built for CUDA " +
                                                   cuda_version_text(CUDA_VERSION)));
}

TEST_CASE("a driver of an older major version is refused, naming both") {
  FakeLibcudaSettings& settings = fresh_settings();
  settings.driver_version = 12080;
  const Failure failure = failure_of([] { load_cuda_api(FAKE_LIBCUDA); });
  check_not_supported(failure);
  CHECK_THAT(failure.detail, ContainsSubstring("CUDA 12.8") && ContainsSubstring("built for CUDA 13."));
  const CudaAvailability found = probe_cuda(FAKE_LIBCUDA);
  CHECK_FALSE(found.usable);
  CHECK_FALSE(found.absent);  // there is something to mend
  CHECK(found.driver_version == 12080);
}

TEST_CASE("a newer driver is accepted") {
  fresh_settings().driver_version = 14020;
  CHECK(load_cuda_api(FAKE_LIBCUDA).driver_version == 14020);
}

TEST_CASE("the probe counts devices") {
  fresh_settings().devices = 4;
  const CudaAvailability found = probe_cuda(FAKE_LIBCUDA);
  CHECK(found.usable);
  CHECK(found.reason.empty());
  CHECK(found.device_count == 4);
  CHECK(found.driver_version == 13000);
}

TEST_CASE("a driver without a device is not usable, and the probe says what hides devices") {
  FakeLibcudaSettings& settings = fresh_settings();
  SECTION("cuInit says so") {
    settings.init_result = CUDA_ERROR_NO_DEVICE;
    CHECK_THAT(probe_cuda(FAKE_LIBCUDA).reason, ContainsSubstring("CUDA_ERROR_NO_DEVICE"));
  }
  SECTION("the count says so") {
    settings.devices = 0;
    CHECK_THAT(probe_cuda(FAKE_LIBCUDA).reason, ContainsSubstring("no CUDA device is visible"));
  }
  const CudaAvailability found = probe_cuda(FAKE_LIBCUDA);
  CHECK_FALSE(found.usable);
  CHECK(found.absent);
  CHECK(found.device_count == 0);
  CHECK_THAT(found.reason, ContainsSubstring("CUDA_VISIBLE_DEVICES"));
}

TEST_CASE("versions are written as people write them") {
  CHECK(cuda_version_text(13000) == "13.0");
  CHECK(cuda_version_text(12080) == "12.8");
}

}  // namespace
}  // namespace symmbench
