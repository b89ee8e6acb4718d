#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "catalog/protocol_faults.hpp"
#include "core/error.hpp"
#include "device/driver_call.hpp"

namespace symmbench {

/// Where a fault is put in. Each seam is a decorator or a policy of its own; no product code asks whether a fault is
/// planned.
enum class FaultSeam : std::uint8_t {
  driver,     ///< FaultyDriver: a call of driver, stream or graph fails instead of reaching the device
  lost_call,  ///< FaultyDriver: a call that gives something back says that it did, and does not reach the device
  protocol,   ///< faulty_ops.hpp: the protocol text with one rule left out or one packet tampered with (host device)
  batch,      ///< Backend::slowed_by: batches of an allocator take longer than their kernels (both devices)
  channel,    ///< FaultySocket: a send or receive between a supervisor and its worker fails, or moves one byte only
  none,       ///< known, not provokable yet
};

/// What `parameters` of a row may hold: FaultSpec says what each means.
struct FaultParameters {
  bool rank = false, side = false, call = false, at = false, count = false, code = false;
  bool allocator = false, placement = false, percent = false;
};

/// One fault that `--inject` names: what it does, and what a run must make of it.
struct FaultRow {
  std::string_view name;
  std::string_view about;  ///< one line, for `symmbench list faults`
  FaultSeam seam = FaultSeam::none;
  FaultParameters parameters = {};
  std::optional<ProtocolFault> protocol = std::nullopt;  ///< set exactly where seam is protocol
  Layer layer = Layer::driver;                           ///< that the failure record must name, where it fails a run
  std::string_view check = {};                           ///< of `symmbench list checks`, which sees it
  int exit_code = 1;   ///< of a run that it strikes; 4 instead where a rank that takes stale data overtakes the others
  double bound_s = 0;  ///< until it is known, in units of --timeout; 0: when the run ends
  DriverCall call = DriverCall::create;  ///< of a fault of the driver: what it strikes unless `call` is given
  int code = 2;                          ///< and with which CUDA result code, unless `code` is given

  bool now() const { return seam != FaultSeam::none; }
  /// Whether it can be put in on GPUs as well.
  bool on_cuda() const { return seam == FaultSeam::batch; }
};

/// In the order of `symmbench list faults`.
std::span<const FaultRow> fault_table();
/// nullptr where there is none.
const FaultRow* find_fault(std::string_view name);

std::string_view name_of(FaultSeam seam);

}  // namespace symmbench
