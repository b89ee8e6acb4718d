#include "job/bisect.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "bench/bisect_task.hpp"
#include "core/rank_groups.hpp"
#include "job/case_group_task.hpp"
#include "job/run_deadlines.hpp"
#include "report/outcome.hpp"
#include "supervise/bisection.hpp"

namespace symmbench {
namespace {

// A wait in vain costs half of it, and a bad link makes most groups wait: short, where nothing but the groups' own work
// explains a wait. GPUs still need time to start.
constexpr double kEmulatedTimeout_s = 1, kTimeout_s = 10;
constexpr std::uint64_t kEmulatedMessage = 16 << 10, kMessage = 1 << 20, kLeastMessage = 1 << 10;

/// What failed first in a group of ranks, and under what.
struct FirstFailure {
  std::string case_id, label;
  std::vector<std::string> allocators;
  Failure failure;
};

std::map<int, FirstFailure> first_failures(const MpiJob& job) {
  std::map<int, FirstFailure> first;
  for (const Json& record : job.records()) {
    if (type_of(record) == "row") {
      const RowRecord row = row_from(record);
      if (row.status != "failed" && row.status != "hung") continue;
      first.try_emplace(
          row.group, FirstFailure{row.case_id, "", {row.allocator}, row.failure.value_or(Failure{.detail = "wrong"})});
    }
    if (type_of(record) == "failure") {
      const FailureRecord failed = failure_record_from(record);
      const std::string* culprit = culprit_of(failed);
      first.try_emplace(failed.group,
                        FirstFailure{failed.case_id.value_or(""), failed.label,
                                     culprit != nullptr ? std::vector{*culprit} : failed.allocators, failed.failure});
    }
    if (type_of(record) == "lifecycle") {
      const LifecycleRecord cycle = lifecycle_from(record);
      if (cycle.failure) first.try_emplace(cycle.group, FirstFailure{"", "", {cycle.allocator}, *cycle.failure});
    }
  }
  return first;
}

const Case* case_with(const CaseGroup& group, const std::string& id) {
  const auto at = std::ranges::find_if(group.cases, [&](const Case& one) { return one.id() == id; });
  return at == group.cases.end() ? nullptr : &*at;
}

/// One plain case under one allocator, as like what failed as plain allreduce can be; nullopt: only a library's failed.
std::optional<CaseGroup> group_to_try(const std::vector<CaseGroup>& planned, const FirstFailure& failed,
                                      bool emulated) {
  const CaseGroup* like = nullptr;
  const Case* bench_case = nullptr;
  for (const CaseGroup& group : planned) {
    if (group.kind == GroupKind::library) continue;
    const bool has = std::ranges::any_of(
        group.allocators, [&](const auto& name) { return std::ranges::count(failed.allocators, name) > 0; });
    const Case* found = case_with(group, failed.case_id);
    if (found != nullptr || group.id == failed.label || (like == nullptr && has)) like = &group, bench_case = found;
    if (found != nullptr) break;
  }
  if (like == nullptr || failed.allocators.empty()) return std::nullopt;
  CaseGroup group{.kind = GroupKind::measure,
                  .id = std::string(kBisectLabel),
                  .workspace = like->workspace,
                  .transport = like->transport,
                  .handle_asked = like->handle_asked,
                  .allocators = {failed.allocators.front()}};
  const std::uint64_t bytes = bench_case != nullptr ? bench_case->shape.message_bytes() : kLeastMessage;
  Case plain{.handle_asked = like->handle_asked, .group_size = 2, .iters = 4};
  plain.shape = {.workspace = like->workspace,
                 .transport = like->transport,
                 .algorithm = bench_case != nullptr ? bench_case->shape.algorithm : Algorithm::one_shot,
                 .world_size = 2,
                 .tokens = std::clamp(bytes, kLeastMessage, emulated ? kEmulatedMessage : kMessage) / kLeastMessage,
                 .hidden = kLeastMessage / element_bytes(DType::bf16)};
  plain.algorithm_asked = name_of(plain.shape.algorithm);
  plain.auto_choice = {.algorithm = plain.shape.algorithm, .source = "computed"};
  plain.asked_bytes = plain.shape.message_bytes();
  group.capacity = MessageCapacity(plain.shape);
  group.cases = {plain};
  return group;
}

/// The search in one group of ranks.
struct Search {
  FirstFailure failed;
  CaseGroup group;
  std::vector<int> world_ranks;
  std::vector<GroupTest> tests = {};

