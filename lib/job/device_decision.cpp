#include "job/device_decision.hpp"

#include <fmt/format.h>

#include "bench/preflight.hpp"
#include "config/resolve.hpp"

namespace symmbench {
namespace {

/// Why not every rank can use `kind`: the first rank's reason, or nullopt.
std::optional<std::string> problem_with(const std::string& kind, const std::vector<Json>& rank_facts, int world_size) {
  if (static_cast<int>(rank_facts.size()) < world_size) {
    return fmt::format("only {} of {} ranks reported their facts", rank_facts.size(), world_size);
  }
  for (const auto& record : rank_facts) {
    const Json entry = device_entry(record, kind);
    if (!entry.is_null() && entry.value("usable", false)) continue;
    const auto reason = entry.is_null() || entry.at("reason").is_null() ? std::string("it did not say why")
                                                                        : entry.at("reason").get<std::string>();
    return fmt::format("rank {} cannot use the {} device: {}", record.at("rank").get<int>(), kind, reason);
  }
  return std::nullopt;
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

}  // namespace

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
  const DeviceChoice asked = config.device;
  auto cuda_problem = problem_with("cuda", rank_facts, world_size);
  if (!cuda_problem) cuda_problem = placement_problem(rank_facts, config.ranks_per_group(world_size));
  const auto host_problem = problem_with("host", rank_facts, world_size);
  if (asked == DeviceChoice::cuda || (asked == DeviceChoice::automatic && !cuda_problem)) {
    return {.kind = "cuda",
            .emulated = false,
            .family = gpu_family(rank_facts),
            .reason = asked == DeviceChoice::cuda ? "asked for" : "every rank can use its GPU",
            .problem = cuda_problem};
  }
  return {.kind = "host",
          .emulated = true,
          .family = "host",
          .reason = asked == DeviceChoice::host ? "asked for" : *cuda_problem,
          .problem = host_problem};
}

}  // namespace symmbench
