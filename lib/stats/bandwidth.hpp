#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

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

/// Bytes that one rank sends for a message of S bytes on n ranks, in the busier direction:
/// one-shot (n - 1) S; two-shot 2 (n - 1) / n S. nullopt for an algorithm whose traffic is not known.
/// `algorithm` is the name in the row: every one-shot variant begins with "one_shot", every two-shot one with
/// "two_shot".
constexpr std::optional<std::uint64_t> wire_bytes(std::string_view algorithm, std::uint64_t message_bytes,
                                                  int world_size) {
  if (world_size < 1) return std::nullopt;
  const auto ranks = static_cast<std::uint64_t>(world_size);
  if (algorithm.starts_with("one_shot")) return (ranks - 1) * message_bytes;
  if (algorithm.starts_with("two_shot")) return 2 * (ranks - 1) * message_bytes / ranks;
  return std::nullopt;
}

}  // namespace symmbench