  int ranks() const { return static_cast<int>(world_ranks.size()); }
  std::vector<int> suspects() const {
    std::vector<int> own;
    for (const auto& rank : {failed.failure.peer, failed.failure.rank}) {
      if (rank) own.push_back(*rank - world_ranks.front());
    }
    return own;
  }
  std::vector<int> in_world(const std::vector<int>& members) const {
    std::vector<int> ranks;
    for (const int rank : members) ranks.push_back(world_ranks[static_cast<std::size_t>(rank)]);
    return ranks;
  }
};

WorkRequest request_of(const Search& search, const std::vector<GroupTest>& tests, const WorkerConfig& config,
                       const std::string& device, double time_s) {
  WorkRequest request{.task = kBisectTask, .label = std::string(kBisectLabel), .deadlines = deadlines_of(config)};
  for (const GroupTest& test : tests) {
    request.items.push_back({.case_id = bisect_item_id(search.in_world(test.members)), .allocators = {}});
  }
  request.settings = to_json(BisectTask{{config, device, search.group}, time_s});
  return request;
}

/// What has been recorded of the tests by now.
void take_outcomes(const MpiJob& job, int group, Search& search) {
  const auto take = [&](const std::vector<int>& world_ranks, const std::optional<Failure>& failure) {
    for (GroupTest& test : search.tests) {
      if (test.passed || search.in_world(test.members) != world_ranks) continue;
      test.passed = !failure;
      test.failure = failure;
    }
  };
  for (const Json& record : job.records_of("bisect_test")) {
    const auto test = bisect_test_from(record);
    if (test.group == group) take(test.members, test.failure);
  }
  for (const Json& record : job.records_of("failure")) {
    const auto failed = failure_record_from(record);
    if (failed.group == group && failed.label == kBisectLabel && failed.case_id)
      take(bisect_members(*failed.case_id), failed.failure);
  }
}

Json data_of(const Search& search, double seconds) {
  const Bisection found = conclude_bisection(search.ranks(), search.tests);
  const auto counts = [&](int failed, int run) { return Json{{"failed", failed}, {"tried", run}}; };
  const bool named = found.culprit == Culprit::rank || found.culprit == Culprit::link;
  Json tests = Json::array();
  for (const GroupTest& test : search.tests) {
    tests.push_back({{"ranks", search.in_world(test.members)},
                     {"status", !test.passed   ? "not_tested"
                                : *test.passed ? "ok"
                                               : "failed"},
                     {"failure", test.failure ? to_json(*test.failure) : Json(nullptr)}});
  }
  return {{"allocator", search.group.allocators.front()},
          {"workspace", name_of(search.group.workspace)},
          {"handle_asked", search.group.handle_asked},
          {"algorithm", search.group.cases.front().algorithm_asked},
          {"culprit", name_of(found.culprit)},
          {"ranks", search.in_world(found.ranks)},
          {"sure", found.sure},
          {"with", named ? counts(found.failed_with, found.with) : Json(nullptr)},
          {"without", named ? counts(found.failed_without, found.without) : Json(nullptr)},
          {"text", bisection_text(found, search.world_ranks)},
          {"seconds", seconds},
          {"tests", std::move(tests)}};
}

}  // namespace

RunOutcome bisect_failures(MpiJob& job, const JobPlan& plan, const WorkerConfig& config, const std::string& device) {
  const bool emulated = device == "host";
  std::map<int, Search> searches;
  for (auto& [group, failed] : first_failures(job)) {
    auto tried = group_to_try(plan.case_groups(group), failed, emulated);
    if (!tried || plan.group_size() < 3) continue;
    std::vector<int> ranks(static_cast<std::size_t>(plan.group_size()));
    std::iota(ranks.begin(), ranks.end(), group * plan.group_size());
    searches.emplace(group, Search{failed, std::move(*tried), std::move(ranks)});
  }
  WorkerConfig short_waits = config;
  short_waits.timeout_s = std::min(config.timeout_s, emulated ? kEmulatedTimeout_s : kTimeout_s);
  const auto begun = Clock::now();
  const auto left_s = [&] { return deadline::kBisect_s - microseconds_since(begun) / 1e6; };
  RunOutcome outcome;
  while (!outcome.interrupted && left_s() > 0) {
    std::map<int, std::vector<GroupTest>> next;
    for (auto& [group, search] : searches) {
      for (auto& members : next_groups(search.ranks(), search.suspects(), search.tests)) {
        next[group].push_back({.members = std::move(members)});
      }
    }
    if (next.empty()) break;
    for (auto& [group, tests] : next) {
      auto& all = searches.at(group).tests;
      all.insert(all.end(), tests.begin(), tests.end());
    }
    outcome = job.run(
        [&](int group) {
          std::vector<WorkRequest> work;
          if (!next.contains(group)) return work;
          const Search& search = searches.at(group);
          CaseGroup whole = search.group;
          whole.cases.front().shape.world_size = search.ranks();
          whole.capacity = MessageCapacity(whole.cases.front().shape);
          work.push_back(
              request_of(search, next.at(group), config_of_group(short_waits, whole, emulated), device, left_s()));
          return work;
        },
        left_s());
    for (auto& [group, search] : searches) take_outcomes(job, group, search);
  }
  for (const auto& [group, search] : searches) {
    job.append(to_json(BisectRecord{.group = group, .data = data_of(search, microseconds_since(begun) / 1e6)}));
  }
  if (outcome.interrupted_by == kTimeLimit) return {};
  return outcome;
}

}  // namespace symmbench
