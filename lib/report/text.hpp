#pragma once
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "core/json.hpp"

namespace symmbench {

/// The device list at the top: what runs, "# EMULATED ..." where times are no measurement, one "#  Rank" line per rank
/// in nccl-tests' form, with a note for ranks that never reported. `head` holds tool, run, device and ranks as the
/// report does (report_head()).
void write_device_list(std::ostream& out, const Json& head);

/// Parts of it: "# symmbench 0.1.0 (abc, Release)" and how many ranks; what faults are provoked; "# Using devices" with the
/// ranks.
void write_version(std::ostream& out, const Json& head);
void write_injected(std::ostream& out, const Json& head);
void write_devices(std::ostream& out, const Json& head);

/// {tool, run{world_size, group_size, seed}, device, ranks} before there is a report: from a run_started record and the
/// rank records that are known.
Json report_head(const Json& run_started, std::span<const Json> rank_records);

/// How a verdict looks: "# " before each line for --format nccl, where all but rows is a comment; in colour, and broken
/// into lines of so many columns, on a terminal.
struct VerdictLook {
  bool commented = false;
  bool colour = false;
  std::size_t columns = 0;  ///< 0: lines are not broken
};

/// "PASSED (exit code 0)"; where it is another code, with the first reason: "NO_VERDICT (exit code 3): not complete: ...".
void write_verdict_line(std::ostream& out, const Json& report, VerdictLook look = {});

/// Findings of severity warning and critical, a line each, the worst first; broken as a verdict's are.
void write_findings(std::ostream& out, const Json& report, const char* lead, std::size_t columns = 0);

/// The verdict block at the end: the verdict in capitals, its exit code, the summary, where the files are that were
/// written.
void write_verdict(std::ostream& out, const Json& report, const std::vector<OutputFile>& stored, VerdictLook look = {});

/// The catalogue's short name, "symm" or "torch"; the name itself for what it does not know: column titles.
std::string short_allocator_name(const std::string& allocator);

/// A pair verdict of the report as people read it: "ambiguous" is inconclusive.
std::string shown_verdict(const std::string& verdict);

}  // namespace symmbench
