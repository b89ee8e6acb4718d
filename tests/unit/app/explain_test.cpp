#include <catch2/catch_test_macros.hpp>
#include <set>

#include "app/cli.hpp"
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
  const std::string check = explanation_of("imex_channel_missing");
  CHECK(contains(check, "imex_channel_missing (check): warning: "));
  CHECK(contains(check, "\n  do: "));
  CHECK(contains(check, "\n  from: "));
}

TEST_CASE("what the table has in its title line is explained") {
  for (const char* title : {"size", "shape", "ratio", "status", "symm us", "torch us", "symm is", "ipc", "algbw",
                            "busbw", "inconclusive", "dtype", "pattern", "algorithm", "of_limit"}) {
    INFO(title);
    CHECK_NOTHROW((void)explanation_of(title));
  }
  CHECK(contains(explanation_of("torch"), "torch (allocator): torch_symm_mem, in tables."));
  CHECK(contains(explanation_of("symm is"), "verdict on symm_device_memory"));
}

TEST_CASE("every key of a report is explained, with where it stands") {
  CHECK(contains(explanation_of("wrong_elements"), "wrong_elements (report, results[].wrong_elements): "));
  CHECK(contains(explanation_of("ci95_low"), "(report, results[].time_us.ci95_low)"));
  CHECK(contains(explanation_of("boot_id"), "(report, ranks[].boot_id)"));
  CHECK(contains(explanation_of("reason"), "failure.reason): class of a failure"));
}

TEST_CASE("options are explained by their letters, commands by their names") {
  CHECK(contains(explanation_of("-b"), "-b (--minbytes): smallest message"));
  CHECK(contains(explanation_of("-G"), "-G (--cudagraph): "));
  CHECK(contains(explanation_of("salvage"), "salvage (command): "));
  CHECK(parse_command_line({"explain", "--iters"}).subjects == std::vector<std::string>{"--iters"});
  CHECK(parse_command_line({"explain", "case", "group"}).subjects.size() == 2);
}

TEST_CASE("a word that is explained nowhere is refused with the nearest one") {
  const auto failure = failure_of([] { (void)explanation_of("busbw_gb"); });
  CHECK(failure.layer == Layer::config);
  CHECK(contains(failure.detail, "'busbw_gb': not a word that is explained here; did you mean busbw_gbs?"));
}

TEST_CASE("no word is suggested that is not near; words that hold the one asked for are") {
  const auto said = [](const char* word) { return failure_of([&] { (void)explanation_of(word); }).detail; };
  CHECK(said("foo") == "'foo': not a word that is explained here");
  CHECK(said("exit") == "'exit': not a word that is explained here; there is: exit_code, exit_codes");
  CHECK(contains(said("inconclusiv"), "did you mean inconclusive?"));
}

TEST_CASE("a key is found by its path, or the end of it") {
  CHECK(contains(explanation_of("time_us.mean"), "mean (report, results[].time_us.mean): "));
  CHECK(contains(explanation_of("results[].time_us.mean"), "mean (report, results[].time_us.mean): "));
  CHECK_FALSE(contains(explanation_of("time_us.mean"), "p50"));
}

TEST_CASE("no word stands twice in the glossary") {
  std::set<std::string_view> words;
  for (const GlossaryRow& row : kGlossary) CHECK(words.insert(row.word).second);
}
