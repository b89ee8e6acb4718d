#pragma once
#include <bit>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "core/round.hpp"
#include "device/host/host_stream.hpp"
#include "kernels/host/host_kernels.hpp"
#include "kernels/kernel_set.hpp"
#include "kernels/patterns.hpp"
#include "kernels/protocol/packet.hpp"
#include "kernels/protocol/trtllm_layout.hpp"

namespace symmbench::test {

/// Device memory of one kind, 16-byte aligned.
class DeviceBytes {
 public:
  DeviceBytes() = default;
  explicit DeviceBytes(std::uint64_t bytes, std::uint32_t word = 0)
      : packets_((bytes + kPacketBytes - 1) / kPacketBytes, Packet{{word, word, word, word}}) {}
  std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(packets_.data()); }
  std::uint64_t bytes() const { return packets_.size() * kPacketBytes; }
  std::uint32_t& word(std::uint64_t index) { return packets_[index / 4].word[index % 4]; }
  std::uint16_t& half(std::uint64_t index) { return reinterpret_cast<std::uint16_t*>(packets_.data())[index]; }

 private:
  std::vector<Packet> packets_;
};

/// A workspace of W ranks in one process, one address for each rank's memory: ThreadSanitizer cannot see through two
/// mappings of a memfd. Each rank has a stream of its own, with two block threads, as a worker has.
class FlatRanks {
 public:
  explicit FlatRanks(FusionLayout layout, std::chrono::nanoseconds wait_limit = std::chrono::seconds(60))
      : FlatRanks(layout.world_size, layout.slot_bytes(),
                  {{WorkspaceView::kComm, layout.comm_bytes()},
                   {WorkspaceView::kFlags, layout.flag_bytes()},
                   {WorkspaceView::kLamport, layout.lamport_bytes(), kSentinel}},
                  wait_limit) {}
  explicit FlatRanks(TrtllmLayout layout, std::chrono::nanoseconds wait_limit = std::chrono::seconds(60))
      : FlatRanks(layout.world_size, layout.lamport_bytes(),
                  {{WorkspaceView::kComm, layout.comm_bytes()},
                   {WorkspaceView::kSecondComm, layout.comm_bytes()},
                   {WorkspaceView::kFlags, layout.flag_bytes()},
                   {WorkspaceView::kSecondFlags, layout.flag_bytes()},
                   {WorkspaceView::kLamport, layout.lamport_bytes(), kSentinel},
                   {WorkspaceView::kSecondLamport, layout.lamport_bytes(), kSentinel},
                   {WorkspaceView::kThirdLamport, layout.lamport_bytes(), kSentinel}},
                  wait_limit) {}

  int size() const { return size_; }
  KernelSet& kernels() { return *kernels_; }
  HostStream& stream(int rank) { return at(rank).stream; }
  const WorkspaceView& view(int rank) { return at(rank).view; }
  ControlBlock& control(int rank) { return at(rank).control; }
  const GiveUpRecord& give_up(int rank) { return at(rank).give_up; }
  DeviceBytes& segment(int rank, int use) { return at(rank).segments[use]; }
  DeviceBytes& lamport(int rank) { return segment(rank, WorkspaceView::kLamport); }

  void synchronize() {
    for (auto& rank : ranks_) rank->stream.synchronize();
  }

  /// Words of the Lamport segments that are neither clean nor within what the next call will clear.
  std::uint64_t unaccounted_words() {
    std::uint64_t words = 0;
    for (auto& rank : ranks_) {
      const std::uint64_t previous = (rank->control.slot + kLamportSlots - 1) % kLamportSlots;
      const std::uint64_t slot_words = rank->view.slot_bytes / 4, first = previous * slot_words;
      const Regions dirty = rank->control.dirty;
      const auto cleared = [&](std::uint64_t w) {
        if (w < first || dirty.count == 0) return false;
        const std::uint64_t region = (w - first) / 4 / dirty.packets;
        return region < dirty.count && region % static_cast<unsigned>(size()) != static_cast<unsigned>(rank->view.rank);
      };
      for (std::uint64_t w = 0; w < kLamportSlots * slot_words; ++w) {
        const auto address = rank->view.lamport_at(rank->view.rank, w * 4);
        if (!cleared(w) && *reinterpret_cast<const std::uint32_t*>(address) != kSentinel) ++words;
      }
    }
    return words;
  }

 private:
  struct Segment {
    int use;
    std::uint64_t bytes;
    std::uint32_t word = 0;  ///< at the start
  };
  FlatRanks(int size, std::uint64_t slot_bytes, const std::vector<Segment>& segments,
            std::chrono::nanoseconds wait_limit)
      : size_(size) {
    ranks_.resize(static_cast<std::size_t>(size));
    for (auto& rank : ranks_) {
      rank = std::make_unique<Rank>();
      for (const auto& one : segments) rank->segments[one.use] = DeviceBytes(one.bytes, one.word);
      rank->control.slot_bytes = slot_bytes;
    }
    for (int r = 0; r < size; ++r) {
      WorkspaceView& view = at(r).view;
      view.rank = r;
      view.world_size = size;
      for (const auto& one : segments) {
        for (int p = 0; p < size; ++p) view.segment[one.use].base[p] = segment(p, one.use).address();
        view.segment[one.use].bytes = one.bytes;
      }
      view.control = reinterpret_cast<std::uint64_t>(&at(r).control);
      view.give_up = reinterpret_cast<std::uint64_t>(&at(r).give_up);
      view.slot_bytes = slot_bytes;
      view.wait_limit_ns = static_cast<std::uint64_t>(wait_limit.count());
    }
  }

