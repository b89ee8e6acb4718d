#include "job/run_deadlines.hpp"

#include <catch2/catch_test_macros.hpp>

#include "unit/job/rank_facts.hpp"

using namespace symmbench;

namespace {

Json busy_rank(int rank, const std::string& host, const Json& load) {
  Json record = test::RankFactsOf{.rank = rank, .host = host}.record();
  record["facts"].update(load);
  return record;
}

const Json kIdle{{"cpus_allowed", 16}, {"cpu_quota", nullptr}, {"load_1m", 1.0}};
const Json kBusy{{"cpus_allowed", 4}, {"cpu_quota", 2.0}, {"load_1m", 14.0}};

}  // namespace

TEST_CASE("ranks are counted by host, with the cores and the load that their preflight saw") {
  const auto hosts = hosts_of_run(
      {busy_rank(0, "a", kIdle), busy_rank(1, "b", kBusy), busy_rank(2, "a", kIdle), busy_rank(3, "b", kBusy)});
  REQUIRE(hosts.size() == 2);
  CHECK(hosts[0].host == "a");
  CHECK(hosts[0].load.ranks == 2);
  CHECK(hosts[0].load.cores == 16);
  CHECK(hosts[1].load.cores == 2);  // the quota is less than the affinity
  CHECK(hosts[1].load.load_1m == 14);
  CHECK(widening_of(hosts) == 7);
}

TEST_CASE("what a rank does not know of its machine widens nothing") {
  const auto hosts = hosts_of_run({test::RankFactsOf{.rank = 0}.record(), test::RankFactsOf{.rank = 1}.record()});
  REQUIRE(hosts.size() == 1);
  CHECK(widening_of(hosts) == 1);
  CHECK(widening_of({}) == 1);
}

TEST_CASE("the report has the deadlines that held, what was asked, and each host's share in them") {
  const WorkerConfig asked{.timeout_s = 5, .deadline_scale = 2};
  const Json json = deadlines_json(asked, hosts_of_run({busy_rank(0, "a", kIdle), busy_rank(1, "b", kBusy)}));
  CHECK(json.at("timeout_s") == 5);
  CHECK(json.at("scale") == 2);
  CHECK(json.at("widened_by") == 7);
  CHECK(json.at("round_s") == 70);
  CHECK(json.at("kernel_wait_s") == 35);
  CHECK(json.at("hosts")[0].at("widened_by") == 1);
  CHECK(json.at("hosts")[1] ==
        Json{{"host", "b"}, {"ranks", 1}, {"cores", 2.0}, {"load_1m", 14.0}, {"widened_by", 7.0}});
}
