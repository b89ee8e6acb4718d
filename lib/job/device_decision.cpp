#include "job/device_decision.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "bench/preflight.hpp"
#include "config/fabric_profile.hpp"
#include "config/resolve.hpp"

namespace symmbench {
namespace {

/// Why this rank cannot use `kind`; nullopt: it can.
std::optional<std::string> refusal(const Json& record, const std::string& kind) {
  const Json entry = device_entry(record, kind);
  if (!entry.is_null() && entry.value("usable", false)) return std::nullopt;
  return entry.is_null() || entry.at("reason").is_null() ? std::string("it did not say why")
                                                         : entry.at("reason").get<std::string>();
}

/// Why not every rank can use `kind`: the first such rank, its host and reason, or nullopt.
std::optional<std::string> problem_with(const std::string& kind, const std::vector<Json>& rank_facts, int world_size) {
  if (static_cast<int>(rank_facts.size()) < world_size) {
    return fmt::format("only {} of {} ranks reported their facts", rank_facts.size(), world_size);
  }
  const auto cannot = [&](const Json& record) { return refusal(record, kind).has_value(); };
  const auto first = std::find_if(rank_facts.begin(), rank_facts.end(), cannot);
  if (first == rank_facts.end()) return std::nullopt;
  const auto others = std::count_if(first + 1, rank_facts.end(), cannot);
  return fmt::format("rank {} on {} cannot use the {} device: {}{}", first->at("rank").get<int>(),
                     first->at("facts").value("host", "an unknown host"), kind, *refusal(*first, kind),
                     others == 0 ? "" : fmt::format(" (nor can {} other rank{})", others, others == 1 ? "" : "s"));
}

/// There is nothing on any rank that could have been meant.
bool nobody_sees_a_gpu(const std::vector<Json>& rank_facts) {
  return std::all_of(rank_facts.begin(), rank_facts.end(), [](const Json& record) {
    const Json entry = device_entry(record, "cuda");
    return entry.is_object() && entry.value("absent", false);
  });
}

/// The family of all GPUs, or nothing where they differ or one did not say.
std::string gpu_family(const std::vector<Json>& rank_facts) {
  std::string family;
  for (const auto& record : rank_facts) {
    const Json entry = device_entry(record, "cuda");
    const Json version = entry.is_object() ? entry.value("sm_version", Json(nullptr)) : Json(nullptr);
    const auto own = version.is_number_integer() ? sm_family(version.get<int>()) : std::string();
    if (own.empty() || (!family.empty() && own != family)) return "";
    family = own;
  }
  return family;
}

/// Whether what a rank's GPU says of itself is what the profile has.
bool looks_like(const Json& entry, const FabricProfile& profile) {
  const Json version = entry.value("sm_version", Json(nullptr)), name = entry.value("name", Json(nullptr));
  if (version != profile.sm_version || !name.is_string()) return false;
  return name.get<std::string>().starts_with(profile.product);
}

std::string gpu_text(const Json& entry) {
  const Json version = entry.value("sm_version", Json(nullptr)), name = entry.value("name", Json(nullptr));
  return fmt::format("{} (SM {})", name.is_string() ? name.get<std::string>() : "of unknown name",
                     version.is_number_integer() ? std::to_string(version.get<int>()) : "unknown");
}

/// Why the GPUs are not what --fabric names: the first rank whose GPU is another, or nullopt.
std::optional<std::string> contradicts(const FabricProfile& profile, const std::vector<Json>& rank_facts) {
  for (const auto& record : rank_facts) {
    const Json entry = device_entry(record, "cuda");
    if (!entry.is_object() || looks_like(entry, profile)) continue;
    return fmt::format("--fabric '{}' expects {} (SM {}), and rank {} on {} has {}", profile.name, profile.product,
                       profile.sm_version, record.at("rank").get<int>(),
                       record.at("facts").value("host", "an unknown host"), gpu_text(entry));
  }
  return std::nullopt;
}

/// The shipped profile that every rank's GPU looks like; nullopt: none, or several.
std::optional<std::string> detected_profile(const std::vector<Json>& rank_facts) {
  std::optional<std::string> found;
  for (const auto& shipped : shipped_fabrics()) {
    const FabricProfile profile = FabricDocument::of_value(std::string(shipped.name)).profile();
    if (rank_facts.empty() || contradicts(profile, rank_facts)) continue;
    if (found) return std::nullopt;
    found = profile.name;
  }
  return found;
}

}  // namespace

std::vector<Json> latest_facts(const std::vector<Json>& records) {
  std::map<int, Json> by_rank;
  for (const auto& record : records) by_rank[record.at("rank").get<int>()] = record;
  std::vector<Json> latest;
  for (auto& [rank, record] : by_rank) latest.push_back(std::move(record));
  return latest;
}

Json device_entry(const Json& record, const std::string& kind) {
  for (const auto& entry : record.at("facts").value("devices", Json::array())) {
    if (entry.value("kind", std::string()) == kind) return entry;
  }
  return nullptr;
}

RunConfig config_for(const RunConfig& config, const DeviceDecision& device) {
  if (config.tuning.name != TuningTable::kAutoTuning) return config;
  return with_tuning(config, tuning_for_family(device.family));
}

std::optional<std::string> tuning_concern(const RunConfig& config, const DeviceDecision& device) {
  const Json tuning = parse_json(config.config_text, "configuration").value("tuning", Json(nullptr));
  if (!tuning.is_object() || tuning.value("family", std::string()) == device.family) return std::nullopt;
  return fmt::format("the table of --tuning was made for '{}', and this run is on '{}'",
                     tuning.value("family", std::string()), device.family);
}

DeviceDecision decide_device(const RunConfig& config, const std::vector<Json>& rank_facts, int world_size) {
  std::optional<FabricProfile> asked;
  if (!config.fabric.is_null()) asked = FabricDocument::of_value(config.fabric).profile();
  auto profile = asked ? std::optional(asked->name) : std::nullopt;
  if (config.device == DeviceChoice::host) {
    return {.kind = "host",
            .emulated = true,
            .family = "host",
            .reason = "asked for",
            .profile = profile,
            .problem = problem_with("host", rank_facts, world_size)};
  }
  auto problem = problem_with("cuda", rank_facts, world_size);
  if (!problem) problem = placement_problem(rank_facts, config.ranks_per_group(world_size));
  if (!problem && asked) problem = contradicts(*asked, rank_facts);
  if (!asked) profile = detected_profile(rank_facts);
  const bool automatic = config.device == DeviceChoice::automatic;
  return {.kind = "cuda",
          .emulated = false,
          .family = gpu_family(rank_facts),
          .reason = !automatic ? "asked for"
                    : problem  ? "the emulated device runs only when asked for"
                               : "every rank can use its GPU",
          .profile = profile,
          .problem = problem,
          .no_gpu = automatic && problem && static_cast<int>(rank_facts.size()) == world_size &&
                    nobody_sees_a_gpu(rank_facts)};
}

}  // namespace symmbench
