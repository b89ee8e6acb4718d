#pragma once
#include <string>

#include "workspace/bench_segment.hpp"
#include "workspace/workspace.hpp"

namespace symmbench {

/// One allocator's workspace and what the bench needs beside it, ready to take part in a case.
struct AllocatorWorkspace {
  std::string allocator;
  Workspace* workspace = nullptr;  ///< not owned
  BenchSegment* bench = nullptr;   ///< not owned; null: the kernels meet by means of their own, as a library's do

  /// Where device_barrier() of the kernels meets.
  const SegmentView& flags() const {
    static constexpr SegmentView kNone{};
    return bench != nullptr ? bench->flags() : kNone;
  }
  /// Collective: back to the state after bring-up.
  void reset(const PhaseContext& context) const {
    workspace->reset(context);
    if (bench != nullptr) bench->reset(context);
  }
};

}  // namespace symmbench
