#include "fault/fault_table.hpp"

#include <algorithm>
#include <iterator>

namespace symmbench {
namespace {

using Seam = FaultSeam;
constexpr FaultParameters kOfDriver{.rank = true, .call = true, .at = true, .count = true, .code = true};
constexpr FaultParameters kOfLostCall{.rank = true, .call = true, .at = true, .count = true};
constexpr FaultParameters kOfChannel{.rank = true, .side = true, .call = true, .at = true, .count = true};
constexpr FaultParameters kOfChannelCode{
    .rank = true, .side = true, .call = true, .at = true, .count = true, .code = true};
constexpr FaultParameters kOfRank{.rank = true};
constexpr FaultParameters kOfAllocator{.allocator = true, .percent = true};
constexpr FaultParameters kOfPlacement{.allocator = true, .placement = true, .percent = true};
constexpr int kPassed = 0, kFailed = 1, kHung = 4;

// A table reads by rows.
// clang-format off
constexpr FaultRow kFaults[] = {
    {"driver_code", "a driver call fails with a CUDA result code at a rank", Seam::driver, kOfDriver, std::nullopt,
     Layer::driver, "phases", kFailed, 1},
    {"skipped_clear", "a Lamport slot is used again without being cleared: stale packets are taken for new ones",
     Seam::protocol, kOfRank, ProtocolFault::skipped_clear, Layer::verify, "results", kFailed, 1},
    {"skipped_sanitiser", "a payload equal to the sentinel is sent as it is: its receiver waits for it",
     Seam::protocol, kOfRank, ProtocolFault::skipped_sanitiser, Layer::kernel, "watchdog", kHung, 1},
    {"one_slot", "one Lamport slot instead of three", Seam::protocol, kOfRank, ProtocolFault::one_slot, Layer::kernel,
     "watchdog", kHung, 1},
    {"half_clear", "half of what a call wrote in its slot is cleared", Seam::protocol, kOfRank,
     ProtocolFault::half_clear, Layer::verify, "results", kFailed, 1},
    {"packet_lost", "one packet in 64 of a rank is not sent", Seam::protocol, kOfRank, ProtocolFault::packet_lost,
     Layer::kernel, "watchdog", kHung, 1},
    {"barrier_skipped", "a rank passes the barriers of two_shot_barrier without waiting", Seam::protocol, kOfRank,
     ProtocolFault::barrier_skipped, Layer::verify, "results", kFailed, 1},
    {"slow_kernel", "every batch of an allocator takes some percent longer, wherever its workspaces lie: a true difference",
     Seam::batch, kOfAllocator, std::nullopt, Layer::kernel, "comparison", kPassed, 0},
    {"slow_placement", "batches of an allocator take some percent longer in one placement: luck, and no difference",
     Seam::batch, kOfPlacement, std::nullopt, Layer::kernel, "comparison", kPassed, 0},
    {"channel_error", "a send or receive between a supervisor and its worker fails with an errno", Seam::channel,
     kOfChannelCode, std::nullopt, Layer::comm, "watchdog", kFailed, 1},
    {"channel_short", "a send or receive between a supervisor and its worker moves one byte: nothing must come of it",
     Seam::channel, kOfChannel, std::nullopt, Layer::comm, "watchdog", kPassed, 1},
    {"rank_late", "a rank reaches a phase late"},
    {"rank_dead", "a rank's supervisor dies"},
    {"worker_killed", "a worker dies in a phase"},
    {"fd_transport", "descriptors do not arrive"},
    {"handle_disagreement", "ranks hold different handle types"},
    {"group_mismatch", "a subgroup is mapped over all ranks"},
    {"rank_order", "peers are mapped in the wrong order"},
    {"pattern", "the Lamport pattern is wrong or missing"},
    {"flags", "barrier flags are not zeroed"},
    {"packet", "a packet is doubled, stale or has a flipped bit"},
    {"signal_lost", "a barrier signal is lost"},
    {"grid_mismatch", "ranks launch different grids"},
    {"canary", "a canary is overwritten"},
    {"leak", "what should give memory, handles or address space back does nothing", Seam::lost_call, kOfLostCall,
     std::nullopt, Layer::memory, "leaks", kFailed, 1, DriverCall::release},
    {"slow_rank", "a rank is slow"},
    {"slow_link", "a link is slow"},
};
// clang-format on

static_assert(std::all_of(std::begin(kFaults), std::end(kFaults), [](const FaultRow& row) {
  return row.protocol.has_value() == (row.seam == Seam::protocol);
}));

}  // namespace

std::span<const FaultRow> fault_table() { return kFaults; }

const FaultRow* find_fault(std::string_view name) {
  const auto at =
      std::find_if(std::begin(kFaults), std::end(kFaults), [&](const FaultRow& row) { return row.name == name; });
  return at == std::end(kFaults) ? nullptr : at;
}

std::string_view name_of(FaultSeam seam) {
  switch (seam) {
    case Seam::driver:
      return "driver";
    case Seam::lost_call:
      return "lost_call";
    case Seam::protocol:
      return "protocol";
    case Seam::batch:
      return "batch";
    case Seam::channel:
      return "channel";
    case Seam::none:
      return "none";
  }
  return "?";
}

}  // namespace symmbench
