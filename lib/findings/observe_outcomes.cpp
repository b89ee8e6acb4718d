#include "findings/observe_outcomes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "findings/report_facts.hpp"

namespace symmbench {
namespace {

bool fails(const Json& row) { return text_in(row, "status") == "failed" || text_in(row, "status") == "hung"; }

bool ran(const Json& row) { return fails(row) || text_in(row, "status") == "ok"; }

bool wrong(const Json& row) {
  const Json& count = in(row, "wrong_elements");
  return count.is_number() && count.get<double>() > 0;
}

}  // namespace

Observed observe_no_handle(const CheckRow&, const Json& report) {
  Observed observed;
  std::set<std::string> seen;
  if (list_in(report, "results").empty()) observed.missing = "rows";
  for (const Json* row : list_in(report, "results")) {
    const Json& handle = in(*row, "handle");
    const auto reason = text_in(handle, "reason");
    const bool none = text_in(*row, "status") == "skipped" && !reason.empty() && in(handle, "used").is_null();
    if (!none || !seen.insert(text_in(*row, "allocator") + reason).second) continue;
    observed.hits.push_back({{"allocator " + text_in(*row, "allocator")}, {{"handle", handle}}});
  }
  return observed;
}

Observed observe_trials(const CheckRow&, const Json& report) {
  Observed observed;
  const auto trials = list_in(in(report, "fabric"), "handle_trials");
  const auto tried = [](const Json* trial) { return in(*trial, "passed").is_boolean(); };
  if (std::none_of(trials.begin(), trials.end(), tried)) observed.missing = "handle trials";
  for (const Json* trial : trials) {
    if (in(*trial, "passed") != false) continue;
    observed.hits.push_back({{"allocator " + text_in(*trial, "allocator"), "handle " + text_in(*trial, "type")},
                             *trial,
                             another_type_passed(report, *trial) ? std::optional(Severity::info) : std::nullopt});
  }
  return observed;
}

Observed observe_one_allocator(const CheckRow&, const Json& report) {
  std::map<std::string, std::map<std::string, std::size_t>> failed, passed;  // by case, then allocator
  std::set<std::string> allocators_that_ran;
  for (const Json* row : list_in(report, "results")) {
    if (in(*row, "reference") == true) continue;
    auto& side = fails(*row) ? failed : passed;
    if (!ran(*row)) continue;
    allocators_that_ran.insert(text_in(*row, "allocator"));
    ++side[text_in(*row, "case_id")][text_in(*row, "allocator")];
  }
  std::map<std::string, std::vector<std::string>> cases;  // by allocator: those that another one passes
  for (const auto& [name, allocators] : failed) {
    if (!passed.contains(name)) continue;
    for (const auto& [allocator, count] : allocators) cases[allocator].push_back(name);
  }
  Observed observed;
  if (allocators_that_ran.size() < 2) observed.missing = "rows of two allocators";
  for (const auto& [allocator, names] : cases) {
    observed.hits.push_back({{"allocator " + allocator}, {{"cases", names.size()}, {"first_case", names.front()}}});
  }
  return observed;
}

Observed observe_wrong_by_handle(const CheckRow&, const Json& report) {
  std::map<std::string, std::pair<std::size_t, std::size_t>> counts;  // by type: wrong and right rows
  for (const Json* row : list_in(report, "results")) {
    const auto used = text_in(in(*row, "handle"), "used");
    if (used.empty()) continue;
    if (wrong(*row)) {
      ++counts[used].first;
    } else if (text_in(*row, "status") == "ok") {
      ++counts[used].second;
    }
  }
  Observed observed;
  if (counts.empty()) observed.missing = "rows whose data were checked";
  for (const auto& [type, count] : counts) {
    if (count.first == 0) continue;
    if (counts.size() == 1) observed.missing = "rows over another handle type";
    const bool right_elsewhere = std::any_of(counts.begin(), counts.end(), [&](const auto& other) {
      return other.first != type && other.second.first == 0 && other.second.second > 0;
    });
    if (right_elsewhere) {
      observed.hits.push_back({{"handle " + type}, {{"wrong_rows", count.first}, {"right_rows", count.second}}});
    }
  }
  return observed;
}

Observed observe_leaks(const CheckRow&, const Json& report) {
  Observed observed{.hits = {}, .missing = "lifecycles (--lifecycles)"};
  for (const Json* entry : list_in(report, "stability")) {
    const Json& leaks = in(*entry, "leaks");
    if (!leaks.is_object()) continue;
    observed.missing.clear();
    const bool leaked = std::any_of(leaks.begin(), leaks.end(),
                                    [](const Json& grown) { return grown.is_number() && grown.get<double>() > 0; });
    if (leaked) observed.hits.push_back({{"allocator " + text_in(*entry, "allocator")}, {{"leaks", leaks}}});
  }
  return observed;
}

Observed observe_wrong_by_transport(const CheckRow&, const Json& report) {
  std::map<std::string, std::pair<std::size_t, std::size_t>> counts;  // by transport: wrong and right rows
  for (const Json* row : list_in(report, "results")) {
    const auto transport = text_in(*row, "transport");
    if (transport.empty() || in(*row, "reference") == true) continue;
    if (wrong(*row)) {
      ++counts[transport].first;
    } else if (text_in(*row, "status") == "ok") {
      ++counts[transport].second;
    }
  }
  Observed observed;
  if (counts.size() < 2) observed.missing = "rows over both transports (--multicast off,on)";
  for (const auto& [transport, count] : counts) {
    const bool right_elsewhere = std::ranges::any_of(counts, [&](const auto& other) {
      return other.first != transport && other.second.first == 0 && other.second.second > 0;
    });
    if (count.first == 0 || !right_elsewhere) continue;
    observed.hits.push_back({{"transport " + transport}, {{"wrong_rows", count.first}, {"right_rows", count.second}}});
  }
  return observed;
}

Observed observe_misleading_test(const CheckRow&, const Json& report) {
  Observed observed;
  const auto ranks = ranks_of(report);
  for (const auto& rank : ranks) {
    if (!in(*rank.device, "fabric_self_test").is_boolean()) observed.missing = "self test of " + entity_of(rank);
  }
  bool tried = false;
  for (const Json* trial : list_in(in(report, "fabric"), "handle_trials")) {
    if (text_in(*trial, "type") != "fabric" || !in(*trial, "passed").is_boolean()) continue;
    tried = true;
    if (in(*trial, "passed") == true) continue;
    const bool all_passed_alone = !ranks.empty() && std::ranges::all_of(ranks, [&](const ReportedRank& rank) {
      return rank.group != in(*trial, "group") || in(*rank.device, "fabric_self_test") == true;
    });
    if (all_passed_alone) observed.hits.push_back({{"allocator " + text_in(*trial, "allocator")}, *trial});
  }
  if (!tried && observed.missing.empty()) observed.missing = "trials of fabric handles";
  return observed;
}

}  // namespace symmbench
