#include "findings/observe_kernel.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "findings/check_table.hpp"
#include "findings/report_facts.hpp"

namespace symmbench {
namespace {

/// A line of the kernel's log of a host.
struct KernelLine {
  const Json* host;  ///< the log that it is of
  const Json* line;
};

std::vector<KernelLine> kernel_lines(const Json& report) {
  std::vector<KernelLine> lines;
  for (const Json* log : list_in(in(report, "fabric"), "kernel_log")) {
    for (const Json* line : list_in(*log, "lines")) lines.push_back({log, line});
  }
  return lines;
}

std::string no_kernel_log(const Json& report) {
  const auto logs = list_in(in(report, "fabric"), "kernel_log");
  if (logs.empty()) return "kernel log";
  for (const Json* log : logs) {
    const auto why = text_in(*log, "unreadable");
    if (!why.empty()) return fmt::format("kernel log of {} ({})", text_in(*log, "host"), why);
  }
  return "";
}

std::string host_entity(const KernelLine& told) { return "host " + text_in(*told.host, "host"); }

/// Every GPU has told by either way: events of its driver, or the kernel's log of its host.
std::string no_xids(const Json& report) {
  if (in(in(report, "device"), "emulated") != false) return "Xids of GPUs (the device is emulated, or not known)";
  const auto without_log = no_kernel_log(report);
  if (without_log.empty()) return "";
  const auto samples = list_in(in(report, "fabric"), "samples");
  const bool told = !samples.empty() &&
                    std::ranges::all_of(samples, [](const Json* sample) { return in(*sample, "xids").is_array(); });
  return told ? "" : "Xids: NVML's events, " + without_log;
}

template <class Wanted>
Observed hits_of(const Json& report, const Wanted& wanted) {
  Observed observed{.hits = {}, .missing = no_xids(report)};
  for (const Json* sample : list_in(in(report, "fabric"), "samples")) {
    Json seen = Json::array();
    for (const Json* xid : list_in(*sample, "xids")) {
      if (xid->is_number_integer() && wanted(xid->get<int>())) seen.push_back(*xid);
    }
    if (seen.empty()) continue;
    observed.hits.push_back({{fmt::format("rank {}", in(*sample, "rank").dump())},
                             {{"xids", seen}, {"label", in(*sample, "label")}, {"source", "NVML"}}});
  }
  for (const KernelLine& told : kernel_lines(report)) {
    const Json& xid = in(*told.line, "xid");
    if (!xid.is_number_integer() || !wanted(xid.get<int>())) continue;
    const Json& rank = in(*told.line, "rank");
    const bool ours = rank.is_number_integer();
    // Another job's GPU, on a host of ours: worth knowing, and no fault of this run.
    observed.hits.push_back({{ours ? fmt::format("rank {}", rank.get<int>()) : host_entity(told)},
                             {{"line", in(*told.line, "text")}, {"source", "kernel log"}},
                             ours ? std::nullopt : std::optional(Severity::info)});
  }
  return observed;
}

bool has(const CheckRow& row, int xid) { return std::ranges::find(row.codes, xid) != row.codes.end(); }

}  // namespace

Observed observe_xids(const CheckRow& row, const Json& report) {
  return hits_of(report, [&](int xid) { return has(row, xid); });
}

Observed observe_other_xids(const CheckRow&, const Json& report) {
  return hits_of(report, [](int xid) {
    return std::ranges::none_of(check_table(),
                                [&](const CheckRow& row) { return row.observe == observe_xids && has(row, xid); });
  });
}

Observed observe_switch_errors(const CheckRow&, const Json& report) {
  Observed observed{.hits = {}, .missing = no_kernel_log(report)};
  for (const KernelLine& told : kernel_lines(report)) {
    if (!in(*told.line, "sxid").is_number_integer()) continue;
    observed.hits.push_back({{host_entity(told)}, {{"line", in(*told.line, "text")}}});
  }
  return observed;
}

Observed observe_killed_processes(const CheckRow&, const Json& report) {
  Observed observed{.hits = {}, .missing = no_kernel_log(report)};
  for (const KernelLine& told : kernel_lines(report)) {
    const auto text = text_in(*told.line, "text");
    if (text.find("Killed process") == std::string::npos) continue;
    // Whose it was the name tells; another one's is no failure of this run.
    const bool ours = text.find("(symmbench)") != std::string::npos;
    observed.hits.push_back(
        {{host_entity(told)}, {{"line", text}}, ours ? std::nullopt : std::optional(Severity::info)});
  }
  return observed;
}

}  // namespace symmbench
