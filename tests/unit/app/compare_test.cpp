#include <catch2/catch_test_macros.hpp>

#include "app/cli.hpp"
#include "app/command_compare.hpp"
#include "core/error.hpp"
#include "support/contains.hpp"
#include "support/scratch_folder.hpp"

using namespace symmbench;

namespace {

/// What `symmbench compare` objects to, or empty where it goes through.
std::string objection(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "compare");
  try {
    (void)command_compare(parse_command_line(arguments));
    return "";
  } catch (const Error& error) {
    CHECK(error.failure().layer == Layer::config);
    return error.failure().detail;
  }
}

}  // namespace

TEST_CASE("compare takes two reports, no fewer and no more") {
  CHECK(contains(objection({}), "needs A.json B.json"));
  CHECK(contains(objection({"a.json"}), "symmbench compare: needs two reports, A.json and B.json, and has 1"));
  CHECK(contains(objection({"a.json", "b.json", "c.json"}), "and has 3"));
}

TEST_CASE("compare names formats, limits and files that it cannot take") {
  CHECK(
      contains(objection({"a.json", "b.json", "--format", "xml"}), "--format 'xml': not one of text, json, markdown"));
  CHECK(
      contains(objection({"a.json", "b.json", "--max-regress", "five"}), "--max-regress 'five': not a finite number"));
  CHECK(contains(objection({"a.json", "b.json", "--max-regress", "-1"}), "--max-regress '-1': must be at least 0"));
  CHECK(contains(objection({"a.json", "b.json", "--max-regress", "%"}), "--max-regress '%': not a finite number"));
  CHECK(contains(objection({"/nowhere/a.json", "b.json"}), "/nowhere/a.json: cannot be read"));
  const ScratchFolder folder;
  write_text(folder / "a.json", "{\"schema_version\": \"2.1.0\", \"results\": []}");
  CHECK(contains(objection({folder / "a.json", "b.json"}), "schema 2.1.0, and this program reads 1."));
}

TEST_CASE("a limit is a percentage, with or without its sign") {
  CHECK(parse_command_line({"compare", "a", "b", "--max-regress", "5%"}).max_regress == 5);
  CHECK(parse_command_line({"compare", "a", "b", "--max-regress", "2.5"}).max_regress == 2.5);
  CHECK_FALSE(parse_command_line({"compare", "a", "b"}).max_regress);
}
