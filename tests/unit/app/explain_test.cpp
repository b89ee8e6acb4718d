#include <catch2/catch_test_macros.hpp>
#include <set>

#include "app/command_explain.hpp"
#include "catalog/glossary.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/failures.hpp"

using namespace symmbench;

TEST_CASE("a word is explained whatever its case and dashes, with what it is") {
  CHECK(contains(explanation_of("of_limit"), "of_limit: limit_us / time_us.mean"));
  CHECK(explanation_of("OF-LIMIT") == explanation_of("of_limit"));
  CHECK(contains(explanation_of("torch_symm_mem"), "torch_symm_mem (allocator): "));
  CHECK(contains(explanation_of("--lifecycles"), "--lifecycles (option): "));
  CHECK(contains(explanation_of("two_shot"), "(algorithm)"));
  CHECK(contains(explanation_of("posix_fd"), "(handle type)"));
}

TEST_CASE("a word that is explained nowhere is refused with the nearest one") {
  const auto failure = failure_of([] { (void)explanation_of("busbw_gb"); });
  CHECK(failure.layer == Layer::config);
  CHECK(contains(failure.detail, "'busbw_gb': not a word that is explained here; did you mean busbw_gbs?"));
}

TEST_CASE("no word stands twice in the glossary") {
  std::set<std::string_view> words;
  for (const GlossaryRow& row : kGlossary) CHECK(words.insert(row.word).second);
}
