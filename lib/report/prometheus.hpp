#pragma once
#include <string>

#include "core/json.hpp"

namespace symmbench {

/// A report as a Prometheus text file, for node_exporter's textfile collector. All are gauges:
///   symmbench_time_seconds             mean time of each row that is ok
///   symmbench_busbw_bytes_per_second   the same rows' bus bandwidth; none on the emulated device
///   symmbench_verdict{device, status}  1 for the run's status, 0 for the others: passed, failed, hung, no_verdict, skipped
///   symmbench_run_end_timestamp_seconds  Unix time; left out where the run has no end
///   symmbench_build_info{version, git, build}  1
/// The labels of the first two: device, workspace, allocator, pattern, algorithm, dtype, message_bytes and case_id,
/// which makes them unique.
std::string prometheus_text(const Json& report);

}  // namespace symmbench
