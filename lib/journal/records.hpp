#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "journal/lifecycle_record.hpp"

namespace symmbench {

/// The vocabulary of the journal. A report is a pure fold over these (report/fold.hpp); workers and supervisors only
/// append them. On disk and on the wire a record is the JSON object that to_json() gives, with "type" first.

/// Of the records as they are written: one that an older reader would take for something else is a new version. Records
/// that do not say so are of version 1.
inline constexpr int kJournalVersion = 1;

/// First record of rank 0: everything the report's head needs, and what is going to run.
struct RunStarted {
  Json tool;    ///< {version, git, build}
  Json run;     ///< {command, repro_command, config, seed, started_at}
  Json device;  ///< {kind, emulated, asked, reason}
  int world_size = 0, group_size = 0;
  /// One entry per row that a complete run has: {keys of Case::keys(), "allocator", "skip": null|text, "reference":
  /// whether it is another library's, measured beside ours}; "label", where
  /// present, is CaseGroup::id and lets a failure outside any case find the rows that it cost. "auto_algorithm" and
  /// "auto_source", where present, are what `--algorithm auto` means for the row's shape and who says so.
  std::vector<Json> planned_rows;
  /// One per lifecycle group and group of ranks: {workspace, transport, allocator, handle_asked, group, lifecycles,
  /// soak_s}: rounds at least, and until so much time has passed; null: no soak.
  std::vector<Json> planned_lifecycles;
  bool strict = false, raw_samples = false;
  bool skip_if_unsupported = false;
};

/// Facts of one rank, from its preflight worker and its supervisor.
struct RankFacts {
  int rank = 0;
  Json facts;  ///< {host, boot_id, network_namespace, pid, local_rank, device{...}, memory{...}, environment{...}}
};

/// Samples of one allocator in one block of the interleaved order: A-B-B-A, A-B-C-C-B-A.
struct SampleBlock {
  int position = 0;              ///< place in that order, over all its rounds
  int placement = 0;             ///< of the workspaces in memory: 0 is upstream's own, the others are elsewhere
  std::vector<double> batch_us;  ///< mean time of one iteration per batch, maximum over ranks
  /// World ranks whose GPU was slowed down (power, heat) at the beginning or end of its placement; nullopt: none tells.
  std::optional<std::vector<int>> slowed_ranks = std::nullopt;
};

/// What became of one case under one allocator, from the leader of its group (group rank 0).
struct RowRecord {
  std::string case_id;
  std::string allocator;
  int group = 0;
  int attempt = 0;
  bool alone = false;  ///< true when re-run without the other allocators after a failure with several in play
  std::string status;  ///< "ok", "failed", "skipped"
  std::optional<std::string> reason;
  std::optional<Failure> failure;
  Json handle;     ///< {asked, used, reason}
  Json multicast;  ///< {asked, used, reason}
  Json launch;     ///< {blocks, threads, cluster, pdl, trigger, graph, buffers}
  std::uint64_t iterations_per_batch = 0;
  std::vector<SampleBlock> blocks;
  std::vector<double> rank_mean_us;  ///< by world rank order of the group: shows the slowest rank
  std::uint64_t checked_iterations = 0;
  std::uint64_t checked_every = 1;
  std::uint64_t wrong_elements = 0;      ///< summed over ranks
  std::optional<double> max_error;       ///< largest over ranks; null when nothing was checked
  Json blame;                            ///< null when nothing was wrong
  std::vector<double> skew_us;           ///< per stamped batch: how far apart the ranks began it; empty: not measured
  std::optional<double> clock_error_us;  ///< bound of the error of skew_us
};

/// A failure that ended an attempt: from the coordinator (crash, exit, hang) or a worker (its own error).
struct FailureRecord {
  int group = 0;
  int attempt = 0;
  std::optional<std::string> case_id;   ///< null: outside any case (bring-up, close)
  std::vector<std::string> allocators;  ///< in play when it happened
  bool alone = false;
  std::string status;  ///< "failed" or "hung"
  Failure failure;
  std::vector<Failure> others;  ///< what the other ranks said
  std::string label;            ///< WorkRequest::label: which case group, also for requests without items
};

/// How a workspace stood in memory under one allocator, once per attempt, from the group's leader.
struct WorkspaceRecord {
  int group = 0;
  std::string workspace, transport, allocator;
  Json handle;
  std::vector<Json> segments;      ///< {name, requested_bytes, allocated_bytes, ..., va_layout}
  std::vector<Json> driver_calls;  ///< {call, count, failures, total_us}
  std::vector<Json> differences;   ///< {upstream, here, reason}: Allocator::differences()
};

/// What the links and launches of one group of ranks were measured to do at best, from the group's leader; once per
/// worker that measures. Each figure is the median over batches of the worst rank. (stats/limits.hpp)
struct FloorsRecord {
  int group = 0;
  std::string workspace, transport, allocator;  ///< whose mappings were measured
  double empty_kernel_us = 0, flag_barrier_us = 0, hop_us = 0;
  double peer_write_gbs = 0, peer_read_gbs = 0;
};

/// How long each rank of a group took to read the same number of bytes from each other one, from the group's leader; once
/// per worker that measures.
struct LinkTimesRecord {
  int group = 0;
  std::string allocator;                     ///< whose mappings were measured
  std::uint64_t bytes = 0;                   ///< of a read
  std::vector<std::vector<double>> read_us;  ///< by reader and by whose memory, as group ranks; least of a few; own: 0
};

/// A trial of a handle type under an allocator between the ranks of a group, from the group's leader.
struct HandleTrialRecord {
  int group = 0;
  std::string allocator, type;
  std::optional<bool> passed;      ///< nullopt: not tried, `reason` says why
  std::optional<Failure> failure;  ///< root cause, where it did not pass
  std::string reason;
};

/// What one rank found for `symmbench probe`, part by part.
struct ProbeRecord {
  int rank = 0;
  Json data;  ///< any of {group, group_rank, memory, pairs[], received[], descriptors, driver_calls[], trace[]}
};

/// What a rank's device said of itself before and after a case group: {temperature_c, sm_clock_mhz, power_mw, throttle[],
/// nvlink_errors, nvlink_errors_by_kind}, null where unknown. And what its driver reported in between.
struct DeviceSampleRecord {
  int group = 0;
  int rank = 0;
  std::string label;  ///< CaseGroup::id
  Json before, after;
  Json errors = nullptr;  ///< {xids[] or null, cut, unknown: why or null}; null: nobody was asked
};

/// What the kernel's log of a host said since the last such record, from the supervisor of its first rank.
struct KernelLogRecord {
  int rank = 0;                           ///< whose supervisor read it
  std::optional<std::string> unreadable;  ///< why it cannot be read
  Json lines;                             ///< [{at_us: since boot, text}]: those that may explain what befalls a run
  std::uint64_t cut = 0;                  ///< more lines than are kept
  std::uint64_t overwritten = 0;          ///< times that the log lost messages before they were read
};

/// WorkRequest::label of what `run --bisect` does after a failure: what fails there is no result of a case.
inline constexpr std::string_view kBisectLabel = "bisect";

/// A smaller group that `run --bisect` tried, from the leader of the group that it is part of.
struct BisectTestRecord {
  int group = 0;
  std::vector<int> members;        ///< world ranks, ascending
  std::optional<Failure> failure;  ///< nullopt: it passed
  double us = 0;                   ///< bring-up, allreduces, close
};

/// What the smaller groups of one group say, from rank 0.
struct BisectRecord {
  int group = 0;
  Json data;  ///< the entry of the report's `bisect`, but for host and GPU of the ranks
};

/// EventRecord::what of a rank whose journal lacks records, or is not there at all.
inline constexpr std::string_view kJournalIncomplete = "journal_incomplete";
/// Of a record that is not as its type should be.
inline constexpr std::string_view kUnreadableRecord = "unreadable_record";
/// Of processes that are no part of the job and connected to its sockets.
inline constexpr std::string_view kStrangersConnected = "strangers_connected";
/// Of a bring-up that the ranks began again because the driver was not ready (802).
inline constexpr std::string_view kRetriedNotReady = "retried_not_ready";

/// Anything worth telling that is no result: a worker was restarted, a group was given up, an interrupt came.
struct EventRecord {
  int group = 0;
  std::string what;  ///< "worker_restarted", "group_skipped", "case_cut_off", "rank_silent", "placements_limited", ...
  std::string detail;
  /// For programs, by `what`; null when there is nothing to add. "group_skipped": {label, case_ids, allocators,
  /// bring_up, failure}: these cases do not run (again) under these allocators. "worker_restarted": {label, attempt,
  /// case_ids, allocators, alone}. "fault_struck": {index, struck, attempt}: place in run.injected, times or null.
  /// "case_cut_off": {label, case_ids, allocators}: it ran when the run was stopped.
  Json data;
};

/// Last record of rank 0.
struct RunEnded {
  std::string ended_at;
  bool complete = false;
  std::optional<std::string> interrupted_by;  ///< RunOutcome::interrupted_by, or what forbids it
  bool unsupported = false;                   ///< nothing was run: the machine's facts forbid it
  std::optional<std::string> instead;         ///< a command that would run here, for the verdict's last line
};

/// The record's "type": "run_started", "rank", "row", "failure", "lifecycle", "workspace", "floors", "handle_trial", "probe",
/// "device_sample", "kernel_log", "bisect_test", "bisect", "event", "run_ended"; empty when it has none.
std::string type_of(const Json& record);

Json to_json(const RunStarted&);
Json to_json(const RankFacts&);
Json to_json(const RowRecord&);
Json to_json(const FailureRecord&);
Json to_json(const WorkspaceRecord&);
Json to_json(const FloorsRecord&);
Json to_json(const LinkTimesRecord&);
Json to_json(const HandleTrialRecord&);
Json to_json(const ProbeRecord&);
Json to_json(const DeviceSampleRecord&);
Json to_json(const KernelLogRecord&);
Json to_json(const BisectTestRecord&);
Json to_json(const BisectRecord&);
Json to_json(const EventRecord&);
Json to_json(const RunEnded&);

/// Reads back what to_json wrote. @throws Error{report, invalid_argument} naming record type and key
RunStarted run_started_from(const Json&);
RankFacts rank_facts_from(const Json&);
RowRecord row_from(const Json&);
FailureRecord failure_record_from(const Json&);
WorkspaceRecord workspace_from(const Json&);
FloorsRecord floors_from(const Json&);
LinkTimesRecord link_times_from(const Json&);
HandleTrialRecord handle_trial_from(const Json&);
ProbeRecord probe_from(const Json&);
DeviceSampleRecord device_sample_from(const Json&);
KernelLogRecord kernel_log_from(const Json&);
BisectTestRecord bisect_test_from(const Json&);
BisectRecord bisect_from(const Json&);
EventRecord event_from(const Json&);
RunEnded run_ended_from(const Json&);

/// Where records go: a worker's channel to its supervisor, a supervisor's journal, a vector in tests.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  virtual void append(const Json& record) = 0;
};

}  // namespace symmbench
