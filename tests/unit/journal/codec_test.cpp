#include "journal/codec.hpp"

#include <catch2/catch_test_macros.hpp>
#include <limits>

#include "support/failures.hpp"

using namespace symmbench;

namespace {

const Json kRecord{{"type", "event"}, {"what", "a \"quoted\" line\nwith a newline"}, {"value", 0.1}};

std::string problem_of(std::string_view line) {
  return failure_of([&] { decode_line(line); }).detail;
}

std::string without_newline(std::string line) {
  line.pop_back();
  return line;
}

}  // namespace

TEST_CASE("a line reads back as the record that it holds") {
  const std::string line = encode_line(kRecord);
  CHECK(line.back() == '\n');
  CHECK(line.find('\n') == line.size() - 1);
  CHECK(decode_line(without_newline(line)) == kRecord);
}

TEST_CASE("a line begins with the checksum of its text") { CHECK(encode_line(Json::object()) == "a3a6bf43 {}\n"); }

TEST_CASE("any changed byte of a line is noticed") {
  const std::string line = without_newline(encode_line(kRecord));
  for (std::size_t at = 0; at < line.size(); ++at) {
    std::string spoilt = line;
    spoilt[at] = spoilt[at] == 'x' ? 'y' : 'x';
    INFO(spoilt);
    CHECK_THROWS_AS(decode_line(spoilt), Error);
  }
}

TEST_CASE("each kind of bad line is named") {
  const std::string line = without_newline(encode_line(kRecord));
  CHECK(problem_of("").find("not a journal line") != std::string::npos);
  CHECK(problem_of("{}").find("not a journal line") != std::string::npos);
  CHECK(problem_of("zzzzzzzz {}").find("'zzzzzzzz' is no checksum") != std::string::npos);
  CHECK(problem_of("00000000 {}").find("checksum is 00000000, the text gives") != std::string::npos);
  CHECK(problem_of(line.substr(0, line.size() - 1)).find("checksum is") != std::string::npos);
  CHECK(failure_of([&] { decode_line("x"); }).reason == Reason::corrupted);
}

TEST_CASE("a right checksum over something that is no object is refused") {
  const std::string list = encode_line(Json::array());
  CHECK(problem_of(without_newline(list)).find("not a JSON object") != std::string::npos);
}

TEST_CASE("a text cut at any byte gives all whole lines and one note") {
  const std::string line = encode_line(kRecord);
  const std::string text = line + line + line;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const JournalText journal = decode_text(std::string_view(text).substr(0, cut), "rank-0.jsonl");
    INFO("cut at " << cut);
    CHECK(journal.records.size() == cut / line.size());
    CHECK(journal.truncated == (cut % line.size() != 0));
    CHECK(journal.problems.size() == (journal.truncated ? 1 : 0));
  }
}

TEST_CASE("a bad line in the middle costs only itself and is named with its number") {
  const std::string line = encode_line(kRecord);
  const JournalText journal = decode_text(line + "garbage\n" + line, "rank-3.jsonl");
  CHECK(journal.records.size() == 2);
  CHECK_FALSE(journal.truncated);
  REQUIRE(journal.problems.size() == 1);
  CHECK(journal.problems[0].starts_with("rank-3.jsonl line 2: not a journal line"));
}

TEST_CASE("binary rubbish gives problems, not a crash") {
  std::string rubbish;
  for (int i = 0; i < 4096; ++i) rubbish += static_cast<char>(i * 131 % 256);
  const JournalText journal = decode_text(rubbish, "x");
  CHECK(journal.records.empty());
  CHECK_FALSE(journal.problems.empty());
}

TEST_CASE("a number that JSON cannot hold is refused where it is made, with its place") {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const Json record{{"type", "row"}, {"blocks", Json::array({Json{{"batch_us", Json::array({1.0, nan})}}})}};
  const Failure failure = failure_of([&] { encode_line(record); });
  CHECK(failure.reason == Reason::internal);
  CHECK(failure.detail.find("/blocks/0/batch_us/1") != std::string::npos);
  CHECK_THROWS_AS(encode_line(Json{{"x", inf}}), Error);
  CHECK_THROWS_AS(encode_line(Json{{"x", -inf}}), Error);
  CHECK_THROWS_AS(require_finite(Json(nan), "top"), Error);
  CHECK_NOTHROW(require_finite(Json{{"x", 1.0}, {"y", nullptr}, {"z", Json::array()}}, "fine"));
}

TEST_CASE("text that is no UTF-8 is replaced, not refused") {
  const std::string line = encode_line(Json{{"type", "event"}, {"detail", std::string("bad \xff byte")}});
  const Json again = decode_line(without_newline(line));
  CHECK(again["detail"].get<std::string>().starts_with("bad "));
}

TEST_CASE("large counts and small fractions survive a line exactly") {
  const Json record{{"count", std::numeric_limits<std::uint64_t>::max()}, {"fraction", 0.1 + 0.2}, {"tiny", 5e-324}};
  CHECK(decode_line(without_newline(encode_line(record))) == record);
}
