#include "device/cuda/cuda_stream.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <chrono>
#include <memory>

#include "device/cuda/cuda_driver.hpp"
#include "device/host/host_stream.hpp"
#include "support/fake_cuda_api.hpp"
#include "support/stream_conformance.hpp"

namespace symmbench {
namespace {

using Catch::Matchers::ContainsSubstring;
using test::fake_cuda;
using test::fake_cuda_api;

TEST_CASE("the cuda stream keeps the stream contract over a driver that behaves") {
  const CudaApi api = fake_cuda_api();
  stream_conformance([&] { return std::make_unique<CudaDriver>(api, 0); });
  CHECK(fake_cuda().streams == 0);
  CHECK(fake_cuda().events == 0);
  CHECK(fake_cuda().graphs == 0);
}

TEST_CASE("waiting for work that never ends is given up at the limit") {
  const CudaApi api = fake_cuda_api();
  CudaDriver driver(api, 1, {.synchronize_limit = std::chrono::milliseconds(1)});
  const auto stream = driver.make_stream();
  fake_cuda().stuck = true;
  const Failure failure = failure_of([&] { stream->synchronize(); });
  CHECK(failure.layer == Layer::kernel);
  CHECK(failure.reason == Reason::timed_out);
  CHECK(failure.call == "cuStreamSynchronize");
  CHECK_THAT(failure.detail, ContainsSubstring("device 1"));
}

TEST_CASE("work that failed is a failure of the kernel, wherever it shows") {
  const CudaApi api = fake_cuda_api();
  CudaDriver driver(api, 0);
  const auto stream = driver.make_stream();
  const DevicePtr local = driver.allocate_local(64);
  SECTION("when waiting") {
    fake_cuda().work_result = CUDA_ERROR_ILLEGAL_ADDRESS;
    const Failure failure = failure_of([&] { stream->synchronize(); });
    CHECK(failure.layer == Layer::kernel);
    CHECK(failure.reason == Reason::illegal_address);
    CHECK(failure.call == "cuStreamSynchronize");
    CHECK(failure.code == 700);
  }
  SECTION("when more work is enqueued") {
    fake_cuda().refused["cuMemsetD32Async"] = CUDA_ERROR_LAUNCH_FAILED;
    const Failure failure = failure_of([&] { stream->fill(local, 0, 1); });
    CHECK(failure.layer == Layer::kernel);
    CHECK(failure.call == "cuMemsetD32Async");
    CHECK(failure.code == driver_code::kLaunchFailed);
  }
}

TEST_CASE("a call that the driver refuses is a failure of the driver") {
  const CudaApi api = fake_cuda_api();
  CudaDriver driver(api, 0);
  const auto stream = driver.make_stream();
  fake_cuda().refused["cuMemcpyAsync"] = CUDA_ERROR_INVALID_VALUE;
  const Failure failure = failure_of([&] { stream->copy(to_pointer(16), to_pointer(32), 4096); });
  CHECK(failure.layer == Layer::driver);
  CHECK(failure.reason == Reason::invalid_argument);
  CHECK_THAT(failure.detail, ContainsSubstring("4 KiB") && ContainsSubstring("0x20"));
  check_refused(driver_code::kInvalidValue, [&] { stream->fill(2, 0, 1); });
}

TEST_CASE("an event of another device is refused") {
  const CudaApi api = fake_cuda_api();
  CudaDriver driver(api, 0);
  const auto stream = driver.make_stream();
  HostStream host;
  const auto foreign = host.make_event();
  check_refused(driver_code::kInvalidHandle, [&] { stream->record(*foreign); });
}

TEST_CASE("an event recorded inside a graph is recorded at each launch") {
  const CudaApi api = fake_cuda_api();
  CudaDriver driver(api, 0);
  const auto stream = driver.make_stream();
  const auto begin = stream->make_event();
  const auto end = stream->make_event();
  const auto graph = stream->capture([&] {
    stream->record(*begin);
    stream->record(*end);
  });
  CHECK(failure_of([&] { stream->elapsed_us(*begin, *end); }).layer == Layer::driver);
  graph->launch();
  stream->synchronize();
  CHECK(stream->elapsed_us(*begin, *end) >= 0);
}

TEST_CASE("a capture that the driver does not finish leaves the stream usable") {
  const CudaApi api = fake_cuda_api();
  CudaDriver driver(api, 0);
  const auto stream = driver.make_stream();
  fake_cuda().refused["cuGraphInstantiateWithFlags"] = CUDA_ERROR_OUT_OF_MEMORY;
  CHECK(failure_of([&] { stream->capture([] {}); }).code == driver_code::kOutOfMemory);
  fake_cuda().refused.clear();
  CHECK(fake_cuda().graphs == 0);
  CHECK_NOTHROW(stream->synchronize());
  CHECK_NOTHROW(stream->capture([] {}));
}

TEST_CASE("the native stream is handed out with its device current") {
  const CudaApi api = fake_cuda_api();
  CudaDriver first(api, 0);
  CudaDriver second(api, 1);
  const auto stream = first.make_stream();
  second.memory_info();
  CUcontext before = nullptr, after = nullptr;
  api.context_get_current(&before);
  CHECK(dynamic_cast<CudaStream&>(*stream).native() != nullptr);
  api.context_get_current(&after);
  CHECK(before != after);
}

}  // namespace
}  // namespace symmbench
