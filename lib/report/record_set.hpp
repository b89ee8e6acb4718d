#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "journal/records.hpp"

namespace symmbench {

/// All records of a run, by kind, in an order that does not depend on how the ranks' journals were interleaved.
struct RecordSet {
  RunStarted started;
  bool planned = false;                          ///< `started` was among them
  std::map<int, Json> rank_facts;                ///< by rank; of several, the last
  std::vector<RowRecord> rows;                   ///< by attempt
  std::vector<FailureRecord> failures;           ///< by attempt
  std::vector<LifecycleRecord> lifecycles;       ///< by group, attempt, iteration
  std::vector<WorkspaceRecord> workspaces;       ///< by group
  std::vector<FloorsRecord> floors;              ///< by group
  std::vector<LinkTimesRecord> link_times;       ///< as they came
  std::vector<HandleTrialRecord> handle_trials;  ///< by group
  std::map<int, Json> probes;                    ///< ProbeRecord::data by rank, of all together
  std::vector<DeviceSampleRecord> samples;       ///< by rank
  std::vector<KernelLogRecord> kernel_logs;      ///< in the order of their lines, by rank
  std::map<int, Json> bisections;                ///< BisectRecord::data by group
  std::vector<EventRecord> events;               ///< as they came
  std::optional<RunEnded> ended;

  /// As the report shows it: the last record said so.
  bool complete() const { return ended && ended->complete; }
  /// Whether no worker got as far as a workspace, a result or a failure.
  bool nothing_ran() const { return rows.empty() && failures.empty() && lifecycles.empty() && workspaces.empty(); }
  /// Whether a plan's case group of this name holds lifecycles and no cases.
  bool is_lifecycle_label(const std::string& label) const;
};

/// Fills in host and GPU of the failure's rank, as far as that rank's facts are known.
void locate(Failure& failure, const RecordSet& set);

/// Adds a record to those of its kind, behind them; of several run_started the first counts, unknown types are left
/// out. What failed is located by the facts that came before. @throws Error for a malformed record
void add_record(RecordSet& set, const Json& record);

/// Exact duplicates (a record that rank 0 and the rank that made it both kept) count once.
/// @throws Error{report, invalid_argument} without a run_started record
RecordSet sort_records(std::span<const Json> records);

}  // namespace symmbench
