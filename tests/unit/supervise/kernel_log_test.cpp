#include "supervise/kernel_log.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <string>

#include "journal/records.hpp"
#include "scripted_worker.hpp"
#include "supervise/messages.hpp"
#include "supervise/worker_keeper.hpp"
#include "supervised_job.hpp"

using namespace symmbench;

namespace {

/// A log that gives a record per read, as /dev/kmsg does.
struct PacketLog {
  PacketLog() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_DIRECT | O_NONBLOCK | O_CLOEXEC) == 0);
    reader = UniqueFd(ends[0]);
    writer = UniqueFd(ends[1]);
  }
  void say(const std::string& record) const {
    REQUIRE(::write(writer.get(), record.data(), record.size()) == static_cast<ssize_t>(record.size()));
  }
  UniqueFd reader, writer;
};

KernelLogRecord only(const std::vector<Json>& records) {
  REQUIRE(records.size() == 1);
  return kernel_log_from(records[0]);
}

}  // namespace

TEST_CASE("of the kernel's log, what may explain a run is kept, with its time, and nothing else") {
  PacketLog log;
  KernelLog watched(3, std::move(log.reader));
  log.say("6,1,100,-;usb 1-1: new device");
  log.say("4,2,11938305022,-;NVRM: Xid (PCI:0000:1b:00): 31, pid=7, name=symmbench\n SUBSYSTEM=pci\n");
  log.say("4,3,200,c;Memory cgroup out of memory: Killed process 77 (symmbench) total-vm:9kB");
  log.say("4,4,300,-;nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 28006, Non-fatal");
  log.say("no record at all");
  const KernelLogRecord news = only(watched.news());
  CHECK(news.rank == 3);
  CHECK_FALSE(news.unreadable);
  REQUIRE(news.lines.size() == 3);
  CHECK(news.lines[0] ==
        Json{{"at_us", 11938305022}, {"text", "NVRM: Xid (PCI:0000:1b:00): 31, pid=7, name=symmbench"}});
  CHECK(news.lines[1].at("at_us") == 200);
  CHECK(watched.news().empty());  // nothing new
  log.say("4,5,400,-;NVRM: GPU at PCI:0000:1b:00: GPU-1");
  CHECK(only(watched.news()).lines.size() == 1);
}

TEST_CASE("a log without end does not fill a run's records: what is beyond is counted") {
  PacketLog log;
  KernelLog watched(0, std::move(log.reader));
  std::size_t kept = 0, cut = 0;
  for (std::size_t round = 0; round < 30; ++round) {
    for (int i = 0; i < 10; ++i) log.say("4,2,1,-;NVRM: " + std::string(1000, 'x'));
    const KernelLogRecord news = only(watched.news());
    kept += news.lines.size();
    cut += news.cut;
    for (const Json& line : news.lines) CHECK(line.at("text").get<std::string>().size() <= 400);
  }
  CHECK(kept == KernelLog::kMostLines);
  CHECK(cut == 300 - KernelLog::kMostLines);
}

TEST_CASE("a log that may not be read is told of once, with the reason") {
  KernelLog absent(1, "/no/such/log");
  const KernelLogRecord news = only(absent.news());
  CHECK(news.unreadable == "/no/such/log: No such file or directory");
  CHECK(news.lines.empty());
  CHECK(absent.news().empty());
}

TEST_CASE("what befell the host reaches rank 0 before the end of the worker's request does") {
  test::RecordList journal;
  std::vector<std::string> told;
  WorkerKeeper keeper({.launch = {.isolate = true, .argv = {"/bin/false"}, .task = {}, .start_s = 300},
                       .round_s = 100,
                       .job_nonce = "nonce",
                       .host_news = [] { return std::vector<Json>{to_json(KernelLogRecord{.lines = Json::array()})}; }},
                      0, 1, journal, [&](std::uint32_t kind, std::span<const std::byte> body) {
                        told.push_back(kind == message::kRecord ? type_of(json_of(body)) : std::to_string(kind));
                      });
  auto request = test::scripted_request("g", {});
  keeper.handle(message::kStart, body_of(to_json(request)));
  const auto deadline = Deadline::in_seconds(60);
  while (keeper.has_worker() && !deadline.expired()) {
    keeper.tick();
    sched_yield();
  }
  REQUIRE(told.size() >= 2);
  CHECK(told.front() == "kernel_log");
  REQUIRE_FALSE(journal.records.empty());
  CHECK(type_of(journal.records.front()) == "kernel_log");
}
