#include "job/multicast_veto.hpp"

#include <catch2/catch_test_macros.hpp>
#include <map>

#include "config/resolve.hpp"
#include "job/job_plan.hpp"

using namespace symmbench;

namespace {

std::optional<std::string> veto_of(const std::map<std::string, std::string>& variables) {
  return multicast_veto([&](const char* name) -> const char* {
    const auto at = variables.find(name);
    return at == variables.end() ? nullptr : at->second.c_str();
  });
}

std::vector<RankIntent> ranks_with(const std::map<std::size_t, std::string>& vetoes) {
  std::vector<RankIntent> ranks(4);
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    ranks[rank].host = rank < 2 ? "node-a" : "node-b";
    if (vetoes.contains(rank)) ranks[rank].multicast_veto = vetoes.at(rank);
  }
  return ranks;
}

Json multicast_facts(int rank, const Json& multicast) {
  Json device{{"kind", "host"}};
  if (!multicast.is_null()) device["multicast_supported"] = multicast;
  return {{"rank", rank}, {"facts", {{"host", "node-a"}, {"devices", Json::array({device})}}}};
}

Json asked(const char* multicast) {
  return {
      {"workspace", "mnnvl"}, {"device", "host"}, {"multicast", multicast}, {"algorithm", "one_shot"}, {"tokens", "4"}};
}

}  // namespace

TEST_CASE("each of three variables forbids multicast, and so does a value that is not plainly the contrary") {
  CHECK(veto_of({{"NCCL_NVLS_ENABLE", "0"}}) == "NCCL_NVLS_ENABLE=0");
  CHECK(veto_of({{"TORCH_SYMM_MEM_DISABLE_MULTICAST", "1"}}) == "TORCH_SYMM_MEM_DISABLE_MULTICAST=1");
  CHECK(veto_of({{"NVSHMEM_DISABLE_NVLS", "1"}}) == "NVSHMEM_DISABLE_NVLS=1");
  for (const auto* value : {"false", "00", " 1", "-1", "x"}) CHECK(veto_of({{"NCCL_NVLS_ENABLE", value}}));
  for (const auto* value : {"true", "Yes", "2", "01", " "}) CHECK(veto_of({{"NVSHMEM_DISABLE_NVLS", value}}));
}

TEST_CASE("an environment that says nothing, or the contrary, forbids nothing") {
  CHECK_FALSE(veto_of({}));
  for (const auto* value : {"", "1", "2"}) CHECK_FALSE(veto_of({{"NCCL_NVLS_ENABLE", value}}));
  for (const auto* value : {"", "0", "false", "OFF", "no"}) {
    CHECK_FALSE(veto_of({{"TORCH_SYMM_MEM_DISABLE_MULTICAST", value}, {"NVSHMEM_DISABLE_NVLS", value}}));
  }
}

TEST_CASE("one rank's veto is everybody's, with rank, host, variable and how many have one") {
  CHECK_FALSE(multicast_veto(ranks_with({})));
  CHECK(multicast_veto(ranks_with({{2, "NVSHMEM_DISABLE_NVLS=1"}, {3, "NCCL_NVLS_ENABLE=0"}})) ==
        "multicast is vetoed by NVSHMEM_DISABLE_NVLS=1 on rank 2 on node-b (2 of 4 ranks)");
}

TEST_CASE("what a rank's environment forbids arrives with its other intentions, and is no disagreement") {
  auto ranks = ranks_with({{1, "NCCL_NVLS_ENABLE=0"}});
  CHECK(intent_from(text_of(ranks[1])).multicast_veto == "NCCL_NVLS_ENABLE=0");
  CHECK_FALSE(intent_from(text_of(ranks[0])).multicast_veto);
  for (auto& rank : ranks) rank.config_text = "{}";
  CHECK_FALSE(disagreement("symmbench run", ranks));
}

TEST_CASE("a rank whose device has no multicast is named, and one that does not say") {
  CHECK_FALSE(multicast_missing({multicast_facts(0, true), multicast_facts(1, true)}, "host"));
  CHECK(multicast_missing({multicast_facts(0, true), multicast_facts(1, false)}, "host") ==
        "rank 1 on node-a: its device has no multicast");
  CHECK(multicast_missing({multicast_facts(0, nullptr)}, "host") ==
        "rank 0 on node-a: its device does not say whether it has multicast");
}

TEST_CASE(
    "a run of which a veto leaves nothing is refused with what is allowed; where there is more, it is not tested") {
  const std::string veto = "multicast is vetoed by NCCL_NVLS_ENABLE=0 on rank 2 on b (1 of 4 ranks)";
  const auto refusal = [&](const char* multicast, const std::optional<std::string>& by = std::nullopt) {
    return JobPlan(resolve(nullptr, asked(multicast)), 4, by).refusal();
  };
  CHECK(refusal("on", veto) == "--multicast 'on': " + veto + "; nothing else was asked for. Allowed here: off, auto");
  CHECK_FALSE(refusal("on"));
  CHECK_FALSE(refusal("off", veto));
  CHECK_FALSE(refusal("auto", veto));
  CHECK_FALSE(refusal("off,on", veto));

  const auto rows = JobPlan(resolve(nullptr, asked("off,on")), 4, veto).planned_rows();
  REQUIRE(rows.size() == 4);
  CHECK((rows[0].at("vetoed") == false && rows[0].at("skip").is_null()));
  CHECK((rows[2].at("vetoed") == true && rows[2].at("skip") == veto));
}

TEST_CASE("on GPUs a run of nothing but multicast is refused too, and no worker is asked for any of it") {
  Json options = asked("on");
  options["device"] = "cuda";
  const JobPlan plan(resolve(nullptr, options), 4);
  REQUIRE(plan.refusal());
  CHECK(plan.refusal()->find("not in this version on GPUs") != std::string::npos);
  CHECK(plan.work(0, resolve(nullptr, options), "cuda").empty());
}

TEST_CASE("once the devices are known, auto goes on by unicast and on is skipped where one has no multicast") {
  const std::string missing = "rank 1 on b: its device has no multicast";
  JobPlan automatic(resolve(nullptr, asked("auto")), 4), on(resolve(nullptr, asked("on")), 4);
  CHECK(automatic.plan().groups[0].transport == TransportKind::multicast);
  automatic.follow_device("computed", missing);
  on.follow_device("computed", missing);
  CHECK(automatic.plan().groups[0].transport == TransportKind::unicast);
  CHECK(on.plan().groups[0].cases[0].skip == missing);
}
