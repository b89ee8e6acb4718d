#include "findings/observe_machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <set>
#include <utility>

#include "findings/report_facts.hpp"

namespace symmbench {

Observed observe_slow_pair(const CheckRow&, const Json& report) {
  constexpr double kShare = 0.5;
  const auto pairs = list_in(in(report, "probe"), "pairs");
  const Json &limits = in(in(report, "fabric"), "limits"), &copy_gbs = in(limits, "copy_gbs");
  std::map<std::string, std::vector<double>> rates;
  constexpr const char* kRates[] = {"read_gbs", "write_gbs"};
  for (const Json* pair : pairs) {
    for (const char* key : kRates) {
      if (in(*pair, key).is_number()) rates[key].push_back(in(*pair, key).get<double>());
    }
  }
  Observed observed;
  if (in(in(report, "device"), "emulated") != false) {
    observed.missing = "bandwidth of hardware (the device is emulated)";
    return observed;
  }
  const std::size_t needed = copy_gbs.is_number() ? 1 : 3;  // of a few pairs none is unlike the others
  if (rates["read_gbs"].size() < needed) {
    observed.missing = "bandwidth of pairs (symmbench probe)";
    return observed;
  }
  std::map<std::string, double> medians;
  for (auto& [key, values] : rates) {
    if (values.size() < 3) continue;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    medians[key] = *middle;
  }
  for (const Json* pair : pairs) {
    for (const char* key : kRates) {
      const Json& rate = in(*pair, key);
      if (!rate.is_number()) continue;
      Json evidence{{key, rate}};
      if (copy_gbs.is_number() && rate.get<double>() < kShare * copy_gbs.get<double>()) {
        evidence.update({{"limit", "profile"},
                         {"profile", in(limits, "profile")},
                         {"copy_gbs", copy_gbs},
                         {"limit_gbs", kShare * copy_gbs.get<double>()}});
      } else if (medians.contains(key) && rate.get<double>() < kShare * medians[key]) {
        evidence.update(
            {{"limit", "median of pairs"}, {"median_gbs", medians[key]}, {"limit_gbs", kShare * medians[key]}});
      } else {
        continue;
      }
      observed.hits.push_back(
          {{fmt::format("rank {}", in(*pair, "rank").dump()), fmt::format("rank {}", in(*pair, "peer").dump())},
           std::move(evidence)});
      break;
    }
  }
  return observed;
}

namespace {

/// A link of a group, by the slower of its two directions; emulated ranks wait for processors, and by the faster.
struct LinkTime {
  std::size_t rank, peer;  ///< of the group
  double us;
};

std::vector<LinkTime> link_times_of(const Json& group, bool emulated) {
  std::vector<LinkTime> times;
  const auto rows = list_in(group, "read_us");
  for (std::size_t rank = 0; rank < rows.size(); ++rank) {
    for (std::size_t peer = rank + 1; peer < rows.size(); ++peer) {
      if (!rows[rank]->is_array() || !rows[peer]->is_array() || rows[rank]->size() <= peer) return {};
      const Json &one = (*rows[rank])[peer], &other = (*rows[peer])[rank];
      if (!one.is_number() || !other.is_number()) return {};
      const auto [least, most] = std::minmax(one.get<double>(), other.get<double>());
      times.push_back({rank, peer, emulated ? least : most});
    }
  }
  return times;
}

}  // namespace

Observed observe_slow_link(const CheckRow&, const Json& report) {
  const bool emulated = in(in(report, "device"), "emulated") != false;
  const double far = emulated ? 8 : 1.5;
  Observed observed{.hits = {}, .missing = "times of three links of a group"};
  for (const Json* group : list_in(in(report, "fabric"), "links")) {
    const auto times = link_times_of(*group, emulated);
    const Json &number = in(*group, "group"), &ranks_of_group = in(in(report, "run"), "group_size");
    if (times.size() < 3 || !number.is_number_integer() || !ranks_of_group.is_number_integer()) continue;
    observed.missing.clear();
    auto sorted = times;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end(), [](const auto& a, const auto& b) { return a.us < b.us; });
    const auto first_rank = number.get<std::int64_t>() * ranks_of_group.get<std::int64_t>();
    for (const LinkTime& link : times) {
      if (middle->us <= 0 || link.us < far * middle->us) continue;
      observed.hits.push_back({{fmt::format("rank {}", first_rank + static_cast<std::int64_t>(link.rank)),
                                fmt::format("rank {}", first_rank + static_cast<std::int64_t>(link.peer))},
                               {{"read_us", link.us}, {"median_us", middle->us}, {"bytes", in(*group, "bytes")}}});
    }
  }
  return observed;
}

