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

/// {tool, run{world_size, group_size, seed}, device, ranks} before there is a report: from a run_started record and the
/// rank records that are known.
Json report_head(const Json& run_started, std::span<const Json> rank_records);

/// The verdict block at the end: the verdict in capitals, its exit code, the summary, where the files are that were
/// written. Every line starts with "# " when `commented`, for --format nccl.
void write_verdict(std::ostream& out, const Json& report, const std::vector<OutputFile>& stored,
                   bool commented = false);

/// What crossover[] comes to, a line per series: which algorithm is fastest from where to where, and the most that auto
/// loses. Nothing where no series has more than one algorithm. Every line starts with "# " when `commented`.
void write_crossover(std::ostream& out, const Json& report, bool commented = false);

/// --format nccl: nccl-tests' 13 columns and both footers, one block per allocator between "# Collective test starting"
/// and "concluded"; every other line starts with '#'. Out-of-place and in-place rows of the same shape share a line;
/// the half that did not run is 0.00 with #wrong N/A, so that all parsers find numbers. On an emulated device the
/// bandwidths are 0.00. Rows that did not pass are comment lines, and the first footer says FAILED.
void write_nccl(std::ostream& out, const Json& report);

/// "symm" and "torch" for the two modes, the name itself for others: column titles.
std::string short_allocator_name(const std::string& allocator);

}  // namespace symmbench
