#pragma once
#include <cstdint>

#include "workspace/message_capacity.hpp"
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
  /// What the link probe's area holds: twice the largest message, within bounds. The parts of eight ranks are 512 KiB
  /// each at least, far more than a link has under way. It grows with the messages because a fixed 4 MiB gave lower
  /// figures (353 GB/s on 2 H200s) than earlier runs over the segment of a large workspace (365), and too low a figure
  /// makes limits that kernels beat. Not one run beside the other; why they differ was not looked into.
  static std::uint64_t link_bytes(const MessageCapacity& capacity);

  /// For the sizes of a plan: one segment, "bench". @pre a capacity that is not empty
  static std::vector<SegmentRequest> requests(const MessageCapacity& capacity);

  /// `capacity`: of the workspace beside which it stands.
  BenchSegment(const Communicator& comm, Driver& driver, Stream& stream, KernelSet& kernels,
               const MessageCapacity& capacity);

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
  std::uint64_t link_bytes_;
  SegmentView flags_, links_;
  SegmentSet segments_;
};

}  // namespace symmbench
