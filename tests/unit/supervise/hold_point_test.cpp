#include "supervise/hold_point.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <thread>
#include <vector>

#include "core/unique_fd.hpp"
#include "supervise/heartbeat_page.hpp"
#include "support/scratch_folder.hpp"

namespace symmbench {
namespace {

WorkRequest request_labelled(const std::string& label) { return {.task = "group", .label = label}; }

/// The test's end of a FIFO, once a worker is held by it.
UniqueFd wait_until_held(const std::string& fifo) {
  int fd = -1;
  while ((fd = open(fifo.c_str(), O_WRONLY | O_NONBLOCK)) < 0) std::this_thread::yield();
  return UniqueFd(fd);
}

class Listener final : public PointHeartbeat {
 public:
  using PointHeartbeat::PointHeartbeat;
  std::vector<std::string> points;

 private:
  void reached(const WorkPoint& point) override { points.push_back(to_text(point)); }
};

TEST_CASE("a worker's points are named by what it does, which item it is at, and the step") {
  auto page = HeartbeatPage::create(5);
  PageHeartbeat written(page);
  const auto request = request_labelled("measure/trtllm_fusion/unicast/auto");
  Listener heartbeat(written, request);
  heartbeat.begin();
  heartbeat.phase(Phase::import_handle);
  heartbeat.item(2);
  heartbeat.phase(Phase::use);
  heartbeat.iteration(40);
  heartbeat.item(-1);
  heartbeat.phase(Phase::close);
  CHECK(heartbeat.points == std::vector<std::string>{"measure.none.start", "measure.none.import", "measure.2.use",
                                                     "measure.2.launched", "measure.none.close"});

  const auto preflight = request_labelled("preflight");
  Listener other(written, preflight);
  other.begin();
  CHECK(other.points == std::vector<std::string>{"preflight.none.start"});
}

TEST_CASE("a heartbeat with points writes the page as one without") {
  auto page = HeartbeatPage::create(5);
  PageHeartbeat written(page);
  const auto request = request_labelled("measure/x");
  Listener heartbeat(written, request);
  heartbeat.phase(Phase::map);
  heartbeat.item(3);
  heartbeat.iteration(77);
  heartbeat.driver_call("cuMemMap");
  heartbeat.allow(100);
  const auto seen = page.snapshot();
  CHECK(seen.phase == Phase::map);
  CHECK(seen.item == 3);
  CHECK(seen.iteration == 77);
  CHECK(seen.driver_call == "cuMemMap");
  CHECK(seen.overdue_s < -50);
  CHECK(heartbeat.give_up_record() == written.give_up_record());
}

TEST_CASE("a worker is held at the point whose FIFO there is, for as long as the other end is open") {
  const ScratchFolder folder;
  const std::string fifo = folder / "measure.1.use.rank3";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  auto page = HeartbeatPage::create(5);
  std::atomic<bool> past{false};
  std::thread worker([&] {
    PageHeartbeat written(page);
    const auto request = request_labelled("measure/x");
    HeldHeartbeat heartbeat(written, request, folder.path(), 3);
    heartbeat.allow(100);
    heartbeat.item(0);
    heartbeat.phase(Phase::use);
    heartbeat.item(1);
    heartbeat.phase(Phase::use);
    past = true;
  });
  auto test_end = wait_until_held(fifo);
  CHECK(page.snapshot().item == 1);
  CHECK_FALSE(past);
  // Its allowance is renewed while it runs, and ends soon when it does not: nobody else may be waiting for it.
  CHECK(page.snapshot().overdue_s < 0);
  CHECK(page.snapshot().overdue_s > -20);
  test_end.reset();
  worker.join();
  CHECK(past);
  CHECK(page.snapshot().overdue_s < -50);
  CHECK(page.snapshot().overdue_s > -101);
}

TEST_CASE("a worker held at its very start is then allowed what a start is") {
  const ScratchFolder folder;
  const std::string fifo = folder / "measure.none.start.rank3";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  auto page = HeartbeatPage::create(5);
  std::thread worker([&] {
    PageHeartbeat written(page);
    const auto request = request_labelled("measure/x");
    HeldHeartbeat heartbeat(written, request, folder.path(), 3);
    heartbeat.begin();
  });
  wait_until_held(fifo).reset();
  worker.join();
  CHECK(page.snapshot().overdue_s < -5);
}

TEST_CASE("other ranks, and a worker that comes after the FIFO was removed, are not held") {
  const ScratchFolder folder;
  const std::string fifo = folder / "measure.1.use.rank3";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  auto page = HeartbeatPage::create(5);
  PageHeartbeat written(page);
  const auto request = request_labelled("measure/x");
  const auto pass = [&](int rank) {
    HeldHeartbeat heartbeat(written, request, folder.path(), rank);
    heartbeat.item(1);
    heartbeat.phase(Phase::use);
  };
  pass(2);
  REQUIRE(unlink(fifo.c_str()) == 0);
  pass(3);
}

}  // namespace
}  // namespace symmbench
