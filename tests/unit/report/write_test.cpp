#include "report/write.hpp"

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <csignal>
#include <limits>

#include "support/failures.hpp"
#include "support/scratch_folder.hpp"

using namespace symmbench;
namespace fs = std::filesystem;

namespace {

std::string refusal(const std::string& path) {
  const Failure failure = failure_of([&] { check_writable(path); });
  CHECK(failure.layer == Layer::config);
  CHECK(failure.reason == Reason::io_error);
  CHECK(failure.detail.find(path) != std::string::npos);
  return failure.detail;
}

std::size_t files_in(const ScratchFolder& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator{}));
}

}  // namespace

TEST_CASE("a report reads back as it was written, key order included") {
  ScratchFolder scratch;
  const Json report{{"z", 1}, {"a", Json::array({1.5, nullptr, "text"})}};
  write_report(scratch / "r.json", report);
  CHECK(read_json_file(scratch / "r.json").dump() == report.dump());
  CHECK(read_text(scratch / "r.json").back() == '\n');
  CHECK(files_in(scratch) == 1);
}

TEST_CASE("an existing report is replaced as a whole") {
  ScratchFolder scratch;
  write_text(scratch / "r.json", std::string(100000, 'x'));
  write_report(scratch / "r.json", Json{{"a", 1}});
  CHECK(read_json_file(scratch / "r.json")["a"] == 1);
  CHECK(files_in(scratch) == 1);
}

TEST_CASE("a report has the permissions that the umask gives") {
  ScratchFolder scratch;
  const mode_t before = ::umask(027);
  write_report(scratch / "r.json", Json::object());
  ::umask(before);
  CHECK(fs::status(scratch / "r.json").permissions() == static_cast<fs::perms>(0640));
}

TEST_CASE("a number that JSON cannot hold is refused, and the old report stays") {
  ScratchFolder scratch;
  write_text(scratch / "r.json", "old");
  const Json report{{"results", Json::array({Json{{"time_us", std::numeric_limits<double>::infinity()}}})}};
  const Failure failure = failure_of([&] { write_report(scratch / "r.json", report); });
  CHECK(failure.reason == Reason::internal);
  CHECK(failure.detail.find("/results/0/time_us") != std::string::npos);
  CHECK(read_text(scratch / "r.json") == "old");
  CHECK(files_in(scratch) == 1);
}

TEST_CASE("a disk that is full leaves the old report and nothing else") {
  ScratchFolder scratch;
  write_text(scratch / "r.json", "old");
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{100, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  const Failure failure = failure_of([&] { write_report(scratch / "r.json", Json{{"text", std::string(1000, 'x')}}); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  CHECK(failure.reason == Reason::io_error);
  CHECK(failure.call == "write");
  CHECK(read_text(scratch / "r.json") == "old");
  CHECK(files_in(scratch) == 1);
}

TEST_CASE("a directory that vanished since the check is an error with the path") {
  const Failure failure = failure_of([] { write_report("/nonexistent/r.json", Json::object()); });
  CHECK(failure.layer == Layer::report);
  CHECK(failure.detail.find("/nonexistent/r.json") != std::string::npos);
}

TEST_CASE("a place that can be written is accepted without a trace") {
  ScratchFolder scratch;
  check_writable(scratch / "r.json");
  CHECK(scratch.is_empty());
  write_text(scratch / "r.json", "old");
  const auto written = fs::last_write_time(scratch / "r.json");
  check_writable(scratch / "r.json");
  CHECK(read_text(scratch / "r.json") == "old");
  CHECK(fs::last_write_time(scratch / "r.json") == written);
  CHECK(files_in(scratch) == 1);
}

TEST_CASE("a bare file name means the current directory") {
  ScratchFolder scratch;
  const auto before = fs::current_path();
  fs::current_path(scratch.path());
  check_writable("r.json");
  write_report("r.json", Json::object());
  fs::current_path(before);
  CHECK(fs::exists(scratch / "r.json"));
}

TEST_CASE("each kind of place that cannot be written is refused by name") {
  ScratchFolder scratch;
  write_text(scratch / "file", "");
  fs::create_directory(scratch / "folder");
  REQUIRE(::mkfifo((scratch / "pipe").c_str(), 0600) == 0);
  CHECK(refusal(scratch / "missing/r.json").find("No such file or directory") != std::string::npos);
  CHECK(refusal(scratch / "file/r.json").find("not a directory") != std::string::npos);
  CHECK(refusal(scratch / "folder").find("is a directory") != std::string::npos);
  CHECK(refusal(scratch / "folder/").find("is a directory") != std::string::npos);
  CHECK(refusal(scratch / "pipe").find("not a regular file") != std::string::npos);
  CHECK(refusal("/proc/r.json").find("not writable") != std::string::npos);
  CHECK(refusal("").find("empty") != std::string::npos);
}

TEST_CASE("a directory without write permission is refused") {
  ScratchFolder scratch;
  fs::create_directory(scratch / "closed");
  fs::permissions(scratch / "closed", fs::perms::owner_read | fs::perms::owner_exec);
  // Permission bits bind root, too, once it has given up what lets it pass them by; not in this process, which goes on.
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
    if (::syscall(SYS_capset, &header, none) != 0) ::_exit(2);
    bool refused = false;
    try {
      check_writable(scratch / "closed/r.json");
    } catch (const Error& error) {
      refused = error.failure().detail.find("not writable") != std::string::npos;
    }
    ::_exit(refused ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}
