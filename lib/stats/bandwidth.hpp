#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "catalog/algorithms.hpp"

namespace symmbench {

/// Bytes per GB in every bandwidth of the tool.
inline constexpr double kBytesPerGB = 1e9;

/// Algorithm bandwidth: message_bytes / time, in GB/s. `message_bytes` is S, one rank's input.
constexpr double algorithm_bandwidth_gbs(std::uint64_t message_bytes, double time_us) {
  return static_cast<double>(message_bytes) / kBytesPerGB / (time_us * 1e-6);
}

/// Bus bandwidth: algbw * 2 (n - 1) / n, in GB/s; comparable with the link rate for any rank count n. One-shot kernels
/// send more than this formula counts (wire_bytes), multicast ones less, so theirs is not a link utilisation.
constexpr double bus_bandwidth_gbs(double algorithm_bandwidth, int world_size) {
  return algorithm_bandwidth * 2 * (world_size - 1) / world_size;
}

/// Bytes that one rank sends for a message of S bytes on n ranks, in the busier direction: one step (n - 1) S; two steps
/// 2 (n - 1) / n S. nullopt for an algorithm whose traffic is not known, and for a name that is not in the catalogue.
constexpr std::optional<std::uint64_t> wire_bytes(std::string_view algorithm, std::uint64_t message_bytes,
                                                  int world_size) {
  const AlgorithmRow* row = row_named(kAlgorithms, algorithm);
  if (row == nullptr || world_size < 1) return std::nullopt;
  const auto ranks = static_cast<std::uint64_t>(world_size);
  switch (row->steps) {
    case 1:
      return (ranks - 1) * message_bytes;
    case 2:
      return 2 * (ranks - 1) * message_bytes / ranks;
    default:
      return std::nullopt;
  }
}

}  // namespace symmbench
