#include "job/agreement.hpp"

#include <catch2/catch_test_macros.hpp>

#include "config/resolve.hpp"
#include "job/job_plan.hpp"
#include "job/measure.hpp"
#include "support/contains.hpp"

using namespace symmbench;

namespace {

std::string config_of(const Json& options) { return resolve(nullptr, options).config_text; }

/// Ranks 0 to 3, two on each of node-a and node-b, all about to do the same.
std::vector<RankIntent> four_alike() {
  std::vector<RankIntent> ranks;
  for (const char* host : {"node-a", "node-a", "node-b", "node-b"}) {
    ranks.push_back({.host = host,
                     .build = "0.1.0 (abc, Release)",
                     .binary = "1111",
                     .doing = "run",
                     .objection = std::nullopt,
                     .config_text = config_of(Json::object())});
  }
  return ranks;
}

Disagreement among(const std::vector<RankIntent>& ranks) {
  const auto found = disagreement("symmbench run", ranks);
  REQUIRE(found);
  return *found;
}

}  // namespace

TEST_CASE("ranks that are about to do the same have nothing to settle") {
  CHECK_FALSE(disagreement("symmbench run", four_alike()));
}

TEST_CASE("what all ranks object to is said once, as it is, and is a usage error") {
  auto ranks = four_alike();
  for (auto& rank : ranks) rank.objection = "symmbench run: --iters 'x': not a whole number";
  CHECK(among(ranks).why == "symmbench run: --iters 'x': not a whole number");
  CHECK(among(ranks).exit_code == 2);
}

TEST_CASE("what one host lacks is said with rank and host, and is no verdict") {
  auto ranks = four_alike();
  for (const int rank : {2, 3})
    ranks[rank].objection = "symmbench run: config file x.json: cannot be read: No such file";
  CHECK(among(ranks).why ==
        "symmbench run: config file x.json: cannot be read: No such file (rank 2 on node-b; 2 of 4 ranks object)");
  CHECK(among(ranks).exit_code == 3);
}

TEST_CASE("a rank with another command is named with what both were started as") {
  auto ranks = four_alike();
  ranks[3].doing = "run --plan";
  CHECK(among(ranks).why ==
        "symmbench run: rank 3 on node-b was started as `run --plan`, rank 0 on node-a as `run`: all ranks need the "
        "same");
  CHECK(among(ranks).exit_code == 3);
}

TEST_CASE("binaries that differ in their hash only are named with ranks, hosts and hashes") {
  auto ranks = four_alike();
  ranks[2].binary = ranks[3].binary = "2222";
  CHECK(among(ranks).why ==
        "symmbench run: all ranks need the same binary: rank 0 on node-a 0.1.0 (abc, Release) (hash 1111), "
        "rank 2 on node-b 0.1.0 (abc, Release) (hash 2222)");
  CHECK(among(ranks).exit_code == 3);
  for (auto& rank : ranks) rank.binary = rank.binary == "2222" ? "unknown" : rank.binary;
  CHECK_FALSE(disagreement("symmbench run", ranks));  // unknown is no difference
}

TEST_CASE("options that differ are named with both values, those of a list of sweeps by their place") {
  auto ranks = four_alike();
  ranks[1].config_text = config_of({{"iters", "20"}, {"seed", "7"}, {"algorithm", "two_shot"}});
  const auto why = among(ranks).why;
  CHECK(why.starts_with("symmbench run: rank 1 on node-a has another configuration than rank 0 on node-a: "));
  CHECK(contains(why, "--seed 7 against 1"));
  CHECK(contains(why, "--iters 20 against unset"));
  CHECK(contains(why, "--algorithm two_shot against one_shot,two_shot"));

  const Json two{{"sweeps", {{{"iters", 5}}, {{"iters", 6}}}}}, other{{"sweeps", {{{"iters", 5}}, {{"iters", 9}}}}};
  CHECK(differing_options(resolve(&two, Json::object()).config_text, resolve(&other, Json::object()).config_text) ==
        std::vector<std::string>{"sweeps[1].iters 6 against 9"});
  CHECK(differing_options(resolve(&two, Json::object()).config_text, config_of({{"iters", "5"}})) ==
        std::vector<std::string>{"2 against 1 sweep"});
}

TEST_CASE("an intent survives its way to the other ranks, whatever bytes a host's name has") {
  auto sent = four_alike()[2];
  sent.objection = "no \"file\"\n";
  const auto got = intent_from(text_of(sent));
  CHECK(got.host == sent.host);
  CHECK(got.objection == sent.objection);
  CHECK(got.config_text == sent.config_text);
  sent.host = "\xff";
  CHECK_NOTHROW(intent_from(text_of(sent)));
}

TEST_CASE("the report of ranks that disagree says why, who they are, and what was planned") {
  const auto config = resolve(nullptr, Json{{"device", "host"}});
  const JobPlan plan(config, 4);
  const auto ranks = four_alike();
  const Json report = report_of_disagreement(plan, config, {.tool = Json::object(), .command = "symmbench run"}, ranks,
                                             "rank 2 differs");
  CHECK(report.at("run").at("interrupted_by") == "rank 2 differs");
  CHECK(report.at("verdict").at("exit_code") == 3);
  CHECK(report.at("ranks").size() == 4);
  CHECK(report.at("ranks")[2].at("host") == "node-b");
  CHECK(report.at("results").size() == plan.planned_rows().size());
  CHECK(report.at("results")[0].at("status") == "not_tested");
}
