#include "job/job_plan.hpp"

#include <catch2/catch_test_macros.hpp>
#include <set>
#include <string>
#include <vector>

#include "comm/frame_channel.hpp"
#include "config/resolve.hpp"
#include "job/case_group_task.hpp"
#include "plan/case_codec.hpp"
#include "support/failures.hpp"

using namespace symmbench;

namespace {

RunConfig planned_with(const Json& options) { return resolve(nullptr, options); }

const Json kMany{{"group_size", "2"},        {"pattern", "allreduce,residual_rmsnorm"},
                 {"algorithm", "auto,nccl"}, {"lifecycles", "3"},
                 {"minbytes", "16K"},        {"maxbytes", "64K"}};

}  // namespace

TEST_CASE("every group of ranks has the plan that would be made for it alone") {
  const auto config = planned_with(kMany);
  const JobPlan plan(config, 6);
  CHECK(plan.groups_of_ranks() == 3);
  for (int group = 0; group < 3; ++group) {
    const auto alone = make_plan(config, 6, group).groups;
    const auto groups = plan.case_groups(group);
    REQUIRE(groups.size() == alone.size());
    for (std::size_t i = 0; i < groups.size(); ++i) CHECK(to_json(groups[i]) == to_json(alone[i]));
  }
}

TEST_CASE("a combination that cannot be planned is refused before anything runs") {
  CHECK(failure_of([] { JobPlan(planned_with({{"group_size", "3"}}), 4); }).layer == Layer::config);
}

TEST_CASE("rows and lifecycles are planned for every group of ranks and allocator") {
  const JobPlan plan(planned_with({{"group_size", "2"},
                                   {"algorithm", "one_shot"},
                                   {"minbytes", "4K"},
                                   {"maxbytes", "4K"},
                                   {"lifecycles", "5"}}),
                     4);
  const auto rows = plan.planned_rows();
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].at("group") == 0);
  CHECK(rows[0].at("allocator") == "symm_device_memory");
  CHECK(rows[3].at("group") == 1);
  CHECK(rows[3].at("allocator") == "torch_symm_mem");
  CHECK(rows[3].at("case_id").get<std::string>().starts_with("g1x2/"));
  CHECK(rows[3].at("label") == plan.plan().groups[0].id);
  const auto lifecycles = plan.planned_lifecycles();
  REQUIRE(lifecycles.size() == 4);
  CHECK(lifecycles[3].at("group") == 1);
  CHECK(lifecycles[3].at("lifecycles") == 5);
}

TEST_CASE("a worker is handed its whole case group and the run's resolved configuration") {
  const auto config =
      planned_with({{"minbytes", "16K"}, {"maxbytes", "64K"}, {"seed", "7"}, {"check", "off"}, {"lifecycles", "2"}});
  const JobPlan plan(config, 2);
  const auto work = plan.work(0, config, "host");
  REQUIRE(work.size() == 3);
  for (const auto& request : work) CHECK(request.task == kCaseGroupTask);
  const auto task = case_group_task_from(Json::parse(work[0].settings.dump()));
  CHECK(task.device == "host");
  CHECK(task.config.seed == 7);
  CHECK(task.config.check == CheckMode::off);
  CHECK(to_json(task.group) == to_json(plan.plan().groups[0]));
  REQUIRE(work[0].items.size() == task.group.cases.size());
  CHECK(work[0].items[0].case_id == task.group.cases[0].id());
  REQUIRE(work[2].items.size() == 1);
  CHECK(work[2].items[0].case_id == plan.plan().groups[2].id);
  REQUIRE(work[2].rounds);
  CHECK(work[2].rounds->wanted == 2);
}

TEST_CASE("a group of very many cases is several requests, each of which fits a frame, with every case once") {
  Json tokens = Json::array(), hidden = Json::array();
  for (int i = 1; i <= 1000; ++i) tokens.push_back(i);
  for (int i = 1; i <= 10; ++i) hidden.push_back(64 * i);
  const Json file{{"tokens", tokens}, {"hidden", hidden}, {"device", "host"}, {"lifecycles", 20000}};
  const auto config = resolve(&file, Json::object());
  const JobPlan plan(config, 2);
  std::set<std::string> asked;
  std::size_t items = 0;
  for (const auto& request : plan.work(0, config, "host")) {
    CHECK(request.items.size() <= kMostItemsOfRequest);
    CHECK(to_json(request).dump().size() < kMaxFrameBytes / 4);
    const CaseGroup told = case_group_task_from(request.settings).group;
    if (told.kind == GroupKind::measure) CHECK(told.cases.size() == request.items.size());
    for (const auto& item : request.items) asked.insert(item.case_id);
    items += request.items.size();
  }
  CHECK(items == asked.size());
  CHECK(items == 2 * 10000 + 2);  // two algorithms; the lifecycles of two allocators, however many
}

