#include "job/job_plan.hpp"

#include <algorithm>

#include "job/case_group_task.hpp"
#include "job/check_faults.hpp"

namespace symmbench {

JobPlan::JobPlan(const RunConfig& config, int world_size)
    : plan_(make_plan(config, world_size, 0)), tuning_(config.tuning.name) {
  check_faults(config, world_size);
}

void JobPlan::follow_tuning(const RunConfig& config) {
  if (config.tuning.name == tuning_) return;
  tuning_ = config.tuning.name;
  // Without entries the table says nothing, and what "auto" takes is computed, as it was before.
  if (!config.tuning.entries.empty()) plan_ = make_plan(config, plan_.world_size, 0);
}

std::vector<CaseGroup> JobPlan::case_groups(int group) const {
  std::vector<CaseGroup> groups = plan_.groups;
  for (auto& one : groups) {
    for (auto& bench_case : one.cases) bench_case.group = group;
  }
  return groups;
}

std::vector<WorkRequest> JobPlan::work(int group, const WorkerConfig& config, const std::string& device) const {
  std::vector<WorkRequest> work;
  for (auto& case_group : case_groups(group)) {
    std::erase_if(case_group.cases, [](const Case& one) { return one.skip.has_value(); });
    WorkRequest request{.task = kCaseGroupTask, .label = case_group.id};
    for (const auto& one : case_group.cases) request.items.push_back({one.id(), case_group.allocators});
    for (std::uint64_t i = 0; i < case_group.lifecycles; ++i) {
      request.items.push_back({case_group.lifecycle_id(i), case_group.allocators});
    }
    if (request.items.empty()) continue;
    request.settings = to_json(CaseGroupTask{config, device, std::move(case_group)});
    work.push_back(std::move(request));
  }
  return work;
}

std::vector<Json> JobPlan::planned_rows() const {
  std::vector<Json> rows;
  for (int group = 0; group < groups_of_ranks(); ++group) {
    for (const auto& case_group : case_groups(group)) {
      for (const auto& bench_case : case_group.cases) {
        for (const auto& allocator : case_group.allocators) {
          Json row = bench_case.keys();
          row["allocator"] = allocator;
          row["label"] = case_group.id;
          row["auto_algorithm"] = name_of(bench_case.auto_choice.algorithm);
          row["auto_source"] = bench_case.auto_choice.source;
          row["skip"] = json_or_null(bench_case.skip);
          rows.push_back(std::move(row));
        }
      }
    }
  }
  return rows;
}

std::vector<Json> JobPlan::planned_lifecycles() const {
  std::vector<Json> lifecycles;
  for (int group = 0; group < groups_of_ranks(); ++group) {
    for (const auto& case_group : plan_.groups) {
      if (case_group.kind != GroupKind::lifecycle) continue;
      lifecycles.push_back(Json{{"label", case_group.id},
                                {"workspace", name_of(case_group.workspace)},
                                {"transport", name_of(case_group.transport)},
                                {"allocator", case_group.allocators.front()},
                                {"handle_asked", case_group.handle_asked},
                                {"group", group},
                                {"lifecycles", case_group.lifecycles}});
    }
  }
  return lifecycles;
}

}  // namespace symmbench
