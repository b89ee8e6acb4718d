#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gate/report_file.hpp"

namespace symmbench {

/// From this size on a limit is a bandwidth, below a time. On H200s kernels reach 97 % of what their links can do from
/// 1 MiB on: there bytes take the time, and GB/s can be held against a data sheet; below it is launches and hops.
inline constexpr std::uint64_t kLimitIsBandwidthFrom = std::uint64_t{1} << 20;
inline constexpr double kDefaultMargin = 5;  ///< percent

inline constexpr std::string_view kThresholdsVersion = "1.0.0";

/// A report that limits are made of.
struct GoodReport {
  std::string name;  ///< of its file
  Json report;
};

struct MadeThresholds {
  Json file;                          ///< as configs/schema/thresholds.schema.json has it
  std::vector<std::string> left_out;  ///< rows that make no limit, each with the reason
};

/// A limit for every case_id and allocator of good reports: the slowest of them, and `margin` percent more. Busbw in GB/s
/// from kLimitIsBandwidthFrom on where every report has it, else time in us. Each limit says what it was made of.
/// @throws Error{config, ...} naming the report that is unfit (unfit_for_gates()) or of another machine than the first, and
/// when no row is left
MadeThresholds make_thresholds(const std::vector<GoodReport>& reports, double margin, const Json& tool,
                               const std::string& made_at);

/// A limit that a run has to keep.
struct Threshold {
  RowName name;
  std::string unit;         ///< "us" or "gbs"
  double limit = 0;         ///< in that unit
  double reference_us = 0;  ///< geometric mean of the times that it was made of
  std::size_t origins = 1;  ///< reports that it was made of
  double limit_us = 0;      ///< the limit as a time
};

struct Thresholds {
  std::string made_at;
  std::map<std::string, std::string> machine;  ///< machine_of() the reports
  std::vector<Threshold> limits;
};

/// Reads what make_thresholds() made.
/// @throws Error{config, ...} naming the file and, as a path into it, what is wrong: it breaks the schema, a limit without
/// a positive time behind it, a row named twice, another major schema version (both named)
Thresholds read_thresholds(const std::string& path);

}  // namespace symmbench