TEST_CASE("a case that is known to be skipped is planned as a row and never asked of a worker") {
  const auto config = planned_with(
      {{"pattern", "residual_rmsnorm,allreduce"}, {"algorithm", "one_shot"}, {"minbytes", "16K"}, {"maxbytes", "16K"}});
  const JobPlan plan(config, 3);  // the fused pattern runs on 2, 4, 8 or 16 ranks
  const auto rows = plan.planned_rows();
  CHECK(rows.size() == 4);
  CHECK(rows[0].at("skip").is_string());
  const auto work = plan.work(0, config, "host");
  REQUIRE_FALSE(work.empty());
  CHECK(work[0].items.size() == 1);
  CHECK(case_group_task_from(work[0].settings).group.cases.size() == 1);
  CHECK(JobPlan(planned_with({{"lifecycles", "0"}}), 1).work(0, config, "host").empty());
}

TEST_CASE("the device's tuning table changes what auto takes, its absence does not") {
  const Json options{{"algorithm", "auto"}, {"minbytes", "1M"}, {"maxbytes", "1M"}, {"pattern", "residual_rmsnorm"}};
  const auto open = planned_with(options);
  JobPlan plan(open, 2);
  const auto source = [&] { return plan.planned_rows()[0].at("auto_source").get<std::string>(); };
  CHECK(source() == "computed");
  plan.follow_device("computed", std::nullopt);
  CHECK(source() == "computed");
  plan.follow_device("sm90", std::nullopt);
  CHECK(source() == "sm90");
}

TEST_CASE("a request brings the deadlines of its own group, and its worker is told the same") {
  const auto config = planned_with({{"device", "host"}, {"minbytes", "64M"}, {"maxbytes", "64M"}, {"timeout", "5"}});
  const auto small = planned_with({{"device", "host"}, {"minbytes", "1K"}, {"maxbytes", "1K"}, {"timeout", "5"}});
  const auto work = JobPlan(config, 4).work(0, config, "host");
  REQUIRE_FALSE(work.empty());
  for (const auto& request : work) {
    REQUIRE(request.deadlines);
    const WorkerConfig told = case_group_task_from(request.settings).config;
    CHECK(deadlines_of(told).round_s == request.deadlines->round_s);
    CHECK(request.deadlines->round_s > 2 * 5);  // there is much to fill
  }
  CHECK(JobPlan(small, 4).work(0, small, "host")[0].deadlines->round_s < 1.5 * 5);
}

TEST_CASE("faults are handed to workers as they were asked for") {
  const auto config = planned_with({{"device", "host"}, {"inject", "driver_code:rank=1,code=2;packet_lost"}});
  const auto work = JobPlan(config, 2).work(0, config, "host");
  REQUIRE_FALSE(work.empty());
  CHECK(case_group_task_from(work[0].settings).config.inject ==
        std::vector<std::string>{"driver_code:rank=1,code=2", "packet_lost"});
}

TEST_CASE("faults that cannot be provoked are refused before anything runs") {
  const auto problem = [](const Json& options) {
    Json all{{"device", "host"}};
    all.update(options);
    return failure_of([&] { JobPlan(planned_with(all), 2); }).detail;
  };
  CHECK(problem({{"inject", "driver_code:rank=2"}}).find("number of ranks, which is 2") != std::string::npos);
  CHECK(problem({{"inject", "packet_lost"}, {"datatype", "fp32"}}).find("--datatype bf16") != std::string::npos);
  CHECK(problem({{"inject", "packet_lost"}, {"pattern", "residual_rmsnorm"}}).find("--pattern allreduce") !=
        std::string::npos);
  CHECK(problem({{"inject", "packet_lost"}, {"device", "auto"}}).find("--device host") != std::string::npos);
}
