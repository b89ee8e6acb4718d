// What a file may hold: every refusal names file, line and, where there is one, the key; nothing of a library gets out.
#include "core/document.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <catch2/catch_test_macros.hpp>
#include <fstream>

#include "core/shown_text.hpp"
#include "support/failures.hpp"
#include "support/scratch_folder.hpp"

using namespace symmbench;

namespace {

std::string refusal(const std::string& text) {
  const Failure failure = failure_of([&] { (void)parse_document(text, "x.json"); });
  CHECK(failure.layer == Layer::config);
  CHECK(failure.reason == Reason::invalid_argument);
  return failure.detail;
}

std::string nested(std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

}  // namespace

TEST_CASE("a document is what the library makes of it, and every value has its line") {
  const std::string text =
      "{\"a\": [1, -2, 2.5, true, null,\n \"t\\u0041\"],\n\n\"b\": {\"c\":\n 7}, \"d\": [[{\"e\": 1}]]}";
  const Document document = parse_document(text, "x.json");
  CHECK(document.value == Json::parse(text));
  CHECK(document.value.dump() == Json::parse(text).dump());
  CHECK(document.lines.at("a[4]") == 1);
  CHECK(document.lines.at("a[5]") == 2);
  CHECK(document.lines.at("b") == 4);
  CHECK(document.lines.at("b.c") == 5);
  CHECK(document.lines.at("d[0][0].e") == 5);
  CHECK(line_note(document.lines, "b.c") == " (line 5)");
  CHECK(line_note(document.lines, "b.x").empty());
  CHECK(parse_without_lines(text, "x.json") == document.value);
}

TEST_CASE("what is left out is read all the same: its neighbours are there, and what is wrong in it is refused") {
  constexpr std::string_view kLeftOut[] = {"rows[].b", "c"};
  const auto without = [&](const std::string& text) { return parse_without_lines(text, "x.json", kLeftOut).dump(); };
  CHECK(
      without(R"({"c":[{"rows":1},[2]],"rows":[{"a":1,"b":{"b":[{}]},"d":{"b":2}},{"b":3},{"a":[{"b":4}]}],"b":5})") ==
      R"({"rows":[{"a":1,"d":{"b":2}},{},{"a":[{"b":4}]}],"b":5})");
  CHECK(without(R"({"rows":{"b":1},"more":[{"b":2,"c":3}],"c":null})") == R"({"rows":{"b":1},"more":[{"b":2,"c":3}]})");
  CHECK_THROWS_AS(without(R"({"c":)" + nested(kDeepestJson) + "}"), Error);
  CHECK_NOTHROW(without(R"({"c":)" + nested(kDeepestJson - 1) + "}"));
  CHECK_THROWS_AS(without(R"({"c":{"x":1e999}})"), Error);
  CHECK_THROWS_AS(without(R"({"c":1,"a":1,"a":2})"), Error);
  CHECK_THROWS_AS(without(R"({"c":{]})"), Error);
}

TEST_CASE("a number that no double holds is refused with its key") {
  CHECK(refusal(R"({"iters":1e400})") == "x.json: line 1, column 14: iters: the number 1e400 is too large");
  CHECK(refusal("{\"sweeps\": [{},\n{\"hidden\": [1, -1e999]}]}").find("line 2") != std::string::npos);
  CHECK(refusal("{\"sweeps\": [{},\n{\"hidden\": [1, -1e999]}]}").find("sweeps[1].hidden[1]: the number -1e999") !=
        std::string::npos);
}

TEST_CASE("nesting is refused before anything could recurse over it, and the last allowed level is not") {
  CHECK_NOTHROW(parse_document(nested(kDeepestJson), "x.json"));
  CHECK(refusal(nested(kDeepestJson + 1)) == "x.json: line 1, column 101: more than 100 levels of nesting");
  CHECK(refusal(std::string(2'000'000, '[')) == "x.json: line 1, column 101: more than 100 levels of nesting");
  std::string objects;
  for (int i = 0; i < 200'000; ++i) objects += "{\"a\":";
  CHECK(refusal(objects).find("levels of nesting") != std::string::npos);
}

TEST_CASE("a key given twice is refused, also when it is spelled in another way") {
  CHECK(refusal("{\"iters\": 1,\n\"iters\": 2}").starts_with("x.json: line 2, column 7: key 'iters' is given twice"));
  CHECK(refusal(R"({"ab": 1, "a\u0062": 2})").ends_with("key 'ab' is given twice"));
  CHECK_NOTHROW(parse_document(R"([{"a": 1}, {"a": {"a": 2}}])", "x.json"));
}

TEST_CASE("a NUL byte does not end a document in silence") {
  CHECK(refusal(std::string("{\"iters\": 1}\n\0{", 15)) == "x.json: line 2, column 1: a NUL byte");
}

TEST_CASE("whatever else is no JSON has a line, a column, and a message of bounded length") {
  for (const std::string text :
       {"", "{", "nan", "{\"a\": NaN}", "{\"a\": 1} x", "\xff\xfe{", "{\"a\": \"\xc3\x28\"}", "'a'"}) {
    CAPTURE(text);
    CHECK(refusal(text).starts_with("x.json: line 1, column "));
  }
  CHECK(refusal("{\"a\": \"" + std::string(1'000'000, 'x')).size() < 400);
}

TEST_CASE("an object of very many keys takes no time that grows with their square") {
  std::string text = "{";
  for (int i = 0; i < 100'000; ++i) text += fmt::format("{}\"key{}\":{}", i == 0 ? "" : ",", i, i);
  CHECK(parse_document(text + "}", "x.json").value.size() == 100'000);
}

TEST_CASE("a file is read up to its limit, a pipe that nobody writes to is empty, a folder is none") {
  const ScratchFolder folder;
  const std::string path = folder / "f.json", pipe = folder / "pipe";
  std::ofstream(path) << "12345";
  CHECK(read_bytes(path, "f", 5) == "12345");
  CHECK(failure_of([&] { (void)read_bytes(path, "f", 4); }).detail == "f: cannot be read: larger than 4 B");
  CHECK(failure_of([] { (void)read_bytes("/dev/zero", "z", 1 << 20); }).detail ==
        "z: cannot be read: larger than 1 MiB");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(read_bytes(pipe, "p", 10).empty());
  CHECK(failure_of([] { (void)read_bytes("/", "d", 10); }).detail == "d: cannot be read: Is a directory");
}

TEST_CASE("text is UTF-8 or it is not") {
  for (const std::string good : {"", "a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) CHECK(is_utf8(good));
  for (const std::string bad :
       {"\xff", "\xc3", "\xc3(", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}

TEST_CASE("a long value is shortened between characters") {
  CHECK(in_short("abc") == "abc");
  const auto shortened = in_short(std::string(96, 'x') + "\xe2\x82\xac" + std::string(100, 'y'));
  CHECK(shortened == std::string(96, 'x') + "...");
}
