#include "job/job_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "catalog/allocators.hpp"
#include "config/resolve.hpp"
#include "job/case_group_task.hpp"
#include "job/check_faults.hpp"
#include "job/emulation.hpp"
#include "job/run_deadlines.hpp"

namespace symmbench {

namespace {

bool asks_for_multicast(const RunConfig& config) {
  return std::ranges::any_of(config.sweeps, [](const Sweep& sweep) {
    return std::ranges::any_of(sweep.multicast, [](MulticastMode mode) { return mode != MulticastMode::off; });
  });
}

}  // namespace

JobPlan::JobPlan(const RunConfig& config, int world_size, std::optional<std::string> multicast_veto)
    : config_(config), offer_{.veto = std::move(multicast_veto), .missing = std::nullopt}, table_(config.tuning.name) {
  plans_.emplace(table_, make_plan(config, world_size, 0, offer_));
  if (asks_for_multicast(config)) (void)make_plan(config, world_size, 0, {.veto = offer_.veto, .missing = "unknown"});
  check_faults(config, world_size);
  (void)emulation_of(config, world_size);
  if (table_ != TuningTable::kAutoTuning || config.device == DeviceChoice::host) return;
  for (const auto& shipped : shipped_tunings()) {
    const std::string name(shipped.name);
    plans_.emplace(name, make_plan(with_tuning(config, name), world_size, 0, offer_));
  }
}

std::optional<std::string> JobPlan::refusal() const {
  const Case* first = nullptr;
  for (const auto& group : plan().groups) {
    for (const auto& one : group.cases) {
      if (one.multicast.asked != MulticastMode::on || one.multicast.used) return std::nullopt;
      if (first == nullptr) first = &one;
    }
  }
  if (first == nullptr) return std::nullopt;
  return fmt::format("--multicast 'on': {}; nothing else was asked for. Allowed here: off, auto",
                     first->multicast.reason);
}

void JobPlan::follow_device(const std::string& table, std::optional<std::string> multicast_missing) {
  // A table that is not among them says nothing: what "auto" takes is computed, as it was before.
  if (plans_.contains(table)) table_ = table;
  if (!multicast_missing || !asks_for_multicast(config_)) return;
  offer_.missing = std::move(multicast_missing);
  const bool shipped = table_ != config_.tuning.name;
  plans_[table_] = make_plan(shipped ? with_tuning(config_, table_) : config_, world_size(), 0, offer_);
}

std::vector<CaseGroup> JobPlan::case_groups(int group) const {
  std::vector<CaseGroup> groups = plan().groups;
  for (auto& one : groups) {
    for (auto& bench_case : one.cases) bench_case.group = group;
  }
  return groups;
}

std::vector<WorkRequest> JobPlan::work(int group, const WorkerConfig& config, const std::string& device) const {
  std::vector<WorkRequest> work;
  for (auto& case_group : case_groups(group)) {
    std::erase_if(case_group.cases, [](const Case& one) { return one.skip.has_value(); });
    const WorkerConfig own = config_of_group(config, case_group, device == "host");
    std::vector<Case> cases = std::move(case_group.cases);
    const auto request_for = [&](std::vector<Case> some) {
      WorkRequest request{.task = kCaseGroupTask, .label = case_group.id, .deadlines = deadlines_of(own)};
      for (const auto& one : some) request.items.push_back({one.id(), case_group.allocators});
      CaseGroup part = case_group;
      part.cases = std::move(some);
      request.settings = to_json(CaseGroupTask{own, device, std::move(part)});
      return request;
    };
    for (std::size_t first = 0; first < cases.size(); first += kMostItemsOfRequest) {
      const auto begin = cases.begin() + static_cast<std::ptrdiff_t>(first);
      const auto end = cases.begin() + static_cast<std::ptrdiff_t>(std::min(cases.size(), first + kMostItemsOfRequest));
      work.push_back(request_for({std::make_move_iterator(begin), std::make_move_iterator(end)}));
    }
    if (case_group.kind == GroupKind::lifecycle) {
      work.push_back(request_for({}));
      work.back().items.push_back({case_group.id, case_group.allocators});
      work.back().rounds = Rounds{.wanted = case_group.lifecycles, .wanted_s = case_group.soak_s};
    }
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
          row["torch_layout"] =
              allocator == name_of(AllocatorKind::torch_symm_mem) ? Json(name_of(config_.torch_layout)) : Json(nullptr);
          row["label"] = case_group.id;
          row["capacity_bytes"] =
              case_group.capacity.empty() ? Json(nullptr) : Json(case_group.capacity.message_bytes());
          row["auto_algorithm"] = name_of(bench_case.auto_choice.algorithm);
          row["auto_source"] = bench_case.auto_choice.source;
          row["skip"] = json_or_null(bench_case.skip);
          row["vetoed"] = bench_case.vetoed;
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
    for (const auto& case_group : plan().groups) {
      if (case_group.kind != GroupKind::lifecycle) continue;
      lifecycles.push_back(Json{{"label", case_group.id},
                                {"workspace", name_of(case_group.workspace)},
                                {"transport", name_of(case_group.transport)},
                                {"allocator", case_group.allocators.front()},
                                {"handle_asked", case_group.handle_asked},
                                {"group", group},
                                {"lifecycles", case_group.lifecycles},
                                {"soak_s", case_group.soak_s > 0 ? Json(case_group.soak_s) : Json(nullptr)},
                                {"concurrent", case_group.concurrent}});
    }
  }
  return lifecycles;
}

}  // namespace symmbench
