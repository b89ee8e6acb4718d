#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/json.hpp"
#include "kernels/kernel_set.hpp"
#include "plan/algorithm_choice.hpp"
#include "plan/multicast.hpp"

namespace symmbench {

/// One measurable thing: everything that a result row is keyed by, except allocator and handle used.
struct Case {
  std::string handle_asked = "auto";
  int group = 0;                ///< which group of ranks
  int group_size = 0;           ///< ranks in it
  std::string algorithm_asked;  ///< "auto" or the algorithm's own name
  MulticastDecision multicast;
  CallShape shape;  ///< workspace, transport, algorithm, pattern, dtype, world_size = group_size, tokens, hidden, ...
  AlgorithmChoice auto_choice;    ///< what "auto" means for this shape, whatever was asked
  std::uint64_t asked_bytes = 0;  ///< before rounding to tokens and packets; message_bytes is shape.message_bytes()
  std::optional<std::uint64_t> iters;
  std::uint64_t warmup_iters = 0;
  std::uint64_t cudagraph = 0;
  std::uint32_t buffers = 0;        ///< sets of buffers that a batch may have; 0: one per iteration
  std::optional<std::string> skip;  ///< known before anything runs: why it cannot (capacity with the figure, ...)
  bool vetoed = false;              ///< what keeps it from running is a veto: it is not tested, rather than skipped

  /// Another library's, measured beside ours: it brings its own memory, and is named where ours name a workspace.
  bool reference() const { return is_reference(shape.algorithm); }
  std::string_view workspace() const { return reference() ? name_of(shape.algorithm) : name_of(shape.workspace); }

  /// Stable, readable, unique within a run and allocator:
  /// "g0x4/trtllm_fusion/unicast/auto/one_shot/residual_rmsnorm/bf16/out/1x8192", the fourth part being the handle
  /// asked for; "/b32", "/t256", "/nopdl", "/storage", "/trigger_end", "/graph50", "/buffers5", "/wb1", "/eps1e-05" follow
  /// where blocks, threads, pdl off, accumulate storage, trigger end, cudagraph, buffers or a parameter of the pattern
  /// (here weight_bias and epsilon) were asked for. The
  /// algorithm is the one that runs, also where "auto" was asked.
  std::string id() const;
  /// The end of the id, "b32/t256/...", which says how it is run; empty where nothing of that was asked for.
  std::string variant() const;
  /// The row keys of the report, in the order of the report, without allocator and handle used:
  /// {case_id, workspace, transport, group, group_size, handle_asked, multicast_asked, algorithm, algorithm_asked,
  ///  pattern, weight_bias, epsilon, dtype, accumulate, in_place, tokens, hidden, asked_bytes, message_bytes,
  ///  buffers_asked, variant, reference}.
  /// Parameters that the pattern does not take are null.
  Json keys() const;
};

}  // namespace symmbench
