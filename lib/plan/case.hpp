#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "core/json.hpp"
#include "kernels/kernel_set.hpp"
#include "plan/algorithm_choice.hpp"

namespace symmbench {

inline constexpr std::size_t kMaxCases = 65536;  ///< of one run; more is taken for a typing mistake

/// One measurable thing: everything that a result row is keyed by, except allocator and handle used.
struct Case {
  std::string workspace = "trtllm_fusion";
  std::string transport = "unicast";
  std::string handle_asked = "auto";
  int group = 0;                ///< which group of ranks
  int group_size = 0;           ///< ranks in it
  std::string algorithm_asked;  ///< "auto" or the algorithm's own name
  CallShape shape;  ///< algorithm, pattern, dtype, world_size = group_size, tokens, hidden, in_place, blocks
  AlgorithmChoice auto_choice;    ///< what "auto" means for this shape, whatever was asked
  std::uint64_t asked_bytes = 0;  ///< before rounding to tokens and packets; message_bytes is shape.message_bytes()
  std::optional<std::uint64_t> iters;
  std::uint64_t warmup_iters = 0;
  std::uint64_t cudagraph = 0;
  std::uint32_t buffers = 0;  ///< sets of buffers that a batch may have; 0: one per iteration
  float weight_bias = 0, epsilon = 1e-6f;
  std::optional<std::string> skip;  ///< known before anything runs: why it cannot (capacity with the figure, ...)

  /// Stable, readable, unique within a run and allocator:
  /// "g0x4/trtllm_fusion/unicast/auto/one_shot/residual_rmsnorm/bf16/out/1x8192", the fourth part being the handle
  /// asked for; "/b32", "/t256", "/nopdl", "/graph50", "/buffers5", "/wb1", "/eps1e-05" follow where blocks,
  /// threads, pdl off, cudagraph, buffers, weight_bias or epsilon were asked for. The algorithm is the one that runs,
  /// also where "auto" was asked.
  std::string id() const;
  /// The end of the id, "b32/t256/...", which says how it is run; empty where nothing of that was asked for.
  std::string variant() const;
  /// The row keys of the report, in the order of design section 10, without allocator and handle used:
  /// {case_id, workspace, transport, group, group_size, handle_asked, multicast_asked, algorithm, algorithm_asked,
  ///  pattern, weight_bias, epsilon, dtype, in_place, tokens, hidden, asked_bytes, message_bytes,
  ///  buffers_asked, variant}.
  /// weight_bias and epsilon are null for plain allreduce.
  Json keys() const;
};

enum class GroupKind { measure, lifecycle, library };

/// What one worker does: cases that share workspace, transport, handle asked, group size and allocators. The workspace
/// is sized once for the largest case that can run; where none can, cases have their `skip` and no worker is needed. A
/// lifecycle group holds one allocator and no cases: its rounds are asked for by lifecycle_id(). A library group holds
/// the cases of a collective library, which brings its own buffers: no workspace (layout.message_bytes is 0), one
/// "allocator" of the library's name.
struct CaseGroup {
  GroupKind kind = GroupKind::measure;
  /// "measure/trtllm_fusion/unicast/auto", "lifecycle/trtllm_fusion/unicast/auto/torch_symm_mem", "library/nccl"
  std::string id;
  std::string workspace, transport, handle_asked;
  std::vector<std::string> allocators;  ///< resolved: "upstream" is already one of the two
  FusionLayout layout;
  std::vector<Case> cases;
  std::uint64_t lifecycles = 0;

  /// What a worker is asked for by name where there are no cases: round `index` of a lifecycle group,
  /// "lifecycle/trtllm_fusion/unicast/auto/torch_symm_mem#7".
  std::string lifecycle_id(std::uint64_t index) const;
};

/// What a run does on each group of ranks, in order. A pure function of (config, world size, group), the same in every
/// supervisor and worker, so that only case ids need to travel.
struct Plan {
  int world_size = 0;
  int group_size = 0;
  std::vector<CaseGroup> groups;
  std::vector<std::string> notes;  ///< roundings and dropped duplicates, one line each, for rank 0 to print
};

/// @throws Error{config, invalid_argument} for a combination that cannot exist (group size does not divide the ranks,
/// fused pattern in place only, ...), naming option, value and what is allowed
Plan make_plan(const RunConfig& config, int world_size, int group);

}  // namespace symmbench
