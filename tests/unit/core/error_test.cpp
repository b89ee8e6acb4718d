#include "core/error.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace symmbench;

TEST_CASE("a failure reads as one line that names rank, phase, layer, reason, call and code") {
  CHECK(describe({.layer = Layer::driver,
                  .reason = Reason::out_of_memory,
                  .call = "cuMemCreate",
                  .detail = "64 MiB asked, 10 MiB free",
                  .phase = Phase::map,
                  .rank = 2,
                  .code = 2}) ==
        "rank 2, phase map: driver/out_of_memory in cuMemCreate (2): 64 MiB asked, 10 MiB free");
  CHECK(describe({.layer = Layer::comm, .reason = Reason::timed_out}) == "comm/timed_out");
  CHECK(describe({.layer = Layer::comm, .reason = Reason::timed_out, .phase = Phase::use}) ==
        "phase use: comm/timed_out");
}

TEST_CASE("every layer, reason and phase has a name of its own that reads back") {
  for (int i = 0; i <= static_cast<int>(Reason::internal); ++i) {
    CHECK(reason_from(name_of(static_cast<Reason>(i))) == static_cast<Reason>(i));
  }
  for (int i = 0; i <= static_cast<int>(Layer::report); ++i) {
    CHECK(layer_from(name_of(static_cast<Layer>(i))) == static_cast<Layer>(i));
  }
  for (const Phase phase : kAllPhases) CHECK(phase_from(name_of(phase)) == phase);
  CHECK_FALSE(reason_from("nonsense"));
  CHECK_FALSE(layer_from(""));
  CHECK_FALSE(phase_from("Map"));
}

TEST_CASE("the root cause is a crash before an error, an error before a wait, a wait before its shadow") {
  const Failure shadow{.reason = Reason::peer_failed, .rank = 0};
  const Failure wait{.reason = Reason::timed_out, .rank = 1};
  const Failure error{.reason = Reason::out_of_memory, .rank = 2};
  const Failure crash{.reason = Reason::crashed, .rank = 3};
  CHECK(root_cause({shadow, wait, error, crash}).rank == 3);
  CHECK(root_cause({shadow, wait, error}).rank == 2);
  CHECK(root_cause({shadow, wait}).rank == 1);
  CHECK(root_cause({shadow}).rank == 0);
  const Failure second{.reason = Reason::not_permitted, .rank = 5};
  CHECK(root_cause({error, second}).rank == 2);  // of equals, the first
}

TEST_CASE("a failed phase carries every rank's failure and speaks for its cause") {
  const PhaseFailed failed(Phase::import_handle,
                           {{.reason = Reason::peer_failed, .rank = 0},
                            {.layer = Layer::driver, .reason = Reason::invalid_handle, .rank = 1}});
  CHECK(failed.failure().rank == 1);
  CHECK(failed.failure().phase == Phase::import_handle);
  CHECK(failed.failures().size() == 2);
  CHECK(std::string(failed.what()) == "rank 1, phase import: driver/invalid_handle");
}