  struct Rank {
    DeviceBytes segments[kMaxSegments];  ///< index = what it is for
    ControlBlock control{};
    GiveUpRecord give_up{};
    WorkspaceView view{};
    HostStream stream{2};
  };
  Rank& at(int rank) { return *ranks_[static_cast<std::size_t>(rank)]; }

  int size_;
  std::vector<std::unique_ptr<Rank>> ranks_;
  std::unique_ptr<KernelSet> kernels_ = make_host_kernels();
};

/// One rank's buffers for a batch of `buffers` iterations of one shape.
class RankBatch {
 public:
  RankBatch(const CallShape& shape, InputKind kind, std::uint32_t buffers, std::uint64_t seed,
            std::uint64_t iteration = 0) {
    view_ =
        lay_out_batch(shape, buffers, 64, [&](std::uint64_t bytes) { return memory_.emplace_back(bytes).address(); });
    view_.seed = seed;
    view_.kind = kind;
    state->iteration = iteration;
    view_.state = reinterpret_cast<std::uint64_t>(state.get());
    view_.report = reinterpret_cast<std::uint64_t>(report.get());
  }

  const BatchView& view() const { return view_; }
  AllreduceCall call(const CallShape& shape, const WorkspaceView& workspace, std::uint64_t iteration) const {
    return call_on(view_, iteration, shape, workspace);
  }

  std::unique_ptr<BatchState> state = std::make_unique<BatchState>();
  std::unique_ptr<VerifyReport> report = std::make_unique<VerifyReport>();

 private:
  std::deque<DeviceBytes> memory_;
  BatchView view_;
};

/// How a rank's call gets onto its stream; the default is KernelSet::allreduce.
using Launch = std::function<void(FlatRanks&, int rank, const AllreduceCall&)>;
inline void launch_as_shipped(FlatRanks& ranks, int rank, const AllreduceCall& call) {
  ranks.kernels().allreduce(ranks.stream(rank), call);
}

/// All ranks run `iterations` calls of `shape` back to back and check every one; returns the reports, by rank.
inline std::vector<VerifyReport> run_and_check(FlatRanks& ranks, const CallShape& shape, InputKind kind,
                                               std::uint32_t iterations, std::uint64_t first_iteration = 0,
                                               const Launch& launch = launch_as_shipped) {
  std::vector<RankBatch> batches;
  for (int r = 0; r < ranks.size(); ++r) batches.emplace_back(shape, kind, iterations, 7, first_iteration);
  for (int r = 0; r < ranks.size(); ++r) {
    auto& batch = batches[static_cast<std::size_t>(r)];
    const CheckCall check{.shape = shape, .rank = r, .iterations = iterations};
    auto& stream = ranks.stream(r);
    ranks.kernels().fill_constants(stream, batch.view(), check);
    ranks.kernels().fill_inputs(stream, batch.view(), check);
    for (std::uint64_t i = first_iteration; i < first_iteration + iterations; ++i) {
      if (shape.in_place) {
        stream.copy(to_pointer(batch.view().output(OutputKind::allreduce, i)), to_pointer(batch.view().input(i)),
                    shape.message_bytes());
      }
      launch(ranks, r, batch.call(shape, ranks.view(r), i));
    }
    ranks.kernels().check(stream, batch.view(), check, iterations);
  }
  ranks.synchronize();
  std::vector<VerifyReport> reports;
  for (auto& batch : batches) reports.push_back(*batch.report);
  return reports;
}

/// Right everywhere, complete, the same bits on all ranks.
inline bool all_right(const std::vector<VerifyReport>& reports, const CallShape& shape, std::uint32_t iterations) {
  for (const auto& report : reports) {
    if (report.checked_elements != iterations * elements_to_check(shape)) return false;
    if (report.wrong_elements != 0 || report.unwritten_elements != 0 || report.mismatches != 0) return false;
    if (report.guard_words_overwritten != 0 || report.digest != reports[0].digest) return false;
  }
  return true;
}

inline std::uint64_t wrong_elements(const std::vector<VerifyReport>& reports) {
  std::uint64_t wrong = 0;
  for (const auto& report : reports) wrong += report.wrong_elements;
  return wrong;
}

/// A layout that holds messages of `shape`: cut by tokens, a message takes as many as the next multiple of the ranks.
inline FusionLayout layout_for(const CallShape& shape) {
  const std::uint64_t tokens = row_of(kWorkspaceKinds, shape.workspace).by_tokens
                                   ? round_up(shape.tokens, static_cast<std::uint64_t>(shape.world_size))
                                   : shape.tokens;
  return {shape.world_size, tokens * shape.row_bytes(), element_bytes(shape.dtype)};
}

/// A world whose workspace holds messages of `shape`.
inline std::unique_ptr<FlatRanks> flat_ranks_for(const CallShape& shape,
                                                 std::chrono::nanoseconds wait_limit = std::chrono::seconds(60)) {
  if (shape.workspace != WorkspaceKind::trtllm) return std::make_unique<FlatRanks>(layout_for(shape), wait_limit);
  return std::make_unique<FlatRanks>(TrtllmLayout{shape.world_size, shape.elements(), shape.hidden}, wait_limit);
}

}  // namespace symmbench::test
