#include "job/plan_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "bench/batch_ring.hpp"
#include "core/counted.hpp"
#include "core/text.hpp"
#include "job/run_deadlines.hpp"
#include "plan/case_codec.hpp"
#include "plan/estimate.hpp"

namespace symmbench {
namespace {

/// Where the device is not known, as on GPUs: the emulated device's batches are shorter, so its rings are no larger.
MemoryEstimate memory_of(const RunConfig& config, const Plan& plan) {
  const bool emulated = config.device == DeviceChoice::host;
  return plan_memory(plan, kUsualGranularity, [&](const Case& one) { return ring_bytes(one, emulated); });
}

std::string case_line(const Case& one) {
  const auto& shape = one.shape;
  auto line = fmt::format("  {:<18} {:<5} {:<4} {:<17} {:>12} {:>11} {:>11}", name_of(shape.pattern),
                          name_of(shape.dtype), shape.in_place ? "in" : "out",
                          one.algorithm_asked == "auto" ? fmt::format("{} (auto)", name_of(shape.algorithm))
                                                        : std::string(name_of(shape.algorithm)),
                          fmt::format("{} x {}", shape.tokens, shape.hidden), format_bytes(shape.message_bytes()),
                          one.iters ? counted(*one.iters, "iter") : "sampled");
  if (const auto variant = one.variant(); !variant.empty()) line += "  " + variant;
  if (one.skip) line += (one.vetoed ? "  not tested: " : "  skipped: ") + *one.skip;
  return line + "\n";
}

std::string group_text(const CaseGroup& group) {
  if (group.kind == GroupKind::lifecycle) {
    const auto how_often = group.soak_s > 0 ? fmt::format("for {:.4g} s, over and over:", group.soak_s)
                                            : fmt::format("{} of", counted(group.lifecycles, "round"));
    return fmt::format(
        "\n{}\n  {} create ... use ... close, {}{}{}{} for {}\n", group.id, how_often,
        group.fresh ? "each in processes of its own, " : "",
        group.reattach ? "re-attached where the allocator can, " : "",
        group.pressure ? "with most of the memory taken, " : "",
        group.concurrent > 1 ? fmt::format("{} workspaces at once, each", group.concurrent) : "workspace",
        format_bytes(group.capacity.message_bytes()));
  }
  auto text = fmt::format("\n{}\n  {}{}; {}\n", group.id, fmt::join(group.allocators, " and "),
                          group.allocators.size() > 1 ? ", interleaved" : "",
                          group.kind == GroupKind::library
                              ? std::string("buffers of its own")
                              : fmt::format("workspace for {}", format_bytes(group.capacity.message_bytes())));
  text += fmt::format("  {:<18} {:<5} {:<4} {:<17} {:>12} {:>11}\n", "pattern", "dtype", "out", "algorithm",
                      "tokens x hid", "message");
  for (const auto& one : group.cases) text += case_line(one);
  return text;
}

std::string memory_text(const MemoryEstimate& memory, int ranks) {
  std::string text = fmt::format("\nMemory, at a granularity of {} (estimate)\n", format_bytes(kUsualGranularity));
  for (const auto& group : memory.groups) {
    std::vector<std::string> parts;
    for (const auto& one : group.workspaces)
      parts.push_back(fmt::format("{} {}", one.allocator, format_bytes(one.bytes)));
    if (group.bench_bytes) parts.push_back(fmt::format("bench segments {}", format_bytes(group.bench_bytes)));
    if (group.ring_bytes) parts.push_back(fmt::format("batch ring {}", format_bytes(group.ring_bytes)));
    text += fmt::format("  {}: {}\n", group.id, fmt::join(parts, ", "));
  }
  const auto rank_bytes = memory.rank_bytes();
  return text + fmt::format("  at most {} per rank, {} per host with {} on it\n", format_bytes(rank_bytes),
                            format_bytes(rank_bytes * static_cast<std::uint64_t>(ranks)),
                            ranks == 1 ? "that one" : fmt::format("all {} ranks", ranks));
}

/// Empty where nothing is compared.
std::string placements_text(const RunConfig& config, const Plan& plan) {
  const bool compares = std::any_of(plan.groups.begin(), plan.groups.end(), [](const CaseGroup& group) {
    return group.kind == GroupKind::measure && group.allocators.size() > 1;
  });
  if (!compares) return "";
  return fmt::format("Placements of compared workspaces: {}{}\n", config.placements,
                     config.placements > 1 ? ", more where they do not decide, fewer where memory is short"
                                           : ": no verdict between allocators");
}

Json group_json(const CaseGroup& group) {
  Json cases = Json::array();
  for (const auto& one : group.cases) {
    Json row = one.keys();
    row["skip"] = json_or_null(one.skip);
    row["vetoed"] = one.vetoed;
    cases.push_back(std::move(row));
  }
  return {{"id", group.id},
          {"kind", name_of(group.kind)},
          {"allocators", group.allocators},
          {"lifecycles", group.lifecycles},
          {"soak_s", group.soak_s > 0 ? Json(group.soak_s) : Json(nullptr)},
          {"concurrent", group.kind == GroupKind::lifecycle ? Json(group.concurrent) : Json(nullptr)},
          {"capacity_bytes", group.capacity.message_bytes()},
          {"cases", std::move(cases)}};
}

Json memory_json(const MemoryEstimate& memory, int ranks) {
  Json groups = Json::array();
  for (const auto& group : memory.groups) {
    Json workspaces = Json::object();
    for (const auto& one : group.workspaces) workspaces[one.allocator] = one.bytes;
    groups.push_back({{"id", group.id},
                      {"workspace_bytes", workspaces},
                      {"bench_bytes", group.bench_bytes},
                      {"ring_bytes", group.ring_bytes}});
  }
  return {{"granularity_bytes", kUsualGranularity},
          {"rank_bytes", memory.rank_bytes()},
          {"host_bytes", memory.rank_bytes() * static_cast<std::uint64_t>(ranks)},
          {"groups", std::move(groups)}};
}

}  // namespace

std::string plan_text(const RunConfig& config, const Plan& plan) {
  const int ranks = plan.world_size;
  std::string text = fmt::format("Plan for {}", counted(ranks, "rank"));
  if (plan.group_size != ranks) {
    text +=
        fmt::format(", {} groups of {} that do the same at the same time", ranks / plan.group_size, plan.group_size);
  }
  text += "\n";
  for (const auto& group : plan.groups) text += group_text(group);
  text += memory_text(memory_of(config, plan), ranks);
  text += placements_text(config, plan);
  text += plan_deadlines_text(config, plan);
  text += fmt::format("Expected time: {:.0f} s on cuda, {:.0f} s on host (estimate)\n",
                      expected_seconds(plan, config, false), expected_seconds(plan, config, true));
  if (!plan.notes.empty()) text += fmt::format("\nNotes\n  {}\n", fmt::join(plan.notes, "\n  "));
  return text;
}

Json plan_json(const RunConfig& config, const Plan& plan) {
  const int ranks = plan.world_size;
  Json groups = Json::array();
  for (const auto& group : plan.groups) groups.push_back(group_json(group));
  return {{"ranks", ranks},
          {"groups_of_ranks", ranks / plan.group_size},
          {"group_size", plan.group_size},
          {"groups", std::move(groups)},
          {"memory", memory_json(memory_of(config, plan), ranks)},
          {"placements", config.placements},
          {"deadlines_s", plan_deadlines_json(config, plan)},
          {"expected_s",
           {{"cuda", expected_seconds(plan, config, false)},
            {"host", expected_seconds(plan, config, true)},
            {"estimate", true}}},
          {"notes", plan.notes}};
}

}  // namespace symmbench
