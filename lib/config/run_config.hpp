#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "catalog/accumulations.hpp"
#include "catalog/multicast.hpp"
#include "catalog/output_files.hpp"
#include "catalog/pattern_parameters.hpp"
#include "catalog/table_figures.hpp"
#include "catalog/triggers.hpp"
#include "config/tuning.hpp"
#include "config/worker_config.hpp"
#include "core/dtype.hpp"
#include "core/rank_groups.hpp"

namespace symmbench {

/// One cross product: every combination of the lists below becomes cases. Names are kept as text here; plan/ checks
/// what combinations are possible. Option and config key spell alike ("--in-place" is "in_place").
struct Sweep {
  std::vector<std::string> workspaces;  ///< "trtllm_fusion"
  std::vector<std::string> allocators;  ///< "symm_device_memory", "torch_symm_mem", "upstream"
  std::vector<std::string> handles;     ///< "auto", "upstream", "posix_fd", "fabric"
  std::vector<MulticastMode> multicast;
  std::vector<std::string> algorithms;  ///< "auto", "one_shot", "two_shot", "two_shot_barrier", "one_shot_pull", "nccl"
  std::vector<std::string> patterns;    ///< "allreduce", "residual_rmsnorm"
  std::vector<DType> dtypes;
  std::vector<bool> in_place;         ///< patterns that cannot run in place skip `true`
  std::vector<std::uint64_t> hidden;  ///< elements of a row
  std::vector<std::uint64_t> tokens;  ///< empty: sizes from min_bytes ... max_bytes
  std::uint64_t min_bytes = 0, max_bytes = 0;
  double step_factor = 0;              ///< 0: use step_bytes
  std::uint64_t step_bytes = 0;        ///< 0: use step_factor
  std::optional<std::uint64_t> iters;  ///< timed iterations per case and allocator; nullopt: sample to ci_width
  std::uint64_t warmup_iters = 0;
  std::uint64_t cudagraph = 0;            ///< iterations per batch; 0: chosen by size
  std::uint32_t buffers = 0;              ///< sets of buffers per batch; 0: one per iteration where they fit
  std::uint32_t blocks = 0, threads = 0;  ///< 0: chosen by the kernels
  bool pdl = true;                        ///< programmatic dependent launch
  Accumulation accumulation = Accumulation::fp32;
  TriggerPoint trigger = TriggerPoint::early;
  /// What workspaces hold at least, beside their own messages: tokens of a row, or bytes; 0: nothing more.
  std::uint64_t workspace_tokens = 0, workspace_bytes = 0;
  PatternParameters parameters;
};

/// A file that a run was asked for.
struct OutputFile {
  OutputFileKind kind;
  std::string path;
  bool operator==(const OutputFile&) const = default;
};

enum class DeviceChoice { automatic, host, cuda };
enum class Isolation { process, none };
enum class OutputFormat { table, nccl, none };
enum class ProgressSetting { automatic, off };

/// Everything a run does, resolved: defaults, then config file, then command line. The same on every rank.
struct RunConfig : WorkerConfig {
  std::vector<Sweep> sweeps;
  DeviceChoice device = DeviceChoice::automatic;
  Json fabric;                   ///< profile as FabricDocument::of_value() reads it; null: none asked for
  int virtual_hosts = 0;         ///< as asked; 0: as many as the profile needs
  int group_size = 0;            ///< as asked; 0: all ranks are one group. See ranks_per_group()
  std::uint64_t lifecycles = 0;  ///< create-to-close rounds per workspace and allocator, at least
  double soak_s = 0;             ///< and until so much time has passed
  bool lifecycle_fresh = false;  ///< each in a worker of its own
  std::uint64_t concurrent = 1;  ///< workspaces that are alive at once in each
  bool reattach = false;         ///< workspaces get other memory at the same addresses in each
  bool memory_pressure = false;  ///< most of the device's memory is taken in each
  double time_limit_s = 0;       ///< of the whole run; 0: none
  Isolation isolation = Isolation::process;
  bool strict = false;
  bool skip_if_unsupported = false;
  double min_busbw_gbs = 0;  ///< of each series; 0: no limit
  bool raw_samples = false;
  bool bisect = false;  ///< after a failure, smaller groups name who is to blame
  bool tune = false;    ///< measure what a tuning table needs, and write one
  TuningTable tuning;   ///< how `auto` decides
  OutputFormat format = OutputFormat::table;
  ProgressSetting progress = ProgressSetting::automatic;
  bool quiet = false;  ///< stdout has the verdict line alone
  bool verbose = false;
  std::vector<TableFigure> columns;         ///< further ones of the table
  std::vector<OutputFile> outputs;          ///< in the catalogue's order, no two at one place
  std::optional<std::string> output_dir;    ///< as asked
  std::optional<std::string> journal_path;  ///< default: <report>.journal, or none without a report
  std::optional<std::string> baseline;      ///< report that the run is held against; with max_regress
  std::optional<double> max_regress;        ///< percent
  std::optional<std::string> threshold;     ///< file of limits
  std::string config_text;  ///< canonical JSON of all the above: hashed, compared between ranks, reported

  /// Ranks of one group of a job of `world_size`.
  constexpr int ranks_per_group(int world_size) const { return symmbench::ranks_per_group(group_size, world_size); }
};

/// Where the run writes `kind`; nullopt: it was not asked for.
inline std::optional<std::string> output_path(const RunConfig& config, OutputFileKind kind) {
  for (const OutputFile& output : config.outputs) {
    if (output.kind == kind) return output.path;
  }
  return std::nullopt;
}

}  // namespace symmbench
