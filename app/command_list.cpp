#include "app/command_list.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "app/list_support.hpp"
#include "app/product.hpp"
#include "catalog/upstream_stacks.hpp"
#include "config/fabric_profile.hpp"
#include "config/option_value.hpp"
#include "config/options.hpp"
#include "config/worker_config.hpp"
#include "core/text.hpp"
#include "fault/fault_plan.hpp"
#include "findings/check_table.hpp"
#include "memory/allocators.hpp"
#include "plan/support.hpp"
#include "workspace/workspaces.hpp"

namespace symmbench {
namespace {

/// What a run proves or watches by itself.
constexpr Choice kChecks[] = {
    {"phases",
     "each step of a workspace's life ends in a vote: one rank's failure is every rank's, with call and code"},
    {"handle_trial", "create, export, import on a peer, map and access, by vote of all ranks"},
    {"ownership", "each rank's memory is where every peer has it mapped"},
    {"patterns", "Lamport area, flags and control block hold their start values before use"},
    {"canaries", "nothing was written behind a segment"},
    {"results", "every timed iteration that still has its data, exact inputs: equal means equal"},
    {"rounding", "random inputs against a bound per type and algorithm"},
    {"guards", "outputs are fully written, and nothing beside them"},
    {"bit_identity", "all ranks hold the same bits"},
    {"leaks",
     "what this process itself holds after each lifecycle: descriptors, mappings, handles, addresses, device memory"},
    {"watchdog", "who is stuck, in which phase, and whom it waits for"},
    {"comparison",
     "allocators that take turns in several placements of their workspaces: same, faster, slower, or why not decided"},
};

Json entry_of(const Choice& choice) {
  return {{"name", choice.name}, {"about", choice.about}, {"available", choice.now}};
}

Json entries_of(std::span<const Choice> choices) {
  Json entries = Json::array();
  for (const auto& choice : choices) entries.push_back(entry_of(choice));
  return entries;
}

Json to_json(std::span<const Difference> differences) {
  Json list = Json::array();
  for (const auto& one : differences) {
    list.push_back({{"upstream", one.upstream}, {"here", one.here}, {"reason", one.reason}});
  }
  return list;
}

Json pattern_entries() {
  Json entries = entries_of(option("pattern").choices);
  for (auto& entry : entries) {
    const auto pattern = pattern_from(entry.at("name").get<std::string>());
    if (pattern) entry["support"] = support_json([&](const Support& row) { return row.pattern == *pattern; });
  }
  return entries;
}

/// `auto` is one of the others.
Json algorithm_entries() {
  Json entries = entries_of(option("algorithm").choices);
  for (auto& entry : entries) {
    const auto algorithm = algorithm_from(entry.at("name").get<std::string>());
    if (algorithm) entry["support"] = support_json([&](const Support& row) { return row.algorithm == *algorithm; });
  }
  return entries;
}

/// What workspaces over an allocator can travel by.
Json transports_json(AllocatorKind kind) {
  Json transports = Json::array();
  for (const auto& transport : kTransportKinds) {
    const auto problem = allocator_problem(kind, transport.value);
    transports.push_back({{"transport", transport.name}, {"supported", !problem}, {"reason", json_or_null(problem)}});
  }
  return transports;
}

Json workspace_entries() {
  Json entries = entries_of(option("workspace").choices);
  for (auto& entry : entries) {
    const auto kind = workspace_kind_from(entry.at("name").get<std::string>());
    if (!kind || !entry.at("available").get<bool>()) continue;
    entry["support"] =
        support_json([&](const Support& row) { return !is_reference(row.algorithm) && row.workspace == *kind; });
    entry["differences"] = to_json(workspace_row(*kind).differences());
  }
  return entries;
}

Json allocator_entries() {
  Json entries = entries_of(option("allocator").choices);
  for (auto& entry : entries) {
    const auto kind = allocator_from(entry.at("name").get<std::string>());
    if (!kind) continue;
    entry["transports"] = transports_json(*kind);
    entry["differences"] = to_json(mode_of(*kind).make()->differences());
    if (*kind == AllocatorKind::torch_symm_mem) entry["layouts"] = entries_of(option("torch_layout").choices);
  }
  return entries;
}

std::string joined(const Json& names) {
  return fmt::format("{}", fmt::join(names.get<std::vector<std::string>>(), ", "));
}

Json fault_entries() {
  Json entries = Json::array();
  for (const FaultRow& row : fault_table()) {
    entries.push_back(
        {{"name", row.name},
         {"about", row.about},
         {"available", true},
         {"parameters", parameter_names(row.parameters)},
         {"devices", row.on_cuda() ? Json{"host", "cuda"} : Json{"host"}},
         {"seam", name_of(row.seam)},
         {"layer", row.exit_code == 0 ? Json(nullptr) : Json(name_of(row.layer))},
         {"algorithm", row.algorithm.empty() ? Json(nullptr) : Json(row.algorithm)},
         {"check", row.check},
         {"exit_code", row.exit_code},
         {"bound_s", row.bound_s > 0 ? Json(bound_s(row, deadlines_of(WorkerConfig{}))) : Json(nullptr)}});
  }
  return entries;
}

Json config_entries() {
  Json entries = Json::array();
  for (const auto& config : shipped_configs()) {
    const auto json = parse_json(config.text, config.name);
    entries.push_back({{"name", config.name}, {"about", json.at("description")}, {"available", true}});
  }
  return entries;
}

Json fabric_entries() {
  Json entries = Json::array();
  for (const auto& fabric : shipped_fabrics()) {
    const auto json = parse_json(fabric.text, std::string(fabric.name));
    entries.push_back({{"name", fabric.name}, {"about", json.at("description")}, {"available", true}});
  }
  return entries;
}

/// What a run watches by itself, then the rules over what it recorded.
Json check_entries() {
  Json entries = entries_of(kChecks);
  for (const CheckRow& row : check_table()) {
    entries.push_back({{"name", row.id},
                       {"about", fmt::format("{}: {}", name_of(row.severity), row.about)},
                       {"available", true},
                       {"severity", name_of(row.severity)},
                       {"recommended_action", row.action},
                       {"source", row.source}});
  }
  return entries;
}

/// Whose choice stands in every row as upstream_choice.
Json stack_entries() {
  Json entries = Json::array();
  const auto known = [](std::string_view text) { return text.empty() ? Json(nullptr) : Json(text); };
  for (const UpstreamStackRow& row : kUpstreamStacks) {
    entries.push_back({{"name", row.name},
                       {"about", row.about},
                       {"available", row.now},
                       {"version", known(row.version)},
                       {"change", known(row.change)},
                       {"date", known(row.date)}});
  }
  return entries;
}

struct Topic {
  std::string_view name;
  Json (*entries)();
};
constexpr Topic kTopics[] = {
    {"workspaces", workspace_entries}, {"allocators", allocator_entries}, {"patterns", pattern_entries},
    {"algorithms", algorithm_entries}, {"fabrics", fabric_entries},       {"faults", fault_entries},
    {"checks", check_entries},         {"configs", config_entries},       {"stacks", stack_entries},
};

Json entries_for(const std::string& what) {
  std::vector<std::string> names;
  for (const auto& topic : kTopics) {
    if (topic.name == what) return topic.entries();
    names.emplace_back(topic.name);
  }
  const auto nearest = nearest_name(what, names);
  fail_config(fmt::format("'{}': not one of {}{}", what, fmt::join(names, ", "),
                          nearest ? fmt::format(" (did you mean {}?)", *nearest) : ""));
}

}  // namespace

std::vector<std::string_view> list_topics() {
  std::vector<std::string_view> names;
  for (const auto& topic : kTopics) names.push_back(topic.name);
  return names;
}

Json list_json(const std::string& what) { return {{"what", what}, {"entries", entries_for(what)}}; }

std::string list_text(const Json& list) {
  std::size_t width = 0;
  for (const auto& entry : list.at("entries")) width = std::max(width, entry.at("name").get<std::string>().size());
  std::string text;
  for (const auto& entry : list.at("entries")) {
    text += fmt::format("{:<{}}  {}{}\n", entry.at("name").get<std::string>(), width,
                        entry.at("available").get<bool>() ? "" : "(not in this version) ",
                        entry.at("about").get<std::string>());
    if (entry.contains("parameters")) {
      text += fmt::format(
          "{:<{}}  on {}; {}; check {}; exit code {}; known {}; {}\n", "", width, joined(entry.at("devices")),
          entry.at("layer").is_null() ? "fails nothing" : "layer " + entry.at("layer").get<std::string>(),
          entry.at("check").get<std::string>(), entry.at("exit_code").get<int>(),
          entry.at("bound_s").is_null() ? "when the run ends"
                                        : fmt::format("within {:.0f} s", entry.at("bound_s").get<double>()),
          joined(entry.at("parameters")));
    }
    if (entry.contains("change")) {
      const auto& version = entry.at("version");
      text += fmt::format("{:<{}}  {} of {}, {}\n", "", width, entry.at("change").get<std::string>(),
                          entry.at("date").get<std::string>(),
                          version.is_null() ? "the version is not known" : "read in " + version.get<std::string>());
    }
    if (entry.contains("support")) text += support_text(entry.at("support"));
    for (const auto& one : entry.value("transports", Json::array())) {
      if (one.at("supported").get<bool>()) continue;
      text += fmt::format("    not by {}: {}\n", one.at("transport").get<std::string>(),
                          one.at("reason").get<std::string>());
    }
    if (entry.contains("layouts")) {
      for (const auto& layout : entry.at("layouts")) {
        text += fmt::format("    --torch-layout {}: {}\n", layout.at("name").get<std::string>(),
                            layout.at("about").get<std::string>());
      }
    }
    if (!entry.contains("differences")) continue;
    for (const auto& one : entry.at("differences")) {
      text +=
          fmt::format("    upstream: {}\n    here:     {}\n    reason:   {}\n\n", one.at("upstream").get<std::string>(),
                      one.at("here").get<std::string>(), one.at("reason").get<std::string>());
    }
  }
  return text;
}

int command_list(const ParsedCommand& parsed) {
  return with_name(parsed, [](const ParsedCommand& named) {
    const Json list = list_json(named.subjects.front());
    named.json ? print_product(list.dump(2) + "\n") : print_text(list_text(list));
    return 0;
  });
}

}  // namespace symmbench
