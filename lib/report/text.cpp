#include "report/text.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <utility>

#include "catalog/allocators.hpp"
#include "core/counted.hpp"
#include "core/fitted.hpp"
#include "findings/findings.hpp"
#include "report/paint.hpp"
#include "report/pick.hpp"
#include "report/rank_rows.hpp"

namespace symmbench {
namespace {

/// The report has them all.
constexpr std::size_t kMostFindings = 6;

/// "0000:18:00.0" as nccl-tests prints it: domain, bus and device.
std::string bus_id(const Json& rank) {
  const auto id = text_or(rank, "pci_bus_id", "emulated");
  return id.substr(0, id.rfind('.'));
}

/// The brackets say already that it is emulated, and lines are to fit 80 columns.
std::string shown_device(const std::string& name) {
  constexpr std::string_view kEmulated = "emulated device (", kEnd = ")";
  if (!name.starts_with(kEmulated) || !name.ends_with(kEnd)) return name;
  return name.substr(kEmulated.size(), name.size() - kEmulated.size() - kEnd.size());
}

void write_rank(std::ostream& out, const Json& rank, int group_size) {
  const int number = rank.at("rank").get<int>();
  if (rank.at("host").is_null()) {
    fmt::print(out, "#  Rank {:2} did not report\n", number);
    return;
  }
  const auto device = pick_text(rank, "gpu_name").is_null()
                          ? std::string("no device")
                          : fmt::format("device {:2} [{}] {}", integer_or(rank, "gpu_ordinal", 0), bus_id(rank),
                                        shown_device(text_or(rank, "gpu_name")));
  fmt::print(out, "#  Rank {:2} Group {:2} Pid {:6} on {:>10} {}\n", number, group_size > 0 ? number / group_size : 0,
             integer_or(rank, "pid", 0), text_or(rank, "host"), device);
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

}  // namespace

std::string short_allocator_name(const std::string& allocator) {
  const AllocatorRow* row = row_named(kAllocators, allocator);
  return row != nullptr ? std::string(row->short_name) : allocator;
}

std::string shown_verdict(const std::string& verdict) { return verdict == "ambiguous" ? "inconclusive" : verdict; }

Json report_head(const Json& run_started, std::span<const Json> rank_records) {
  RecordSet set;
  set.started = run_started_from(run_started);
  for (const Json& record : rank_records) {
    auto facts = rank_facts_from(record);
    set.rank_facts[facts.rank] = std::move(facts.facts);
  }
  Json run{{"world_size", set.started.world_size},
           {"group_size", set.started.group_size},
           {"seed", pick_integer(set.started.run, "seed")}};
  if (Json injected = member(set.started.run, "injected"); injected.is_array()) run["injected"] = std::move(injected);
  return {
      {"tool", set.started.tool}, {"run", std::move(run)}, {"device", set.started.device}, {"ranks", fold_ranks(set)}};
}

void write_version(std::ostream& out, const Json& head) {
  const Json& run = head.at("run");
  const int group_size = run.at("group_size").get<int>();
  const int world_size = run.at("world_size").get<int>();
  fmt::print(out, "# symmbench {} ({}, {})\n", text_or(head.at("tool"), "version", "?"),
             text_or(head.at("tool"), "git", "?"), text_or(head.at("tool"), "build", "?"));
  fmt::print(out, "# {}", counted(world_size, "rank"));
  if (group_size > 0 && group_size < world_size) {
    fmt::print(out, " in {} of {}", counted(world_size / group_size, "group"), group_size);
  }
  fmt::print(out, ", device {}, seed {}\n", text_or(head.at("device"), "kind", "unknown"), run.at("seed").dump());
}

void write_injected(std::ostream& out, const Json& head) {
  const Json injected = member(head.at("run"), "injected");
  if (!injected.is_array()) return;
  for (const Json& fault : injected) fmt::print(out, "# INJECTED: {}\n", fault.get<std::string>());
}

void write_devices(std::ostream& out, const Json& head) {
  fmt::print(out, "# Using devices\n");
  for (const Json& rank : head.at("ranks")) write_rank(out, rank, head.at("run").at("group_size").get<int>());
}

void write_device_list(std::ostream& out, const Json& head) {
  write_version(out, head);
  const Json& device = head.at("device");
  if (pick_flag(device, "emulated") == true) {
    fmt::print(out, "# EMULATED: times show that the tool works, not how fast anything is ({})\n",
               text_or(device, "reason", "device host"));
  }
  write_injected(out, head);
  write_devices(out, head);
  fmt::print(out, "#\n");
}

namespace {

std::string verdict_words(const Json& verdict, const VerdictLook& look) {
  const auto status = verdict.at("status").get<std::string>();
  return fmt::format("{}{} (exit code {})", look.commented ? "# " : "", painted(upper(status), status, look.colour),
                     verdict.at("exit_code").get<int>());
}

/// Why no row ran at all, by the first of them; empty: one did, or there is none.
std::string why_nothing_ran(const Json& report) {
  const Json& rows = report.at("results");
  const bool none = std::ranges::all_of(rows, [](const Json& row) { return row.at("status") == "skipped"; });
  if (rows.empty() || !none) return "";
  return fmt::format("nothing ran, {} skipped: {}", counted(rows.size(), "row"),
                     text_or(rows.front(), "reason", "no reason"));
}

/// The summary's first line counts rows; what follows is why the verdict is none better.
std::string first_reason(const Json& report) {
  if (auto why = why_nothing_ran(report); !why.empty()) return why;
  const Json& summary = report.at("verdict").at("summary");
  return summary.at(std::min<std::size_t>(summary.size() - 1, 1)).get<std::string>();
}

}  // namespace

void write_verdict_line(std::ostream& out, const Json& report, VerdictLook look) {
  const Json& verdict = report.at("verdict");
  const bool reason = verdict.at("exit_code") != 0 && !verdict.at("summary").empty();
  fmt::print(out, "{}{}\n", verdict_words(verdict, look), reason ? ": " + first_reason(report) : "");
}

void write_findings(std::ostream& out, const Json& report, const char* lead, std::size_t columns) {
  const auto found = findings_from(report, Severity::warning);
  const std::size_t shown = std::min(found.size(), kMostFindings);
  for (std::size_t i = 0; i < shown; ++i) {
    fmt::print(out, "{}\n", fitted(fmt::format("{}  finding, {}", lead, finding_text(*found[i])), columns));
  }
  if (shown < found.size()) fmt::print(out, "{}  and {} more findings: see findings[]\n", lead, found.size() - shown);
}

void write_verdict(std::ostream& out, const Json& report, const std::vector<OutputFile>& stored, VerdictLook look) {
  const char* lead = look.commented ? "# " : "";
  const Json& verdict = report.at("verdict");
  fmt::print(out, "{}\n", look.commented ? "#" : "");
  fmt::print(out, "{}\n", verdict_words(verdict, look));
  for (const Json& line : verdict.at("summary")) {
    fmt::print(out, "{}\n", fitted(fmt::format("{}  {}", lead, line.get<std::string>()), look.columns));
  }
  write_findings(out, report, lead, look.columns);
  if (const auto repro = text_or(report.at("run"), "repro_command"); !repro.empty()) {
    fmt::print(out, "{}  again:  {}\n", lead, repro);
  }
  for (const OutputFile& output : stored) {
    fmt::print(out, "{}  {}: {}\n", lead, row_of(kOutputFiles, output.kind).name, output.path);
  }
}

}  // namespace symmbench
