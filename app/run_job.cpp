#include "app/run_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "bench/batch_ring.hpp"
#include "bench/preflight.hpp"
#include "config/resolve.hpp"
#include "core/rank_groups.hpp"
#include "core/text.hpp"
#include "plan/estimate.hpp"

namespace symmbench {
namespace {

/// The entry of `facts` for a device kind, or null.
Json device_entry(const Json& facts, const std::string& kind) {
  for (const auto& entry : facts.value("devices", Json::array())) {
    if (entry.value("kind", std::string()) == kind) return entry;
  }
  return nullptr;
}

/// Why not every rank can use `kind`: the first rank's reason, or nullopt.
std::optional<std::string> problem_with(const std::string& kind, const std::vector<Json>& rank_facts, int world_size) {
  if (static_cast<int>(rank_facts.size()) < world_size) {
    return fmt::format("only {} of {} ranks reported their facts", rank_facts.size(), world_size);
  }
  for (const auto& record : rank_facts) {
    const Json entry = device_entry(record.at("facts"), kind);
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
    const Json entry = device_entry(record.at("facts"), "cuda");
    const Json version = entry.is_object() ? entry.value("sm_version", Json(nullptr)) : Json(nullptr);
    const auto own = version.is_number_integer() ? sm_family(version.get<int>()) : std::string();
    if (own.empty() || (!family.empty() && own != family)) return "";
    family = own;
  }
  return family;
}

}  // namespace

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
  const int group_size = ranks_per_group(config.group_size, world_size);
  auto cuda_problem = problem_with("cuda", rank_facts, world_size);
  if (!cuda_problem) cuda_problem = placement_problem(rank_facts, group_size);
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

std::optional<std::string> memory_problem(const Plan& plan, const DeviceDecision& device,
                                          const std::vector<Json>& rank_facts) {
  const auto ring = [&](const Case& bench_case) { return ring_bytes(bench_case, device.emulated); };
  const std::uint64_t rank_bytes = plan_memory(plan, kUsualGranularity, ring).rank_bytes();
  // Emulated devices share their host's memory; a GPU is one rank's own.
  std::map<std::string, std::uint64_t> ranks_sharing;
  const auto place_of = [&](const Json& record) {
    const Json& facts = record.at("facts");
    return device.emulated ? facts.at("boot_id").get<std::string>()
                           : fmt::format("rank {}", record.at("rank").get<int>());
  };
  for (const auto& record : rank_facts) ++ranks_sharing[place_of(record)];
  for (const auto& record : rank_facts) {
    const Json entry = device_entry(record.at("facts"), device.kind);
    const auto free_bytes = entry.at("free_bytes").get<std::uint64_t>();
    const std::uint64_t needed_bytes = rank_bytes * ranks_sharing.at(place_of(record));
    if (needed_bytes <= free_bytes) continue;
    return fmt::format(
        "not enough memory on rank {} ({}): {} needed by {} rank(s) there, {} free; ask for smaller messages "
        "(--maxbytes), fewer allocators at a time (--allocator), or fewer ranks",
        record.at("rank").get<int>(), record.at("facts").at("host").get<std::string>(), format_bytes(needed_bytes),
        ranks_sharing.at(place_of(record)), format_bytes(free_bytes));
  }
  return std::nullopt;
}

std::vector<WorkRequest> work_of(const Plan& plan, const RunConfig& config, const DeviceDecision& device) {
  std::vector<WorkRequest> work;
  for (const auto& group : plan.groups) {
    WorkRequest request{
        .task = "group",
        .label = group.id,
        .settings = Json{{"config", config.config_text}, {"device", device.kind}, {"world_size", plan.world_size}}};
    for (const auto& bench_case : group.cases) {
      if (!bench_case.skip) request.items.push_back({bench_case.id(), group.allocators});
    }
    for (std::uint64_t i = 0; i < group.lifecycles; ++i) {
      request.items.push_back({group.lifecycle_id(i), group.allocators});
    }
    if (!request.items.empty()) work.push_back(std::move(request));
  }
  return work;
}

std::vector<Json> planned_rows(const RunConfig& config, int world_size) {
  std::vector<Json> rows;
  const Plan first = make_plan(config, world_size, 0);
  for (int group = 0; group < world_size / first.group_size; ++group) {
    for (const auto& case_group : make_plan(config, world_size, group).groups) {
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

std::vector<Json> planned_lifecycles(const RunConfig& config, int world_size) {
  std::vector<Json> lifecycles;
  const Plan first = make_plan(config, world_size, 0);
  for (int group = 0; group < world_size / first.group_size; ++group) {
    for (const auto& case_group : make_plan(config, world_size, group).groups) {
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
