#include "memory/handle_policy.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "comm/host_identity.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "memory/rank_text.hpp"

namespace symmbench {
namespace {

constexpr std::string_view kChoices[] = {"auto", "upstream", "posix_fd", "fabric"};
constexpr int kFabricNotSupported = 0;  // NVML's gpu fabric states (TS 8.7)
constexpr int kFabricCompleted = 3;

/// Why no trial of `type` is needed to know that it cannot work, or "".
std::string excluded(HandleType type, std::span<const HandleFacts> ranks) {
  std::vector<int> without;
  for (const auto& rank : ranks) {
    if (!(type == HandleType::fabric ? rank.fabric_supported : rank.posix_fd_supported)) {
      without.push_back(rank.world_rank);
    }
  }
  if (!without.empty()) return fmt::format("not offered by the device of {}", rank_list(without));
  if (type == HandleType::fabric) return "";
  for (const auto& rank : ranks) {
    if (rank.os_image != ranks[0].os_image) {
      return fmt::format("descriptors do not travel between rank {} and rank {}: another host or network namespace",
                         ranks[0].world_rank, rank.world_rank);
    }
  }
  return "";
}

const HandleTrial* trial_of(HandleType type, std::span<const HandleTrial> trials) {
  const auto found = std::find_if(trials.begin(), trials.end(), [&](const auto& each) { return each.type == type; });
  return found == trials.end() ? nullptr : &*found;
}

/// What became of `type`: "trial passed on 4 ranks", "trial failed: ...", "not offered by ...".
std::string verdict(HandleType type, std::span<const HandleFacts> ranks, std::span<const HandleTrial> trials) {
  if (const auto* trial = trial_of(type, trials)) {
    if (trial->passed) return fmt::format("trial passed on {} ranks", ranks.size());
    return "trial failed: " + (trial->failure ? describe(*trial->failure) : std::string("no reason given"));
  }
  const auto why_not = excluded(type, ranks);
  return why_not.empty() ? "not tried" : why_not;
}

struct Choice {
  HandleType type;
  std::string why;
};

/// FI 5.1 step 4: FABRIC by attribute, NVML state and the first byte of the cluster UUID; no trial.
Choice symm_device_memory_choice(const HandleFacts& rank) {
  if (!rank.fabric_supported) return {HandleType::posix_fd, "attribute not set"};
  if (!rank.fabric_state || *rank.fabric_state < kFabricCompleted) {
    return {HandleType::posix_fd, rank.fabric_state ? fmt::format("fabric state {}", *rank.fabric_state)
                                                    : std::string("fabric state unknown")};
  }
  if (!rank.cluster_uuid || (*rank.cluster_uuid)[0] == 0) return {HandleType::posix_fd, "no cluster UUID"};
  return {HandleType::fabric, "attribute set, fabric completed, cluster UUID set"};
}

/// TS 1.3: FABRIC unless NVML says not supported, when create, export and import in the own process work.
Choice torch_symm_mem_choice(const HandleFacts& rank) {
  if (!rank.fabric_state) return {HandleType::posix_fd, "fabric state unknown"};
  if (*rank.fabric_state == kFabricNotSupported) return {HandleType::posix_fd, "fabric not supported"};
  if (!rank.fabric_self_test.value_or(false)) return {HandleType::posix_fd, "self test of fabric failed"};
  return {HandleType::fabric, fmt::format("fabric state {}, self test passed", *rank.fabric_state)};
}

HandleDecision decide_upstream(std::string_view allocator, std::span<const HandleFacts> ranks) {
  if (allocator != "symm_device_memory" && allocator != "torch_symm_mem") {
    throw Error({.layer = Layer::config,
                 .reason = Reason::invalid_argument,
                 .detail = fmt::format("no upstream handle rule is known for allocator '{}'", allocator)});
  }
  std::vector<int> world_ranks;
  std::vector<std::string> names, reasons;
  std::optional<HandleType> common;
  for (const auto& rank : ranks) {
    const auto choice = allocator == "torch_symm_mem" ? torch_symm_mem_choice(rank) : symm_device_memory_choice(rank);
    world_ranks.push_back(rank.world_rank);
    names.emplace_back(name_of(choice.type));
    reasons.push_back(fmt::format("{} ({})", name_of(choice.type), choice.why));
    common = choice.type;
  }
  const auto text = holders_by_value(world_ranks, reasons);
  if (std::all_of(names.begin(), names.end(), [&](const auto& name) { return name == names[0]; })) {
    return {"upstream", common, fmt::format("rule of {}: {}", allocator, text)};
  }
  return {"upstream", std::nullopt,
          fmt::format("rule of {} chooses differently, upstream would wait for ever: {}", allocator, text)};
}

}  // namespace

std::span<const std::string_view> handle_choices() { return kChoices; }

HandleFacts local_handle_facts(Driver& driver, int world_rank) {
  const auto device = driver.facts();
  const auto host = this_host();
  return {.world_rank = world_rank,
          .posix_fd_supported = device.posix_fd_supported,
          .fabric_supported = device.fabric_supported,
          .os_image = fnv1a(host.boot_id + "/" + host.network_namespace)};
}

std::vector<HandleType> handles_to_try(std::string_view asked, std::span<const HandleFacts> ranks) {
  if (asked == "upstream") return {};
  // The user's word is put to the test even where the attribute says no: the driver's own answer is better evidence.
  if (asked == "fabric") return {HandleType::fabric};
  std::vector<HandleType> wanted;
  if (asked == "auto") {
    wanted = {HandleType::fabric, HandleType::posix_fd};
  } else if (asked == "posix_fd") {
    wanted = {HandleType::posix_fd};
  } else {
    throw Error({.layer = Layer::config,
                 .reason = Reason::invalid_argument,
                 .detail = fmt::format("unknown handle type '{}': known are {}", asked, fmt::join(kChoices, ", "))});
  }
  std::erase_if(wanted, [&](HandleType type) { return !excluded(type, ranks).empty(); });
  return wanted;
}

HandleDecision decide_handle(std::string_view asked, std::string_view allocator, std::span<const HandleFacts> ranks,
                             std::span<const HandleTrial> trials) {
  if (asked == "upstream") return decide_upstream(allocator, ranks);
  const auto wanted = asked == "auto" ? std::vector<HandleType>{HandleType::fabric, HandleType::posix_fd}
                                      : std::vector<HandleType>{handle_type_from(asked).value()};
  HandleDecision decision{.asked = std::string(asked)};
  for (const auto type : wanted) {
    decision.reason +=
        fmt::format("{}{}: {}", decision.reason.empty() ? "" : "; ", name_of(type), verdict(type, ranks, trials));
    const auto* trial = trial_of(type, trials);
    if (trial != nullptr && trial->passed) {
      decision.used = type;
      break;
    }
  }
  return decision;
}

}  // namespace symmbench
