#include "memory/handle_policy.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "memory/allocators.hpp"
#include "memory/rank_text.hpp"

namespace symmbench {
namespace {

/// The types that `asked` names, whichever allocator it is for; nullopt for "auto": all of them.
/// @throws Error{config, invalid_argument} for an unknown choice
std::optional<HandleType> asked_type(std::string_view asked) {
  if (asked == "auto") return std::nullopt;
  if (const auto type = handle_type_from(asked)) return type;
  std::vector<std::string_view> known = {"auto", "upstream"};
  for (const auto& row : kHandleTypes) {
    if (row.now) known.push_back(row.name);
  }
  throw Error({.layer = Layer::config,
               .reason = Reason::invalid_argument,
               .detail = fmt::format("unknown handle type '{}': known are {}", asked, fmt::join(known, ", "))});
}

/// What was asked for and the allocator can travel by, the best first.
std::vector<HandleType> wanted_types(std::string_view asked, AllocatorKind allocator) {
  const auto only = asked_type(asked);
  std::vector<HandleType> wanted;
  for (const auto type : row_of(kAllocators, allocator).handles) {
    if (!only || type == *only) wanted.push_back(type);
  }
  return wanted;
}

/// Whether handles that travel between hosts do so here: nullopt where no trial has shown either.
std::optional<bool> fabric_works(std::span<const HandleTrial> trials) {
  std::optional<bool> works;
  for (const auto& trial : trials) {
    if (row_of(kHandleTypes, trial.type).across_hosts) works = works.value_or(false) || trial.passed;
  }
  return works;
}

/// That descriptors cannot travel between these ranks: who lives where, whether machine or only network namespace differ,
/// what to do, which is nothing that `trials` have shown not to work; "" where they can.
std::string across_hosts(std::span<const HandleFacts> ranks, std::span<const HandleTrial> trials) {
  const auto same = [&](auto member) {
    return std::all_of(ranks.begin(), ranks.end(), [&](const auto& rank) { return rank.*member == ranks[0].*member; });
  };
  if (same(&HandleFacts::os_image)) return "";
  std::vector<int> world_ranks;
  std::vector<std::string> hosts;
  for (const auto& rank : ranks) {
    world_ranks.push_back(rank.world_rank);
    hosts.emplace_back(rank.host_name.data());
  }
  const auto places = fmt::format("does not travel between hosts: {}", holders_by_value(world_ranks, hosts));
  if (same(&HandleFacts::machine)) {
    return places +
           "; it is one machine (equal boot ids), only the network namespaces differ: start the ranks in one, "
           "as with the host's network, or keep groups inside one (--group-size)";
  }
  const auto fabric = fabric_works(trials);
  return fmt::format("{}; the machines differ (boot ids): {}keep groups inside a host (--group-size){}", places,
                     fabric == true ? "use --handle fabric, or " : "",
                     fabric ? "" : "; `symmbench probe` tries whether fabric handles reach across");
}

/// Why no trial of `type` is needed to know that it cannot work, or "".
std::string excluded(HandleType type, std::span<const HandleFacts> ranks, std::span<const HandleTrial> trials = {}) {
  std::vector<int> without;
  for (const auto& rank : ranks) {
    if (!offers(rank, type)) without.push_back(rank.world_rank);
  }
  if (!without.empty()) return fmt::format("not offered by the device of {}", rank_list(without));
  if (row_of(kHandleTypes, type).across_hosts) return "";
  return across_hosts(ranks, trials);
}

const HandleTrial* trial_of(HandleType type, AllocatorKind allocator, std::span<const HandleTrial> trials) {
  const auto found = std::find_if(trials.begin(), trials.end(),
                                  [&](const auto& each) { return each.type == type && each.allocator == allocator; });
  return found == trials.end() ? nullptr : &*found;
}

bool passed(HandleType type, AllocatorKind allocator, std::span<const HandleTrial> trials) {
  const auto* trial = trial_of(type, allocator, trials);
  return trial != nullptr && trial->passed;
}

std::string failure_text(const HandleTrial& trial) {
  return trial.failure ? describe(*trial.failure) : std::string("no reason given");
}

/// What became of `type`: "trial passed on 4 ranks", "trial failed: ...", "not offered by ...".
std::string outcome(HandleType type, AllocatorKind allocator, std::span<const HandleFacts> ranks,
                    std::span<const HandleTrial> trials) {
  const auto* own = trial_of(type, allocator, trials);
  if (own == nullptr) {
    const auto why_not = excluded(type, ranks, trials);
    return why_not.empty() ? "not tried" : why_not;
  }
  if (!own->passed) return "trial failed: " + failure_text(*own);
  auto text = fmt::format("trial passed on {} ranks", ranks.size());
  for (const auto& other : trials) {
    if (other.type == type && !other.passed) {
      text += fmt::format(", but not with {}: {}", name_of(other.allocator), failure_text(other));
    }
  }
  return text;
}

HandleDecision decide_upstream(AllocatorKind allocator, std::span<const HandleFacts> ranks) {
  const auto rule = mode_of(allocator).upstream_rule;
  std::vector<int> world_ranks;
  std::vector<std::string> reasons;
  std::vector<HandleType> types;
  for (const auto& rank : ranks) {
    const auto choice = rule(rank);
    world_ranks.push_back(rank.world_rank);
    types.push_back(choice.type);
    reasons.push_back(fmt::format("{} ({})", name_of(choice.type), choice.why));
  }
  const auto text = holders_by_value(world_ranks, reasons);
  if (std::all_of(types.begin(), types.end(), [&](HandleType type) { return type == types[0]; })) {
    // Where upstream has nothing to choose, the facts alone say whether that one type can work.
    const auto why_not = types[0] == HandleType::cuda_ipc ? excluded(types[0], ranks) : "";
    if (!why_not.empty()) return {"upstream", std::nullopt, fmt::format("{}: {}", name_of(types[0]), why_not)};
    return {"upstream", types.back(), fmt::format("rule of {}: {}", name_of(allocator), text)};
  }
  return {
      "upstream", std::nullopt,
      fmt::format("rule of {} chooses differently, upstream would wait indefinitely: {}", name_of(allocator), text)};
}

}  // namespace

std::vector<HandleType> handles_to_try(std::string_view asked, AllocatorKind allocator,
                                       std::span<const HandleFacts> ranks) {
  if (asked == "upstream") return {};
  auto wanted = wanted_types(asked, allocator);
  // The user's word is put to the test even where the attribute says no: the driver's own answer is better evidence.
  if (asked == name_of(HandleType::fabric)) return wanted;
  std::erase_if(wanted, [&](HandleType type) { return !excluded(type, ranks).empty(); });
  return wanted;
}

bool proved_for_all(HandleType type, AllocatorKind allocator, std::span<const HandleTrial> trials) {
  return passed(type, allocator, trials) && std::all_of(trials.begin(), trials.end(), [&](const auto& trial) {
           return trial.type != type || trial.passed;
         });
}

HandleDecision decide_handle(std::string_view asked, AllocatorKind allocator, std::span<const HandleFacts> ranks,
                             std::span<const HandleTrial> trials) {
  if (asked == "upstream") return decide_upstream(allocator, ranks);
  HandleDecision decision{.asked = std::string(asked)};
  const auto wanted = wanted_types(asked, allocator);
  if (wanted.empty()) {
    decision.reason = fmt::format("{}: {}", asked, travels_by(allocator));
    return decision;
  }
  const auto first = [&](const auto& holds) {
    const auto found = std::find_if(wanted.begin(), wanted.end(), holds);
    return found == wanted.end() ? std::nullopt : std::optional(*found);
  };
  decision.used = first([&](HandleType type) { return proved_for_all(type, allocator, trials); });
  if (!decision.used) decision.used = first([&](HandleType type) { return passed(type, allocator, trials); });
  for (const auto type : wanted) {
    decision.reason += fmt::format("{}{}: {}", decision.reason.empty() ? "" : "; ", name_of(type),
                                   outcome(type, allocator, ranks, trials));
    if (proved_for_all(type, allocator, trials)) break;
  }
  return decision;
}

}  // namespace symmbench
