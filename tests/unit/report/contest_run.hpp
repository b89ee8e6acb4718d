#pragma once
#include <fmt/format.h>

#include "run_builder.hpp"

namespace symmbench {

/// A run whose rows are added one by one: algorithm, size and time at will.
class ContestRun {
 public:
  explicit ContestRun(std::vector<std::string> allocators = {kSymm}) : run_(0, std::move(allocators)) {
    run_.started.group_size = 4;
  }

  /// `changes` are merged over the planned row; "pdl" is how the kernels were launched. Spread: +- so much of the mean,
  /// which makes the interval.
  ContestRun& row(const std::string& algorithm, std::uint64_t bytes, double mean_us, double spread = 0.001,
                  const Json& changes = Json::object()) {
    RowRecord record = run_.ok(0, allocator_of(changes), mean_us);
    record.case_id = plan(algorithm, bytes, changes);
    if (changes.contains("pdl")) record.launch["pdl"] = changes.at("pdl");
    record.blocks = {{.position = 0, .batch_us = {mean_us * (1 - spread), mean_us * (1 + spread), mean_us, mean_us}}};
    run_.add(record);
    return *this;
  }

  /// One that ran in several placements of its workspace, with steady times in each.
  ContestRun& placed_row(const std::string& algorithm, std::uint64_t bytes, const std::vector<double>& placements_us) {
    RowRecord record = run_.ok(0, kSymm);
    record.case_id = plan(algorithm, bytes, Json::object());
    record.blocks.clear();
    for (const double time_us : placements_us) {
      const auto index = static_cast<int>(record.blocks.size());
      record.blocks.push_back({.position = index, .placement = index, .batch_us = std::vector<double>(100, time_us)});
    }
    run_.add(record);
    return *this;
  }

  /// A row that is planned, and fails or never runs.
  ContestRun& failed(const std::string& algorithm, std::uint64_t bytes, const Json& changes = Json::object()) {
    FailureRecord record = run_.failed(-1, 1, {allocator_of(changes)}, true);
    record.case_id = plan(algorithm, bytes, changes);
    run_.add(record);
    return *this;
  }
  ContestRun& skipped(const std::string& algorithm, std::uint64_t bytes) {
    plan(algorithm, bytes, {{"skip", "too large"}});
    return *this;
  }

  RunBuilder& builder() { return run_; }
  const RunBuilder& builder() const { return run_; }

 private:
  static std::string allocator_of(const Json& changes) { return changes.value("allocator", kSymm); }

  std::string plan(const std::string& algorithm, std::uint64_t bytes, const Json& changes) {
    Json planned = RunBuilder::planned(0, allocator_of(changes));
    planned["algorithm"] = planned["algorithm_asked"] = algorithm;
    planned["tokens"] = 1;
    planned["hidden"] = bytes / 2;
    planned["message_bytes"] = planned["asked_bytes"] = bytes;
    planned["auto_algorithm"] = "one_shot";
    planned["auto_source"] = "computed";
    planned.update(changes);
    planned["case_id"] = fmt::format("row-{}", run_.started.planned_rows.size());
    run_.started.planned_rows.push_back(planned);
    return planned["case_id"].get<std::string>();
  }

  RunBuilder run_;
};

}  // namespace symmbench
