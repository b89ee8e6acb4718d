#pragma once
#include <cstdint>

#include "workspace/segment_set.hpp"

namespace symmbench {

/// Symmetric memory of the bench itself, made by the same allocator as the workspace that it measures: flags at which
/// the ranks' streams meet before a batch, and an area that the link probe works on. So a workspace of any kind is
/// measured alike, and none has to lend a segment. It takes part in no figure of the workspace's own.
///
/// The ranks' streams meet by the workspace's control block: its abort word ends the wait, its generation is what the
/// flags hold. So the two are reset together.
class BenchSegment {
 public:
  /// What the link probe's area holds: the parts of eight ranks are 512 KiB each, far more than a link has under way.
  static constexpr std::uint64_t kLinkBytes = std::uint64_t{4} << 20;

  /// For the sizes of a plan: one segment, "bench".
  static std::vector<SegmentRequest> requests(int world_size);

  BenchSegment(const Communicator& comm, Driver& driver, Stream& stream, KernelSet& kernels);

  /// Collective: as SegmentSet.
  void create(const PhaseContext& context, Allocator& allocator, HandleType handle);
  void reset(const PhaseContext& context) { segments_.reset(context); }
  void close(const PhaseContext& context) { segments_.close(context); }

  /// For KernelSet::device_barrier.
  const SegmentView& flags() const { return flags_; }
  /// For LinkProbe; contents do not matter between calls.
  const SegmentView& links() const { return links_; }

 private:
  Stream& stream_;
  int rank_, world_size_;
  SegmentView flags_, links_;
  SegmentSet segments_;
};

}  // namespace symmbench
