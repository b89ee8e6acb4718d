#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "catalog/protocol_faults.hpp"
#include "core/deadlines.hpp"
#include "core/error.hpp"
#include "device/driver_call.hpp"

namespace symmbench {

/// Where a fault is put in. Each seam is a decorator or a policy of its own; no product code asks whether a fault is
/// planned.
enum class FaultSeam : std::uint8_t {
  driver,     ///< FaultyDriver: a call of driver, stream or graph fails instead of reaching the device
  lost_call,  ///< FaultyDriver: a call that gives something back says that it did, and does not reach the device
  fill,       ///< FaultyDriver: memory does not get its start value, or another one
  protocol,   ///< faulty_ops.hpp: the protocol text with one rule left out or one packet tampered with
  kernel,     ///< FaultyKernels: a launch is another one, or is followed by a store to where nothing belongs
  batch,      ///< Backend::slowed_by: batches of an allocator or a rank take longer than their kernels
  link,       ///< Backend::link_slowed_by: reads of a peer's memory take longer
  channel,    ///< FaultySocket: a send or receive between a supervisor and its worker fails, or moves one byte only
  round,   ///< FaultyCommunicator: what a rank brings to a round of its group is another value, or one round too many
  memory,  ///< FaultyAllocator: shared memory is mapped as it should not be
  point,   ///< FaultyHeartbeat: the worker, or its supervisor, is stopped or ended where it enters a phase
};

/// What exactly happens, where a seam has several.
enum class FaultEffect : std::uint8_t {
  none,
  lose_pattern,  ///< fill: of the Lamport sentinel, is lost
  garble_flags,  ///< fill: of zeros, is followed by another word
  store_behind,  ///< kernel: a word behind a segment of `peer` is overwritten
  other_grid,    ///< kernel: one block more
  other_handle,  ///< round: another handle type
  other_size,    ///< round: twice the bytes
  other_group,   ///< round: a group of one rank more
  hide_socket,   ///< round: a socket that nobody listens at
  one_more,      ///< round: one that no other rank comes to
  swap_peers,    ///< memory: `peer` and the rank after it
  lose_peer,     ///< memory: `peer`: what is stored there arrives nowhere
  kill_worker,   ///< point
  stop_worker,   ///< point
  stall_worker,  ///< point: it goes no further, and lives
  kill_rank,     ///< point: the supervisor
  freeze_rank,   ///< point: the supervisor, for `seconds`
};

/// What `parameters` of a row may hold: FaultSpec says what each means.
struct FaultParameters {
  bool rank = false, peer = false, side = false, call = false, phase = false, at = false, count = false, code = false;
  bool allocator = false, placement = false, percent = false, seconds = false;
};

/// One fault that `--inject` names: what it does, and what a run must make of it.
struct FaultRow {
  std::string_view name;
  std::string_view about;  ///< one line, for `symmbench list faults`
  FaultSeam seam = FaultSeam::driver;
  FaultParameters parameters = {};
  std::optional<ProtocolFault> protocol = std::nullopt;  ///< set exactly where seam is protocol
  Layer layer = Layer::driver;                           ///< that the failure record must name, where it fails a run
  std::string_view check = {};                           ///< of `symmbench list checks`, which sees it
  int exit_code = 1;   ///< of a run that it strikes; 4 instead where a rank that takes stale data overtakes the others
  double bound_s = 0;  ///< until it is known, in units of --timeout; 0: when the run ends
  DriverCall call = DriverCall::create;  ///< of a fault of the driver: what it strikes unless `call` is given
  int code = 2;                          ///< and with which CUDA result code, unless `code` is given
  FaultEffect effect = FaultEffect::none;
  std::optional<Phase> phase = std::nullopt;    ///< in which it strikes unless `phase` is given; nullopt: in any
  std::optional<Phase> seen_in = std::nullopt;  ///< phase that the failure record must name; nullopt: whichever it was
  /// Algorithm that it strikes, where it does not strike them all.
  std::string_view algorithm = {};
  bool descriptors = false;  ///< strikes only what travels by descriptor
  bool ends_job = false;  ///< the launcher ends the job over it, so that no other fault can follow in the same launch

  /// Whether it can be put in on GPUs as well, where nothing may be stored to places that a run does not own and no
  /// kernel is another one than in a healthy run.
  bool on_cuda() const {
    return seam != FaultSeam::protocol && seam != FaultSeam::kernel && seam != FaultSeam::fill &&
           seam != FaultSeam::memory;
  }
};

/// In the order of `symmbench list faults`.
std::span<const FaultRow> fault_table();
/// nullptr where there is none.
const FaultRow* find_fault(std::string_view name);

std::string_view name_of(FaultSeam seam);
/// As --inject takes them, in its order.
std::vector<std::string_view> parameter_names(const FaultParameters& parameters);
/// Within which time after it struck a run knows of it: its waits, and what the supervisors take to hear every rank out and
/// to end the workers.
double bound_s(const FaultRow& row, const Deadlines& deadlines);

}  // namespace symmbench
