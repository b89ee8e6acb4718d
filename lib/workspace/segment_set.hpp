#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "device/stream.hpp"
#include "kernels/kernel_set.hpp"
#include "memory/local_buffer.hpp"
#include "memory/shared_memory.hpp"
#include "workspace/zones.hpp"

namespace symmbench {

inline constexpr std::uint64_t kCanaryBytes = 4096;  ///< behind the used bytes of each segment

/// One symmetric allocation: the used bytes and the canary zone behind them.
struct SegmentRequest {
  std::string_view name;  ///< for messages and the report: "flags"
  std::uint64_t used_bytes = 0;
  std::optional<std::uint32_t> pattern = {};  ///< of every used word at the start; nullopt: contents do not matter
  bool multicast = false;                     ///< it must have an address whose stores reach all ranks

  std::uint64_t requested_bytes() const { return used_bytes + kCanaryBytes; }
};

/// Physical bytes that the segments take of one rank with `allocator`.
std::uint64_t segment_bytes(std::span<const SegmentRequest> requests, const Allocator& allocator,
                            std::uint64_t granularity);

/// One segment as the report shows it.
struct SegmentFacts {
  std::string name;
  SharedMemoryFacts memory;
};

/// What its owner keeps beside the segments in memory of this rank alone. Each is called on this rank in the phase of
/// the set that it belongs to; any may be empty.
struct LocalParts {
  std::function<void()> allocate = {};
  /// Puts the start state on the stream. The segments are mapped by then; the set synchronizes afterwards.
  std::function<void()> enqueue_start = {};
  std::function<void()> close = {};
};

/// The symmetric memory of one workspace: segments, proved before use and guarded until they are closed. Collective
/// life: create(), kernels, close(). A half-built set cleans up after itself; destruction without close() cleans up
/// this rank only and says so.
class SegmentSet {
 public:
  /// `owner`: what messages call it. @pre 1 to kMaxSegments requests
  SegmentSet(std::string_view owner, const Communicator& comm, Driver& driver, Stream& stream, KernelSet& kernels,
             const std::vector<SegmentRequest>& requests, LocalParts local = {});
  ~SegmentSet();
  SegmentSet(const SegmentSet&) = delete;
  SegmentSet& operator=(const SegmentSet&) = delete;

  /// Collective. Phases create ... map by the allocator, in the order of the requests; then init (patterns, canaries,
  /// local start state, device synchronize) and verify (ownership test over every pair of ranks, patterns, canaries).
  /// @throws PhaseFailed with the failing phase, after everything built was closed
  void create(const PhaseContext& context, Allocator& allocator, HandleType handle);

  /// Collective. Lets go of the segments' memory on all ranks and makes it again at the same addresses, as create() from
  /// export on, but for the local parts, which stay. @pre created, and `allocator`, which made it, reattaches
  /// @throws PhaseFailed with the failing phase, after what stood was closed
  void reattach(const PhaseContext& context, Allocator& allocator, HandleType handle);

  std::size_t size() const { return segments_.size(); }
  /// @pre created
  SegmentView view(std::size_t segment) const;
  std::vector<SegmentFacts> facts() const;

  /// @throws Error{workspace, corrupted} naming segment, owner and first overwritten offset. Not collective.
  void check_canaries();

  /// Collective. Puts patterns and local parts back to their start state, as after create().
  void reset(const PhaseContext& context);

  /// Collective, idempotent: device synchronize, canaries, then the segments' own close and the local parts', whatever
  /// fails on the way. @throws the first PhaseFailed; at once what says that the ranks lost each other
  void close(const PhaseContext& context);

 private:
  struct Segment {
    SegmentRequest request;
    std::unique_ptr<SharedMemory> memory;  ///< null until allocated
  };

  void allocate(const PhaseContext& context, Allocator& allocator, HandleType handle);
  /// `kept`: by segment what detach() left; empty: nothing.
  void allocate_segments(const PhaseContext& context, Allocator& allocator, HandleType handle,
                         std::vector<std::vector<AddressRange>> kept);
  void start(const PhaseContext& context);
  /// Runs `build`; when it fails on every rank alike, closes what stands before that goes on.
  void or_close(const PhaseContext& context, const std::function<void()>& build);
  void require_multicast(const PhaseContext& context, const Segment& segment) const;
  void enqueue_start_state();
  void enqueue_canaries();
  void verify(const PhaseContext& context);
  void enqueue_marks();
  void require_marks();
  void restore_marks();
  void require_patterns();
  void close_segments(const PhaseContext& context);
  void close_local_parts();

  void warn(std::string_view what) const;
  /// For clean-up: what `step` throws becomes a warning.
  void quietly(const std::function<void()>& step) const;

  DevicePtr own(const Segment& segment) const { return segment.memory->data(rank_); }
  DevicePtr mark_address(const Segment& segment, int group_rank, bool last) const;
  std::string name_of(const Segment& segment) const;
  std::vector<Zone> canary_zones() const;

  std::string owner_;
  Driver& driver_;
  Stream& stream_;
  KernelSet& kernels_;
  int rank_;
  std::vector<int> world_ranks_;  ///< index = group rank
  LocalParts local_;
  std::vector<Segment> segments_;
  LocalBuffer marks_;
  std::optional<ZoneScanner> scanner_;
  bool created_ = false;
  bool closed_ = false;
};

}  // namespace symmbench
