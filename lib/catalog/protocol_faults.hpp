#pragma once
#include <cstdint>

namespace symmbench {

/// Ways to break the protocol text of a rank on purpose: one rule left out, or packets tampered with. Kernels implement
/// them (kernels/host/faulty_ops.hpp); the fault table says what a run must make of each.
enum class ProtocolFault : std::uint8_t {
  skipped_clear,
  skipped_sanitiser,
  one_slot,
  half_clear,
  packet_lost,
  barrier_skipped,
  wrong_clear,
  packet_stale,
  packet_doubled,
  packet_flipped,
  signal_lost,
  sentinel_as_data,
  wrong_slot,
};

}  // namespace symmbench
