#include "device/cuda/cuda_backend.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <vector>

#include "device/cuda/choose_ordinal.hpp"
#include "support/failures.hpp"

namespace symmbench {
namespace {

using Catch::Matchers::ContainsSubstring;

TEST_CASE("the probe says whether the cuda device can be used, and if not why") {
  const CudaAvailability found = probe_cuda();
  CHECK(found.usable == found.reason.empty());
  CHECK(found.usable == (found.device_count > 0));
  if (!found.built_for) CHECK_THAT(found.reason, ContainsSubstring("built without the cuda device"));
}

TEST_CASE("where the probe finds no usable device, making one is refused with the same reason") {
  const CudaAvailability found = probe_cuda();
  if (found.usable) SKIP("there is a GPU here");
  const Failure failure = failure_of([] { make_cuda_driver(0); });
  CHECK(failure.layer == Layer::environment);
  CHECK(failure.reason == Reason::not_supported);
  CHECK_THAT(found.reason, ContainsSubstring(failure.detail));
  CHECK(failure_of([] { unreachable_devices(0); }).reason == Reason::not_supported);
}

TEST_CASE("a rank takes the device of its place on the host") {
  CHECK(choose_ordinal(0, 4) == 0);
  CHECK(choose_ordinal(3, 4) == 3);
}

TEST_CASE("a rank that was shown a single device takes that one") {
  CHECK(choose_ordinal(0, 1) == 0);
  CHECK(choose_ordinal(7, 1) == 0);
}

TEST_CASE("more ranks than devices is refused, naming both") {
  const Failure failure = failure_of([] { choose_ordinal(4, 4); });
  CHECK(failure.layer == Layer::environment);
  CHECK(failure.reason == Reason::not_supported);
  CHECK_THAT(failure.detail, ContainsSubstring("5 ranks") && ContainsSubstring("4 CUDA devices"));
  CHECK(failure_of([] { choose_ordinal(0, 0); }).reason == Reason::not_supported);
  CHECK(failure_of([] { choose_ordinal(-1, 1); }).reason == Reason::invalid_argument);
}

}  // namespace
}  // namespace symmbench