/// Where the same rank takes longer than the median of the others by far in most rows of its group, two at least. Emulated
/// ranks share processors, so that there only a multiple says something.
Observed observe_slow_rank(const CheckRow&, const Json& report) {
  const double far = in(in(report, "device"), "emulated") != false ? 4 : 1.5;
  struct Seen {
    int rows = 0;
    double longest = 0;  ///< of the others' median
    const Json* row = nullptr;
  };
  std::map<std::int64_t, int> rows_of_group;
  std::map<std::pair<std::int64_t, std::int64_t>, Seen> slow;  // by group and world rank
  for (const Json* row : list_in(report, "results")) {
    std::vector<double> others;
    for (const Json* mean : list_in(*row, "rank_mean_us")) {
      if (mean->is_number()) others.push_back(mean->get<double>());
    }
    const Json& rank = in(*row, "slowest_rank");
    const Json& group = in(*row, "group");
    if (others.size() < 2 || !rank.is_number_integer() || !group.is_number_integer()) continue;
    ++rows_of_group[group.get<std::int64_t>()];
    const auto slowest = std::max_element(others.begin(), others.end());
    const double its_us = *slowest;
    others.erase(slowest);
    const auto middle = others.begin() + static_cast<std::ptrdiff_t>(others.size() / 2);
    std::nth_element(others.begin(), middle, others.end());
    if (*middle <= 0 || its_us < far * *middle) continue;
    Seen& seen = slow[{group.get<std::int64_t>(), rank.get<std::int64_t>()}];
    ++seen.rows;
    if (its_us <= seen.longest * *middle) continue;
    seen.longest = its_us / *middle;
    seen.row = row;
  }
  Observed observed;
  if (rows_of_group.empty()) observed.missing = "times of each rank";
  for (const auto& [of, seen] : slow) {
    if (seen.rows < 2 || 2 * seen.rows <= rows_of_group[of.first]) continue;
    observed.hits.push_back({{fmt::format("rank {}", of.second)},
                             {{"rows", seen.rows},
                              {"of_rows", rows_of_group[of.first]},
                              {"times_the_others", seen.longest},
                              {"case_id", in(*seen.row, "case_id")},
                              {"rank_mean_us", in(*seen.row, "rank_mean_us")}}});
  }
  return observed;
}

/// Where nobody is named, what was tried is still worth knowing.
Observed observe_bisected(const CheckRow&, const Json& report) {
  Observed observed;
  const auto found = list_in(report, "bisect");
  if (found.empty()) {
    const auto failures = failures_of(report);
    if (list_in(report, "results").empty()) observed.missing = "outcomes: nothing ran";
    if (!failures.empty()) observed.missing = "smaller groups after a failure (run --bisect)";
  }
  for (const Json* group : found) {
    Hit hit{.evidence = Json::object()};
    for (const Json* rank : list_in(*group, "ranks")) {
      hit.entities.push_back(fmt::format("rank {}", in(*rank, "rank").dump()));
    }
    for (const char* key : {"group", "culprit", "sure", "with", "without", "text"}) hit.evidence[key] = in(*group, key);
    if (hit.entities.empty()) {
      hit.entities.push_back(fmt::format("group {}", in(*group, "group").dump()));
      hit.severity = Severity::info;
    } else if (in(*group, "sure") != true) {
      hit.severity = Severity::warning;
    }
    observed.hits.push_back(std::move(hit));
  }
  return observed;
}

