#include "journal/journal.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "journal/forgiving_journal.hpp"
#include "support/failures.hpp"
#include "support/scratch_folder.hpp"

using namespace symmbench;
namespace fs = std::filesystem;

namespace {

Json event(int number) {
  return to_json(EventRecord{.what = "test", .detail = std::to_string(number), .data = nullptr});
}

/// The largest file that this process may write, put back at the end; what lies beyond gives EFBIG or a short write.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  sighandler_t handler_ = SIG_DFL;
};

}  // namespace

TEST_CASE("what was appended can be read while the writer is still open") {
  ScratchFolder scratch;
  JournalWriter writer(scratch / "j", 0);
  for (int i = 0; i < 3; ++i) {
    writer.append(event(i));
    CHECK(read_journal(scratch / "j").records.size() == static_cast<std::size_t>(i + 1));
  }
  CHECK(read_journal(scratch / "j").problems.empty());
}

TEST_CASE("missing directories are made and, once empty, removed with the file") {
  ScratchFolder scratch;
  {
    JournalWriter writer(scratch / "a/b/c", 0);
    writer.append(event(0));
    CHECK(fs::exists(scratch / "a/b/c/rank-0.jsonl"));
    writer.remove();
  }
  CHECK(scratch.is_empty());
}

TEST_CASE("a directory that was there before stays, and so do other files in it") {
  ScratchFolder scratch;
  fs::create_directory(scratch / "mine");
  JournalWriter(scratch / "mine", 0).remove();
  CHECK(fs::exists(scratch / "mine"));

  JournalWriter writer(scratch / "made", 0);
  write_text(scratch / "made/notes.txt", "keep");
  writer.remove();
  CHECK(fs::exists(scratch / "made/notes.txt"));
  CHECK_FALSE(fs::exists(scratch / "made/rank-0.jsonl"));
}

TEST_CASE("without remove() the journal stays") {
  ScratchFolder scratch;
  { JournalWriter(scratch / "j", 0).append(event(0)); }
  CHECK(read_journal(scratch / "j").records.size() == 1);
}

TEST_CASE("the journal of an earlier run is not overwritten, but can be put aside") {
  ScratchFolder scratch;
  { JournalWriter(scratch / "j", 0).append(event(0)); }
  const Failure failure = failure_of([&] { JournalWriter(scratch / "j", 0); });
  CHECK(failure.reason == Reason::io_error);
  CHECK(failure.detail.find("never overwritten") != std::string::npos);
  CHECK(read_journal(scratch / "j").records.size() == 1);
}

TEST_CASE("a journal that is being written is not put aside, and its run is told of") {
  ScratchFolder scratch;
  const std::string dir = scratch / "j";
  {
    JournalWriter writer(dir, 0);
    const Failure failure = failure_of([&] { put_aside_journal(dir); });
    CHECK(failure.reason == Reason::illegal_state);
    CHECK(failure.detail.find("another run is writing") != std::string::npos);
    writer.append(event(0));
  }
  CHECK(put_aside_journal(dir) == dir + "/old-1");  // its writer is gone, so the journal is a dead run's
  CHECK(read_journal(dir + "/old-1").records.size() == 1);
}

TEST_CASE("putting old journals aside moves nothing else, and never two into one place") {
  ScratchFolder scratch;
  const std::string dir = scratch / "j";
  CHECK_FALSE(put_aside_journal(dir));
  for (int run = 0; run < 2; ++run) {
    { JournalWriter first(dir, 0), second(dir, 1); }
    std::ofstream(dir + "/notes.txt") << "mine";
    CHECK(put_aside_journal(dir) == dir + "/old-" + std::to_string(run + 1));
    CHECK(fs::exists(dir + "/notes.txt"));
  }
  CHECK(fs::exists(dir + "/old-1/rank-1.jsonl"));
  CHECK(fs::exists(dir + "/old-2/rank-1.jsonl"));
  CHECK_FALSE(put_aside_journal(dir));
}

TEST_CASE("a writer whose journal was replaced by another's leaves that one alone") {
  ScratchFolder scratch;
  JournalWriter first(scratch / "j", 0);
  fs::rename(scratch / "j/rank-0.jsonl", scratch / "moved");
  JournalWriter second(scratch / "j", 0);
  first.remove();
  CHECK(fs::exists(scratch / "j/rank-0.jsonl"));
}

TEST_CASE("a place that cannot be written is refused with its name") {
  ScratchFolder scratch;
  write_text(scratch / "file", "");
  const Failure failure = failure_of([&] { JournalWriter(scratch / "file/j", 0); });
  CHECK(failure.reason == Reason::io_error);
  CHECK(failure.detail.find(scratch / "file/j") != std::string::npos);
  CHECK_THROWS_AS(JournalWriter("/proc/nothing/here", 0), Error);
}

