#pragma once
#include <cerrno>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "comm/faulty_socket.hpp"
#include "device/faulty/faulty_driver.hpp"
#include "fault/fault_table.hpp"

namespace symmbench {

enum class ChannelSide : std::uint8_t { supervisor, worker };

/// One fault as it was asked for: "driver_code:rank=1,call=cuMemCreate,code=2,at=3,count=1".
struct FaultSpec {
  const FaultRow* fault = nullptr;             ///< of fault_table()
  int rank = 0;                                ///< world rank that it strikes
  DriverCall call = DriverCall::create;        ///< with `code`: of the fault's row unless they are given
  std::uint64_t at = 1;                        ///< the at-th such call of a worker, or on its channel, counted from 1
  std::uint64_t count = 1;                     ///< that many calls in a row
  int code = 2;                                ///< CUDA result code
  ChannelSide side = ChannelSide::supervisor;  ///< whose calls a fault of the channel strikes
  ChannelCall channel_call = ChannelCall::send;
  int error = ENOMEM;  ///< errno of a fault of the channel
  std::string allocator = "torch_symm_mem";
  int placement = 0;
  int percent = 10;                           ///< of a batch's own time, or of a link's
  int peer = 0;                               ///< world rank whose memory it strikes
  std::optional<Phase> phase = std::nullopt;  ///< in which calls count, or where it strikes; nullopt: anywhere
  double seconds = 3600;                      ///< that it lasts
  /// How often it struck in this process, where its seam counts that; shared by copies.
  std::shared_ptr<std::uint64_t> struck = std::make_shared<std::uint64_t>(0);

  /// As it can be asked for again, with every parameter that the fault has.
  std::string text() const;
};

/// @throws Error{config, invalid_argument} naming the fault, the parameter, its value and what is allowed
FaultSpec parse_fault(std::string_view text);

/// The phase that a worker is in.
using PhaseNow = std::function<std::optional<Phase>()>;

/// Hears of a fault that is about to strike.
using Announce = std::function<void(const FaultSpec&)>;

/// Everything that a run provokes on purpose.
struct FaultPlan {
  std::vector<FaultSpec> faults;

  /// What strikes a rank at a seam, in order; empty for most. Pointers into `faults`.
  std::vector<const FaultSpec*> at_seam(FaultSeam seam, int world_rank) const;
  /// What strikes a rank's driver; `phase_now`, where faults count calls of one phase, says which it is.
  std::vector<DriverFault> driver_faults(int world_rank, const PhaseNow& phase_now = nullptr) const;
  /// What strikes the protocol text of a rank's kernels: at most one at a time.
  std::optional<ProtocolFault> protocol_fault(int world_rank) const;
  /// By how much a rank's batches of an allocator are to take longer in a placement, as a share of their own time.
  double slowed_by(std::string_view allocator, int placement, int world_rank) const;
  /// Whether batches of any rank are to take longer.
  bool slows_batches() const;
  /// By how much the link between two ranks is to take longer, in either direction, as a share of its own time.
  double link_slowed_by(int world_rank, int peer) const;
  /// What strikes the channel between a rank's supervisor and its workers; empty for most.
  ChannelFaults channel_faults(int world_rank) const;
};

/// @throws as parse_fault(); also for two protocol faults at one rank, and for a rank that the run does not have
FaultPlan parse_fault_plan(std::span<const std::string> texts, int world_size = std::numeric_limits<int>::max());

}  // namespace symmbench
