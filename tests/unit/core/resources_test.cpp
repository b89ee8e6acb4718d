#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "core/clock.hpp"
#include "core/json.hpp"
#include "core/unique_fd.hpp"
#include "support/failures.hpp"

using namespace symmbench;

namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }
UniqueFd some_file() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

}  // namespace

TEST_CASE("a descriptor is closed with its owner, and moves leave nothing behind") {
  int number = -1;
  {
    UniqueFd first = some_file();
    number = first.get();
    UniqueFd second = std::move(first);
    CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move): what a move leaves is the point
    CHECK(second.get() == number);
    CHECK(is_open(number));
  }
  CHECK_FALSE(is_open(number));
}

TEST_CASE("assigning to an owner closes what it held; a released descriptor is the caller's") {
  UniqueFd owner = some_file();
  const int before = owner.get();
  UniqueFd other = some_file();
  const int after = other.get();
  owner = std::move(other);
  CHECK_FALSE(is_open(before));
  CHECK(owner.get() == after);
  CHECK(owner.release() == after);
  CHECK_FALSE(owner);
  CHECK(is_open(after));
  ::close(after);
}

TEST_CASE("a duplicate is another descriptor of the same file and does not pass to started processes") {
  const UniqueFd file = some_file();
  const UniqueFd copy = file.duplicate();
  CHECK(copy.get() != file.get());
  CHECK((::fcntl(copy.get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(failure_of([] { UniqueFd().duplicate(); }).reason == Reason::io_error);
}

TEST_CASE("a deadline in the past has expired and leaves no time; one far ahead has not") {
  const auto past = Deadline::in_seconds(-1), ahead = Deadline::in_seconds(3600);
  CHECK(past.expired());
  CHECK(past.left().count() == 0);
  CHECK(past.left_ms() == 0);
  CHECK_FALSE(ahead.expired());
  CHECK(ahead.left_ms() > 0);
  CHECK(Deadline::in_seconds(1e8).left_ms() == 1 << 30);  // what poll() can still take
}

TEST_CASE("a timestamp is RFC 3339 in UTC with milliseconds") {
  const std::string now = utc_timestamp();
  REQUIRE(now.size() == std::string("2026-01-31T23:59:59.123Z").size());
  CHECK(now[4] == '-');
  CHECK(now[10] == 'T');
  CHECK(now[19] == '.');
  CHECK(now.back() == 'Z');
}

TEST_CASE("a failure survives its way through JSON, and a broken one names the key") {
  const Failure failure{.layer = Layer::driver, .reason = Reason::not_permitted, .call = "cuMemCreate", .code = 800};
  CHECK(describe(failure_from_json(to_json(failure))) == describe(failure));
  Json broken = to_json(failure);
  broken["reason"] = "bad weather";
  CHECK(failure_of([&] { failure_from_json(broken); }).detail.find("reason") != std::string::npos);
}

TEST_CASE("text that is no JSON is refused with line and column") {
  const Failure failure = failure_of([] { parse_json("{\n  \"a\": [}\n", "settings"); });
  CHECK(failure.layer == Layer::config);
  CHECK(failure.detail.starts_with("settings: line 2, column 9"));
}

TEST_CASE("a file that cannot be read is refused with its reason, a folder too") {
  const Failure missing = failure_of([] { read_json_file("/nonexistent/c.json"); });
  CHECK(missing.reason == Reason::io_error);
  CHECK(missing.detail == "/nonexistent/c.json: cannot be read: No such file or directory");
  CHECK(failure_of([] { read_json_file("/"); }).detail == "/: cannot be read: Is a directory");
}