TEST_CASE("ranks write side by side and are read in rank order") {
  ScratchFolder scratch;
  JournalWriter ten(scratch / "j", 10), two(scratch / "j", 2);
  ten.append(event(10));
  two.append(event(2));
  two.append(event(3));
  const auto records = read_journal(scratch / "j").records;
  REQUIRE(records.size() == 3);
  CHECK(records[0]["detail"] == "2");
  CHECK(records[1]["detail"] == "3");
  CHECK(records[2]["detail"] == "10");
}

TEST_CASE("a directory without journals, and none at all, are refused") {
  ScratchFolder scratch;
  write_text(scratch / "rank-x.jsonl", "");
  write_text(scratch / "rank-.jsonl", "");
  write_text(scratch / "rank-1.jsonl.old", "");
  CHECK(failure_of([&] { read_journal(scratch.path()); }).detail.find("holds no journal") != std::string::npos);
  CHECK_THROWS_AS(read_journal(scratch / "missing"), Error);
}

TEST_CASE("an empty journal is a journal of no records") {
  ScratchFolder scratch;
  JournalWriter writer(scratch / "j", 0);
  CHECK(read_journal(scratch / "j").records.empty());
}

TEST_CASE("a file system that is full is an error at that record, and what comes after it can be read") {
  ScratchFolder scratch;
  JournalWriter writer(scratch / "j", 0);
  writer.append(event(0));
  {
    const FileSizeLimit limit(fs::file_size(writer.path()) + 10);  // the next line fits in part
    const Failure failure = failure_of([&] { writer.append(event(1)); });
    CHECK(failure.reason == Reason::io_error);
    CHECK(failure.call == "write");
    CHECK_THROWS_AS(writer.append(event(2)), Error);
  }
  writer.append(event(3));
  const JournalText journal = read_journal(scratch / "j");
  REQUIRE(journal.records.size() == 2);
  CHECK(journal.records[1]["detail"] == "3");
  CHECK(journal.problems.size() == 1);
  CHECK_FALSE(journal.truncated);
}

TEST_CASE("the descriptor does not pass to started processes") {
  ScratchFolder scratch;
  JournalWriter writer(scratch / "j", 0);
  bool found = false;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    if (fs::read_symlink(entry.path(), ignored) != fs::weakly_canonical(writer.path())) continue;
    found = true;
    const int flags = ::fcntl(std::stoi(entry.path().filename().string()), F_GETFD);
    CHECK((flags & FD_CLOEXEC) != 0);
  }
  CHECK(found);
}

TEST_CASE("a journal whose file was removed is no journal any more") {
  ScratchFolder scratch;
  JournalWriter writer(scratch / "j", 0);
  writer.append(event(0));
  fs::remove_all(scratch / "j");
  const Failure failure = failure_of([&] { writer.append(event(1)); });
  CHECK(failure.detail.find("somebody removed it") != std::string::npos);
  writer.remove();
}

TEST_CASE("a journal that cannot be written is said once, and says itself what it lacks once it can be written again") {
  ScratchFolder scratch;
  JournalWriter writer(scratch / "j", 3);
  std::vector<Json> told;
  ForgivingJournal journal(&writer, 3, [&](const Json& event) { told.push_back(event); });
  journal.append(event(0));
  {
    const FileSizeLimit limit(fs::file_size(writer.path()) + 10);
    journal.append(event(1));
    journal.append(event(2));
  }
  journal.append(event(3));
  REQUIRE(told.size() == 1);
  CHECK(told[0]["what"] == "journal_incomplete");
  CHECK(told[0]["data"]["rank"] == 3);
  CHECK(told[0]["detail"].get<std::string>().find("rank 3 goes on without a whole journal") == 0);
  const auto records = read_journal(scratch / "j").records;
  REQUIRE(records.size() == 3);
  CHECK(records[1]["detail"] == "before this, 2 records of rank 3 went missing");
  CHECK(records[2]["detail"] == "3");
}

TEST_CASE("a run without a journal, and one whose journal could not be opened, go on") {
  std::vector<Json> told;
  ForgivingJournal journal(nullptr, 0, [&](const Json& event) { told.push_back(event); });
  journal.append(event(0));
  CHECK(told.empty());
  journal.could_not_open({.reason = Reason::io_error, .detail = "read-only"});
  CHECK(told.size() == 1);
  journal.remove();
}
