#include "fault/fault_table.hpp"

#include <algorithm>
#include <iterator>

#include "device/driver.hpp"

namespace symmbench {
namespace {

using Seam = FaultSeam;
using Effect = FaultEffect;
constexpr FaultParameters kOfDriver{.rank = true, .call = true, .phase = true, .at = true, .count = true, .code = true};
constexpr FaultParameters kOfUnready{.rank = true, .call = true, .phase = true, .at = true, .count = true};
constexpr FaultParameters kOfLostCall{.rank = true, .call = true, .at = true, .count = true};
constexpr FaultParameters kOfChannel{.rank = true, .side = true, .call = true, .at = true, .count = true};
constexpr FaultParameters kOfChannelCode{
    .rank = true, .side = true, .call = true, .at = true, .count = true, .code = true};
constexpr FaultParameters kOfRank{.rank = true};
constexpr FaultParameters kAtRank{.rank = true, .at = true};
constexpr FaultParameters kOfPeer{.rank = true, .peer = true, .at = true};
constexpr FaultParameters kOfLink{.rank = true, .peer = true};
constexpr FaultParameters kOfPoint{.rank = true, .phase = true, .at = true};
constexpr FaultParameters kOfPause{.rank = true, .phase = true, .at = true, .seconds = true};
constexpr FaultParameters kOfAllocator{.allocator = true, .percent = true};
constexpr FaultParameters kOfPlacement{.allocator = true, .placement = true, .percent = true};
constexpr FaultParameters kOfSlowLink{.rank = true, .peer = true, .percent = true};
constexpr FaultParameters kOfSlowRank{.rank = true, .percent = true};
constexpr int kPassed = 0, kFailed = 1, kHung = 4;

// A table reads by rows.
// clang-format off
constexpr FaultRow kFaults[] = {
    {"driver_code", "a driver call fails with a CUDA result code at a rank", Seam::driver, kOfDriver, std::nullopt,
     Layer::driver, "phases", kFailed, 1},
    {.name = "not_ready", .about = "a driver call of a rank says `count` times that the system is not ready (802): all ranks begin again",
     .seam = Seam::driver, .parameters = kOfUnready, .check = "phases", .exit_code = kPassed, .bound_s = 1,
     .code = driver_code::kNotReady, .phase = Phase::create},
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
    {.name = "barrier_skipped", .about = "a rank passes the barriers of two_shot_barrier without waiting",
     .seam = Seam::protocol, .parameters = kOfRank, .protocol = ProtocolFault::barrier_skipped, .layer = Layer::verify, .check = "results", .bound_s = 1,
     .algorithm = "two_shot_barrier"},
    {"sentinel_as_data", "a rank takes a packet that has not arrived for zeros", Seam::protocol, kOfRank,
     ProtocolFault::sentinel_as_data, Layer::verify, "results", kFailed, 1},
    {"wrong_slot", "a rank's rotation of Lamport slots is off by one", Seam::protocol, kOfRank, ProtocolFault::wrong_slot,
     Layer::kernel, "watchdog", kHung, 1},
    {"slow_kernel", "every batch of an allocator takes some percent longer, wherever its workspaces lie: a true difference",
     Seam::batch, kOfAllocator, std::nullopt, Layer::kernel, "comparison", kPassed, 0},
    {"slow_placement", "batches of an allocator take some percent longer in one placement: luck, and no difference",
     Seam::batch, kOfPlacement, std::nullopt, Layer::kernel, "comparison", kPassed, 0},
    {"channel_error", "a send or receive between a supervisor and its worker fails with an errno", Seam::channel,
     kOfChannelCode, std::nullopt, Layer::comm, "watchdog", kFailed, 1},
    {"channel_short", "a send or receive between a supervisor and its worker moves one byte: nothing must come of it",
     Seam::channel, kOfChannel, std::nullopt, Layer::comm, "watchdog", kPassed, 1},
    {"leak", "what should give memory, handles or address space back does nothing", Seam::lost_call, kOfLostCall,
     std::nullopt, Layer::memory, "leaks", kFailed, 1, DriverCall::release},
    {.name = "wrong_clear", .about = "a rank clears the Lamport slot in use in place of the one before it",
     .seam = Seam::protocol, .parameters = kOfRank, .protocol = ProtocolFault::wrong_clear, .layer = Layer::kernel,
     .check = "watchdog", .exit_code = kHung, .bound_s = 1},
    {.name = "packet_stale", .about = "one packet in 64 of a rank is the one it sent there in the call before",
     .seam = Seam::protocol, .parameters = kOfRank, .protocol = ProtocolFault::packet_stale, .layer = Layer::verify,
     .check = "results", .bound_s = 1},
    {.name = "packet_doubled", .about = "one packet in 64 of a rank comes in place of its neighbour too",
     .seam = Seam::protocol, .parameters = kOfRank, .protocol = ProtocolFault::packet_doubled, .layer = Layer::verify,
     .check = "results", .bound_s = 1},
    {.name = "packet_flipped", .about = "one packet in 64 of a rank has a flipped bit",
     .seam = Seam::protocol, .parameters = kOfRank, .protocol = ProtocolFault::packet_flipped, .layer = Layer::verify,
     .check = "results", .bound_s = 1},
    {.name = "signal_lost", .about = "a rank's signals in barriers do not come to the rank after it",
     .seam = Seam::protocol, .parameters = kOfRank, .protocol = ProtocolFault::signal_lost, .layer = Layer::kernel,
     .check = "watchdog", .exit_code = kHung, .bound_s = 1, .algorithm = "two_shot_barrier"},
    {.name = "grid_mismatch", .about = "a rank launches one block more than the others",
     .seam = Seam::kernel, .parameters = kAtRank, .layer = Layer::kernel, .check = "watchdog", .exit_code = kHung,
     .bound_s = 1, .effect = Effect::other_grid, .algorithm = "two_shot_barrier"},
    {.name = "canary", .about = "a rank stores behind the end of a peer's segment",
     .seam = Seam::kernel, .parameters = kOfPeer, .layer = Layer::workspace, .check = "canaries", .bound_s = 1,
     .effect = Effect::store_behind},
    {.name = "pattern", .about = "a rank's Lamport area does not get its start pattern",
     .seam = Seam::fill, .parameters = kAtRank, .layer = Layer::workspace, .check = "patterns", .bound_s = 1,
     .call = DriverCall::fill, .effect = Effect::lose_pattern, .phase = Phase::init, .seen_in = Phase::verify},
    {.name = "flags", .about = "a rank's barrier flags begin with garbage",
     .seam = Seam::fill, .parameters = kAtRank, .layer = Layer::workspace, .check = "patterns", .bound_s = 1,
     .call = DriverCall::fill, .effect = Effect::garble_flags, .phase = Phase::init, .seen_in = Phase::verify},
    {.name = "rank_order", .about = "a rank has two peers mapped in each other's place",
     .seam = Seam::memory, .parameters = kOfPeer, .layer = Layer::workspace, .check = "ownership", .bound_s = 1,
     .effect = Effect::swap_peers, .seen_in = Phase::verify},
    {.name = "dead_link", .about = "what a rank stores to a peer arrives nowhere, and it reads something else there",
     .seam = Seam::memory, .parameters = kOfLink, .layer = Layer::workspace, .check = "ownership", .bound_s = 1,
     .effect = Effect::lose_peer, .seen_in = Phase::verify},
    {.name = "handle_disagreement", .about = "a rank holds another handle type than the others",
     .seam = Seam::round, .parameters = kAtRank, .layer = Layer::memory, .check = "phases", .bound_s = 1,
     .effect = Effect::other_handle, .phase = Phase::exchange, .seen_in = Phase::exchange},
    {.name = "size_disagreement", .about = "a rank asks for another size than the others",
     .seam = Seam::round, .parameters = kAtRank, .layer = Layer::memory, .check = "phases", .bound_s = 1,
     .effect = Effect::other_size, .phase = Phase::exchange, .seen_in = Phase::exchange},
    {.name = "group_mismatch", .about = "a rank takes its group for a larger one, as when WORLD stands for a subgroup",
     .seam = Seam::round, .parameters = kAtRank, .layer = Layer::workspace, .check = "phases", .bound_s = 1,
     .effect = Effect::other_group, .phase = Phase::create, .seen_in = Phase::create},
    {.name = "fd_transport", .about = "descriptors cannot reach a rank: its socket is stale",
     .seam = Seam::round, .parameters = kAtRank, .layer = Layer::comm, .check = "phases", .bound_s = 1,
     .effect = Effect::hide_socket, .phase = Phase::exchange, .seen_in = Phase::exchange, .descriptors = true},
    {.name = "sequence_drift", .about = "a rank goes through one rendezvous more than the others",
     .seam = Seam::round, .parameters = kOfPoint, .layer = Layer::comm, .check = "phases", .bound_s = 1,
     .effect = Effect::one_more, .phase = Phase::exchange, .seen_in = Phase::exchange},
    {.name = "worker_killed", .about = "a rank's worker dies where it enters a phase",
     .seam = Seam::point, .parameters = kOfPoint, .layer = Layer::worker, .check = "watchdog", .bound_s = 1,
     .effect = Effect::kill_worker, .phase = Phase::use},
    {.name = "worker_stopped", .about = "a rank's worker is stopped where it enters a phase",
     .seam = Seam::point, .parameters = kOfPoint, .layer = Layer::worker, .check = "watchdog", .exit_code = kHung,
     .bound_s = 3, .effect = Effect::stop_worker, .phase = Phase::map},
    {.name = "rank_late", .about = "a rank's worker enters a phase so many seconds late",
     .seam = Seam::point, .parameters = kOfPause, .layer = Layer::worker, .check = "watchdog", .exit_code = kHung,
     .bound_s = 3, .effect = Effect::stall_worker, .phase = Phase::import_handle},
    {.name = "rank_dead", .about = "a rank's supervisor dies where its worker enters a phase",
     .seam = Seam::point, .parameters = kOfPoint, .layer = Layer::supervisor, .check = "watchdog", .bound_s = 1,
     .effect = Effect::kill_rank, .phase = Phase::use, .ends_job = true},
    {.name = "rank_frozen", .about = "a rank's supervisor stands still for so many seconds where its worker enters a phase",
     .seam = Seam::point, .parameters = kOfPause, .layer = Layer::supervisor, .check = "watchdog", .exit_code = kHung,
     .bound_s = 3, .effect = Effect::freeze_rank, .phase = Phase::use, .ends_job = true},
    {"slow_rank", "every batch of a rank takes some percent longer than its kernels", Seam::batch, kOfSlowRank, std::nullopt,
     Layer::kernel, "slow_rank", kPassed, 0},
    {.name = "slow_link", .about = "the link between a rank and a peer takes some percent longer, in both directions, where links are timed",
     .seam = Seam::link, .parameters = kOfSlowLink, .layer = Layer::kernel, .check = "slow_link", .exit_code = kPassed},
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

std::vector<std::string_view> parameter_names(const FaultParameters& parameters) {
  std::vector<std::string_view> names;
  if (parameters.rank) names.emplace_back("rank");
  if (parameters.peer) names.emplace_back("peer");
  if (parameters.side) names.emplace_back("side");
  if (parameters.call) names.emplace_back("call");
  if (parameters.phase) names.emplace_back("phase");
  if (parameters.at) names.emplace_back("at");
  if (parameters.count) names.emplace_back("count");
  if (parameters.code) names.emplace_back("code");
  if (parameters.allocator) names.emplace_back("allocator");
  if (parameters.placement) names.emplace_back("placement");
  if (parameters.percent) names.emplace_back("percent");
  if (parameters.seconds) names.emplace_back("seconds");
  return names;
}

double bound_s(const FaultRow& row, const Deadlines& deadlines) {
  const double waits_s = row.bound_s * deadlines.round_s + deadlines.settle_s + deadlines.die_s;
  return row.layer == Layer::supervisor ? deadlines.leader_s + deadlines.stop_s + waits_s : waits_s;
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
    case Seam::link:
      return "link";
    case Seam::channel:
      return "channel";
    case Seam::fill:
      return "fill";
    case Seam::kernel:
      return "kernel";
    case Seam::round:
      return "round";
    case Seam::memory:
      return "memory";
    case Seam::point:
      return "point";
  }
  return "?";
}

}  // namespace symmbench
