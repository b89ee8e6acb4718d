#include "report/probe_text.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <sstream>
#include <vector>

#include "core/counted.hpp"
#include "core/text.hpp"
#include "report/pick.hpp"
#include "report/text.hpp"

namespace symmbench {
namespace {

/// Matrices of more ranks are told by their exceptions.
constexpr std::size_t kWidestMatrix = 16;

Json device_of(const Json& report, const Json& rank) {
  const auto kind = text_or(report.at("device"), "kind");
  for (const Json& device : rank.at("devices")) {
    if (text_or(device, "kind") == kind) return device;
  }
  return nullptr;
}

std::string shown(const Json& value) {
  if (value.is_null()) return "unknown";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string yes_no(const Json& flag) { return flag.is_boolean() ? (flag.get<bool>() ? "yes" : "no") : "unknown"; }

/// "13.0" of 13000, as CUDA encodes versions.
std::string cuda_version(const Json& encoded) {
  if (!encoded.is_number_integer()) return "unknown";
  return fmt::format("{}.{}", encoded.get<int>() / 1000, encoded.get<int>() % 1000 / 10);
}

/// Each different answer once.
template <class Text>
std::string each_once(const Json& report, const Text& text_of) {
  std::vector<std::string> seen;
  for (const Json& rank : report.at("ranks")) {
    auto text = text_of(rank);
    if (std::ranges::find(seen, text) == seen.end()) seen.push_back(std::move(text));
  }
  return fmt::format("{}", fmt::join(seen, "\n  "));
}

void write_versions(std::ostream& out, const Json& report) {
  fmt::print(out, "Versions\n  driver {}\n", each_once(report, [&](const Json& rank) {
               const Json device = device_of(report, rank);
               return fmt::format("{}, CUDA {} (built with {})", shown(member(device, "system_driver")),
                                  cuda_version(member(device, "driver_version")),
                                  cuda_version(member(device, "toolkit_version")));
             }));
}

std::string bytes_text(const Json& bytes) {
  return bytes.is_number_integer() && bytes >= 0 ? format_bytes(bytes.get<std::uint64_t>()) : "unknown";
}

std::string name_and_version(const Json& entry) {
  const auto version = text_or(entry, "version");
  return fmt::format("{}{}", shown(member(entry, "name")), version.empty() ? "" : " " + version);
}

/// The systems that the ranks run on.
void write_hosts(std::ostream& out, const Json& report) {
  if (report.at("hosts").empty()) return;
  fmt::print(out, "\nHosts\n");
  for (const Json& host : report.at("hosts")) {
    const auto list = [&](const char* key, const auto& text_of) {
      const Json& entries = host.at(key);
      if (entries.is_null()) return std::string("unknown");
      std::vector<std::string> texts;
      for (const Json& entry : entries) texts.push_back(text_of(entry));
      return texts.empty() ? std::string("none") : fmt::format("{}", fmt::join(texts, ", "));
    };
    fmt::print(out, "  {}, {}, first {}: {}, kernel {} {}\n", shown(host.at("host")),
               counted(host.at("ranks").size(), "rank"), host.at("ranks").front().dump(), shown(host.at("os")),
               shown(host.at("kernel")), shown(host.at("architecture")));
    fmt::print(out, "    {}, memory {}, container: {}\n", shown(host.at("cpu_model")),
               bytes_text(host.at("memory_total_bytes")), list("container", shown));
    fmt::print(out, "    kernel driver: {}\n    modules: {}\n", shown(host.at("kernel_driver")),
               list("modules", name_and_version));
  }
}

/// "memlock 8388608, nofile 1024 ...".
std::string limits_text(const Json& limits) {
  if (!limits.is_object()) return "unknown";
  std::vector<std::string> texts;
  for (const char* key : {"memlock", "nofile", "core"}) {
    const Json& limit = limits.at(key);
    texts.push_back(fmt::format("{} {}", key,
                                limit.is_null()              ? "unknown"
                                : limit.at("soft").is_null() ? "unlimited"
                                                             : limit.at("soft").dump()));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string limit_or_none(const Json& limit, const std::string& text) { return limit.is_null() ? "no limit" : text; }

/// What holds for a rank's process, each different answer once.
void write_processes(std::ostream& out, const Json& report) {
  fmt::print(out, "\nProcesses\n  {}\n", each_once(report, [](const Json& rank) {
               const Json quota = member(rank, "cpu_quota"), memory = member(rank, "memory_limit_bytes");
               return fmt::format("{}; limits: {}; control group: cores {}, memory {}",
                                  shown(member(member(rank, "mpi"), "library")), limits_text(member(rank, "limits")),
                                  limit_or_none(quota, quota.dump()), limit_or_none(memory, bytes_text(memory)));
             }));
}

/// "libcuda.so.1 580.95.05 (/usr/lib/...)".
void write_libraries(std::ostream& out, const Json& report) {
  fmt::print(out, "  {}\n", each_once(report, [](const Json& rank) {
               std::vector<std::string> texts;
               for (const Json& device : rank.at("devices")) {
                 for (const Json& library : device.at("libraries")) {
                   texts.push_back(fmt::format("{} ({})", name_and_version(library),
                                               text_or(library, "path", text_or(library, "unknown"))));
                 }
               }
               return texts.empty() ? std::string("no libraries") : fmt::format("{}", fmt::join(texts, "\n  "));
             }));
}

/// "posix_fd 2 MiB, ...; MIG off", each different answer once.
void write_granularities(std::ostream& out, const Json& report) {
  fmt::print(out, "  memory comes in: {}\n", each_once(report, [&](const Json& rank) {
               const Json device = device_of(report, rank), granularities = member(device, "granularities");
               std::vector<std::string> texts;
               for (const Json& one : granularities.is_array() ? granularities : Json::array()) {
                 texts.push_back(one.at("unknown").is_string()
                                     ? fmt::format("{}: {}", shown(one.at("handle")), shown(one.at("unknown")))
                                     : fmt::format("{} {} (best {})", shown(one.at("handle")),
                                                   bytes_text(one.at("minimum_bytes")),
                                                   bytes_text(one.at("recommended_bytes"))));
               }
               return fmt::format("{}; MIG: {}", texts.empty() ? "unknown" : fmt::format("{}", fmt::join(texts, ", ")),
                                  yes_no(member(member(device, "mig"), "enabled")));
             }));
}

/// "2 packages, 64 cores, ...".
void write_machine(std::ostream& out, const Json& report) {
  fmt::print(out, "\nMachine\n  {}\n", each_once(report, [](const Json& rank) {
               const Json topology = member(rank, "topology");
               const Json l3 = member(topology, "l3_bytes");
               return fmt::format("{}: {} packages, {} cores, {} threads, {} memory nodes, L3 {} x {}",
                                  shown(member(rank, "host")), shown(member(topology, "packages")),
                                  shown(member(topology, "cores")), shown(member(topology, "threads")),
                                  shown(member(topology, "numa_nodes")), shown(member(topology, "l3_caches")),
                                  l3.is_number_unsigned() ? format_bytes(l3.get<std::uint64_t>()) : "unknown");
             }));
  fmt::print(out, "  {:>4}  {:<24} {:<8} {:<24} {:<5} {}\n", "rank", "may run on", "GPU node", "processors next to it",
             "near", "PCI path");
  for (const Json& rank : report.at("ranks")) {
    const Json device = device_of(report, rank), path = member(device, "pci_path");
    fmt::print(out, "  {:>4}  {:<24} {:<8} {:<24} {:<5} {}\n", rank.at("rank").get<int>(),
               shown(member(member(rank, "topology"), "bound_cpus")), shown(member(device, "numa_node")),
               shown(member(device, "near_cpus")), yes_no(member(device, "bound_near")),
               path.is_array() ? fmt::format("{}", fmt::join(path.get<std::vector<std::string>>(), " "))
                               : std::string("unknown"));
  }
}

void write_facts(std::ostream& out, const Json& report) {
  const int hosts = integer_or(report.at("fabric"), "hosts", 0);
  fmt::print(out, "Fabric\n  profile {}, {}\n", text_or(report.at("fabric"), "profile", "none"),
             hosts == 0 ? "hosts unknown" : counted(hosts, "host"));
  fmt::print(out, "  {:>4}  {:<16} {:<6} {:<13} {:<36} {:<6} {:<7} {:<7} {:<7} {:<7} {}\n", "rank", "host", "driver",
             "state", "cluster", "clique", "health", "channel", "NVLinks", "CC", "multicast");
  for (const Json& rank : report.at("ranks")) {
    const Json device = device_of(report, rank), fabric = member(device, "fabric");
    fmt::print(
        out, "  {:>4}  {:<16} {:<6} {:<13} {:<36} {:<6} {:<7} {:<7} {:<7} {:<7} {}\n", rank.at("rank").get<int>(),
        shown(member(rank, "host")), shown(member(device, "driver_version")), shown(member(fabric, "state")),
        fabric.is_object() && fabric.at("cluster_uuid").is_null() ? "none" : shown(member(fabric, "cluster_uuid")),
        shown(member(fabric, "clique_id")), shown(member(fabric, "health_summary")),
        shown(member(device, "imex_channels")), shown(member(device, "nvlinks_active")),
        yes_no(member(device, "confidential_computing")), yes_no(member(device, "multicast_supported")));
  }
}

/// Numbers of devices, which differ from rank to rank where all else is the same, by one letter.
std::string without_numbers(std::string text) {
  constexpr std::string_view kDevice = "device ";
  for (auto at = text.find(kDevice); at != std::string::npos; at = text.find(kDevice, at)) {
    at += kDevice.size();
    auto end = at;
    while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
    if (end > at) text.replace(at, end - at, "N");
  }
  return text;
}

/// Each different choice once, with how many ranks make it.
void write_rules(std::ostream& out, const Json& report) {
  std::vector<std::pair<std::string, std::vector<int>>> choices;
  for (const Json& rank : report.at("ranks")) {
    const Json device = device_of(report, rank), rules = member(device, "upstream_handles");
    if (!rules.is_array()) continue;
    for (const Json& rule : rules) {
      const auto line = fmt::format("{}: {} ({})", shown(rule.at("allocator")), shown(rule.at("handle")),
                                    without_numbers(shown(rule.at("why"))));
      auto at = std::find_if(choices.begin(), choices.end(), [&](const auto& one) { return one.first == line; });
      if (at == choices.end()) at = choices.insert(choices.end(), {line, {}});
      at->second.push_back(rank.at("rank").get<int>());
    }
  }
  fmt::print(out, "\nHandle types by the allocators' own rules\n");
  for (const auto& [line, ranks] : choices) {
    fmt::print(out, "  {}, {}, first {}\n", line, counted(ranks.size(), "rank"), ranks.front());
  }
}

void write_trials(std::ostream& out, const Json& report) {
  fmt::print(out, "\nHandle trials: create, export, import on every peer, map, write and read\n");
  for (const Json& trial : report.at("fabric").at("handle_trials")) {
    const Json& failure = trial.at("failure");
    const auto why = failure.is_object() ? describe(failure_from_json(failure)) : text_or(trial, "reason");
    const Json& passed = trial.at("passed");
    fmt::print(out, "  group {} {:<18} {:<8} {}{}{}\n", trial.at("group").get<int>(), shown(trial.at("allocator")),
               shown(trial.at("type")),
               passed.is_null()     ? "not tried"
               : passed.get<bool>() ? "passed"
                                    : "FAILED",
               why.empty() ? "" : ": ", why);
  }
}

void write_matrix(std::ostream& out, const Json& pairs, std::size_t ranks, const char* key, const char* title) {
  fmt::print(out, "{}\n", title);
  std::vector<std::vector<std::string>> cells(ranks, std::vector<std::string>(ranks, "-"));
  for (const Json& pair : pairs) {
    if (!pair.at(key).is_number()) continue;
    cells.at(pair.at("rank").get<std::size_t>()).at(pair.at("peer").get<std::size_t>()) =
        fmt::format("{:.1f}", pair.at(key).get<double>());
  }
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    fmt::print(out, "  {:>3}", rank);
    for (const auto& cell : cells[rank]) fmt::print(out, " {:>7}", cell);
    fmt::print(out, "\n");
  }
}

void write_pairs(std::ostream& out, const Json& report) {
  const Json& probe = member_of(report, "probe");
  if (!probe.is_object()) return;
  if (probe.at("pairs").empty()) {
    fmt::print(out, "\nNot tested: descriptors, peer access and bandwidth between ranks; {}\n",
               report.at("ranks").size() < 2 ? "there is one rank (start two or more with mpirun)"
                                             : "each group has one rank, or no handle type can be used");
    return;
  }
  std::size_t passed = 0;
  for (const Json& test : probe.at("descriptors")) passed += test.at("passed") == true ? 1 : 0;
  fmt::print(out, "\nDescriptors between the ranks of a group: {} of {} ranks have all\n", passed,
             probe.at("descriptors").size());
  const Json& pairs = probe.at("pairs");
  std::size_t reached = 0;
  for (const Json& pair : pairs) reached += pair.at("access") == true ? 1 : 0;
  fmt::print(out, "Peer access, each rank reads what each other one wrote: {} of {} pairs that were looked at\n",
             reached, std::ranges::count_if(pairs, [](const Json& pair) { return pair.at("access").is_boolean(); }));
  for (const Json& pair : pairs) {
    if (pair.at("access") != false) continue;  // what nobody looked at is told with the verdict
    const Json& owner = member_of(pair, "owner_rank");
    fmt::print(out, "  rank {} does not reach rank {}{}\n", pair.at("rank").get<int>(), pair.at("peer").get<int>(),
               owner.is_number() ? fmt::format(": it finds the memory of rank {}", owner.dump()) : "");
  }
  const std::size_t ranks = report.at("ranks").size();
  if (pairs.empty() || ranks > kWidestMatrix) return;
  if (member_of(report.at("device"), "emulated") != false) {
    write_matrix(out, pairs, ranks, "latency_us", "Word latency, us; emulated: no bandwidth (row reads column)");
    return;
  }
  write_matrix(out, pairs, ranks, "read_gbs", "Read bandwidth, GB/s (row reads column)");
  write_matrix(out, pairs, ranks, "write_gbs", "Write bandwidth, GB/s (row writes column)");
  write_matrix(out, pairs, ranks, "latency_us", "Word latency, us (row reads column)");
}

void write_calls(std::ostream& out, const Json& report) {
  const Json& probe = member_of(report, "probe");
  if (!probe.is_object() || probe.at("driver_calls").empty()) return;
  fmt::print(out, "\nDriver calls of rank 0\n");
  for (const Json& call : probe.at("driver_calls")) {
    if (call.at("rank") != 0) continue;
    const double count = call.at("count").get<double>(), total_us = call.at("total_us").get<double>();
    fmt::print(out, "  {:<36} {:>6} x {:>9.1f} us, {} failed\n", shown(call.at("call")), count, total_us / count,
               call.at("failures").dump());
  }
}

void write_trace(std::ostream& out, const Json& report) {
  const Json& probe = member_of(report, "probe");
  if (!probe.is_object() || probe.at("trace").empty()) return;
  fmt::print(out, "\nTrace of rank 0\n");
  for (const Json& call : probe.at("trace")) {
    if (call.at("rank") != 0) continue;
    fmt::print(out, "  {:<18} {:<8} {:<31} {:>10} bytes  {:<8} code {:<4} {:>8.1f} us\n",
               text_or(call, "allocator", "-"), text_or(call, "phase", "-"), shown(call.at("call")),
               call.at("bytes").dump(), text_or(call, "handle"), call.at("code").dump(), call.at("us").get<double>());
  }
}

}  // namespace

std::string probe_text(const Json& report) {
  std::ostringstream out;
  write_device_list(out, report);
  write_versions(out, report);
  write_libraries(out, report);
  write_granularities(out, report);
  write_facts(out, report);
  write_hosts(out, report);
  write_processes(out, report);
  write_machine(out, report);
  write_rules(out, report);
  write_trials(out, report);
  write_pairs(out, report);
  write_calls(out, report);
  write_trace(out, report);
  write_verdict(out, report, {}, {});
  return out.str();
}

}  // namespace symmbench