namespace {

/// Samples around case groups for which `hit` holds; unknown where `key` of one is not there, or there is none.
Observed observe_samples(const Json& report, const char* key, bool (*hit)(const Json& value)) {
  Observed observed;
  const auto samples = list_in(in(report, "fabric"), "samples");
  if (samples.empty()) observed.missing = "samples of the GPUs around case groups";
  for (const Json* sample : samples) {
    const Json& value = in(*sample, key);
    if (value.is_null()) observed.missing = fmt::format("{} of rank {}", key, in(*sample, "rank").dump());
    if (!hit(value)) continue;
    observed.hits.push_back({{fmt::format("rank {}", in(*sample, "rank").dump())},
                             {{"label", in(*sample, "label")},
                              {key, value},
                              {"before", in(*sample, "before")},
                              {"after", in(*sample, "after")}}});
  }
  return observed;
}

}  // namespace

Observed observe_throttled(const CheckRow&, const Json& report) {
  Observed observed = observe_samples(report, "throttled", [](const Json& value) { return value == true; });
  // Blocks of batches are watched one by one; their rows say so.
  std::set<int> ranks;
  std::size_t rows = 0, samples = 0, slowed = 0;
  for (const Json* row : list_in(report, "results")) {
    const Json& count = in(*row, "slowed_samples");
    if (!count.is_number_unsigned() || count == 0) continue;
    ++rows;
    slowed += count.get<std::size_t>();
    const Json& all = in(in(*row, "time_us"), "samples");
    if (all.is_number_unsigned()) samples += all.get<std::size_t>();
    for (const Json* rank : list_in(*row, "slowed_ranks")) {
      if (rank->is_number_integer()) ranks.insert(rank->get<int>());
    }
  }
  if (rows == 0) return observed;
  Hit hit{.evidence = {{"rows", rows}, {"slowed_samples", slowed}, {"samples_of_these_rows", samples}}};
  for (const int rank : ranks) hit.entities.push_back(fmt::format("rank {}", rank));
  observed.hits.push_back(std::move(hit));
  return observed;
}

namespace {

bool counted(const Json& kinds, std::initializer_list<const char*> of) {
  return std::ranges::any_of(of, [&](const char* kind) {
    const Json& count = in(kinds, kind);
    return count.is_number_integer() && count > 0;
  });
}
constexpr const char* kLinkErrors = "nvlink_errors_added_by_kind";

}  // namespace

Observed observe_link_errors(const CheckRow&, const Json& report) {
  return observe_samples(report, kLinkErrors, [](const Json& kinds) {
    return counted(kinds, {"recovery", "crc_data"});
  });
}

Observed observe_link_retries(const CheckRow&, const Json& report) {
  return observe_samples(report, kLinkErrors, [](const Json& kinds) { return counted(kinds, {"replay", "crc_flit"}); });
}

Observed observe_far_gpu(const CheckRow&, const Json& report) {
  Observed observed;
  const auto ranks = ranks_of(report);
  if (ranks.empty()) observed.missing = "places of GPUs and ranks in the machine";
  for (const ReportedRank& rank : ranks) {
    const Json& near = in(*rank.device, "bound_near");
    if (!near.is_boolean()) observed.missing = "places of GPUs and ranks in the machine";
    if (near != false) continue;
    observed.hits.push_back({{entity_of(rank)},
                             {{"gpu", in(*rank.device, "pci_bus_id")},
                              {"numa_node", in(*rank.device, "numa_node")},
                              {"near_cpus", in(*rank.device, "near_cpus")},
                              {"bound_cpus", in(in(*rank.facts, "topology"), "bound_cpus")}}});
  }
  return observed;
}

Observed observe_oversubscribed(const CheckRow&, const Json& report) {
  Observed observed{.hits = {}, .missing = "load of the hosts"};
  for (const Json* host : list_in(in(in(report, "run"), "deadlines"), "hosts")) {
    const Json& widened = in(*host, "widened_by");
    if (widened.is_number()) observed.missing.clear();
    if (widened.is_number() && widened.get<double>() > 1)
      observed.hits.push_back({{"host " + text_in(*host, "host")}, *host});
  }
  return observed;
}

}  // namespace symmbench
