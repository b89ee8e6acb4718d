#include "supervise/heartbeat_page.hpp"

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <thread>

#include "support/failures.hpp"

namespace symmbench {
namespace {

TEST_CASE("a fresh heartbeat page says that nothing has begun") {
  const auto page = HeartbeatPage::create(5);
  const auto seen = page.snapshot();
  CHECK_FALSE(seen.started);
  CHECK(seen.phase == Phase::start);
  CHECK(seen.item == -1);
  CHECK(seen.driver_call.empty());
  CHECK(seen.give_up.tag == 0);
  CHECK(seen.overdue_s < 0);
}

TEST_CASE("what a worker writes through its mapping is what the supervisor reads through its own") {
  const auto page = HeartbeatPage::create(5);
  auto workers_mapping = HeartbeatPage::open(UniqueFd(page.fd()).duplicate());
  PageHeartbeat heartbeat(workers_mapping);
  heartbeat.phase(Phase::import_handle);
  heartbeat.item(3);
  heartbeat.iteration(77);
  heartbeat.driver_call("cuMemImportFromShareableHandle");
  heartbeat.allow(100);
  heartbeat.give_up_record()->peer = 2;
  heartbeat.give_up_record()->expected = 9;
  heartbeat.give_up_record()->tag = static_cast<std::uint32_t>(WaitTag::barrier);

  const auto seen = page.snapshot();
  CHECK(seen.started);
  CHECK(seen.phase == Phase::import_handle);
  CHECK(seen.item == 3);
  CHECK(seen.iteration == 77);
  CHECK(seen.driver_call == "cuMemImportFromShareableHandle");
  CHECK(seen.overdue_s < -50);
  CHECK(seen.give_up.peer == 2);
  CHECK(seen.give_up.expected == 9);
  CHECK(seen.give_up.tag == 4);
  CHECK(workers_mapping.supervisor_pid() > 0);
}

TEST_CASE("an overlong driver call is cut, and an ended one leaves no name") {
  auto page = HeartbeatPage::create(5);
  PageHeartbeat heartbeat(page);
  heartbeat.driver_call(std::string(500, 'x'));
  CHECK(page.snapshot().driver_call == std::string(HeartbeatPageLayout::kCallBytes - 1, 'x'));
  heartbeat.driver_call("");
  CHECK(page.snapshot().driver_call.empty());
}

TEST_CASE("a new item begins at iteration zero") {
  auto page = HeartbeatPage::create(5);
  PageHeartbeat heartbeat(page);
  heartbeat.iteration(12);
  heartbeat.item(1);
  CHECK(page.snapshot().iteration == 0);
}

TEST_CASE("a reader never sees a mixture of two driver calls") {
  auto page = HeartbeatPage::create(5);
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    PageHeartbeat heartbeat(page);
    for (int i = 0; !stop; ++i) heartbeat.driver_call(i % 2 ? "aaaaaaaaaaaaaaaaaaaaaaaa" : "bbbbbbbb");
  });
  while (page.snapshot().driver_call.empty()) std::this_thread::yield();
  int mixtures = 0;
  for (int i = 0; i < 20000; ++i) {
    const auto call = page.snapshot().driver_call;
    const bool whole =
        call.find_first_not_of('a') == std::string::npos || call.find_first_not_of('b') == std::string::npos;
    mixtures += !whole;
  }
  stop = true;
  writer.join();
  CHECK(mixtures == 0);
}

TEST_CASE("a snapshot survives its way to the coordinator") {
  auto page = HeartbeatPage::create(5);
  PageHeartbeat heartbeat(page);
  heartbeat.phase(Phase::use);
  heartbeat.item(2);
  heartbeat.driver_call("cuMemMap");
  heartbeat.give_up_record()->seen = 0xffffffffffffffffULL;
  heartbeat.give_up_record()->tag = 1;
  const auto sent = page.snapshot();
  const auto got = page_snapshot_from(to_json(sent));
  CHECK(to_json(got) == to_json(sent));
  CHECK(got.give_up.seen == 0xffffffffffffffffULL);
}

TEST_CASE("a damaged snapshot is refused with a reason") {
  CHECK(failure_of([] { page_snapshot_from(Json{{"started", 1}}); }).reason == Reason::invalid_argument);
}

}  // namespace
}  // namespace symmbench
