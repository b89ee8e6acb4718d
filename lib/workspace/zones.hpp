#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "device/stream.hpp"
#include "kernels/kernel_set.hpp"
#include "memory/local_buffer.hpp"

namespace symmbench {

inline constexpr std::uint64_t kWordBytes = sizeof(std::uint32_t);  ///< patterns are 32-bit words

/// A piece of own device memory in which every 32-bit word must hold one value.
struct Zone {
  std::string what;  ///< "segment flags of rank 2: ..." begins with it
  DevicePtr address = 0;
  std::uint64_t words = 0;
  std::uint32_t pattern = 0;
};

struct ZoneDamage {
  std::size_t zone = 0;            ///< index of the first damaged zone
  std::uint64_t wrong_words = 0;   ///< in that zone
  std::uint64_t first_offset = 0;  ///< bytes from the zone's start
  std::uint32_t found = 0;         ///< the word there
};

/// Looks through zones on the device, all of them in one go; only a damaged one is copied to find the place.
class ZoneScanner {
 public:
  static constexpr std::size_t kMaxZones = 8;

  ZoneScanner(Driver& driver, Stream& stream, KernelSet& kernels);
  /// @pre at most kMaxZones. @throws what Stream::synchronize throws
  std::optional<ZoneDamage> first_damage(std::span<const Zone> zones);
  void close() { counts_.close(); }

 private:
  ZoneDamage locate(std::size_t index, const Zone& zone, std::uint64_t wrong_words);

  Stream& stream_;
  KernelSet& kernels_;
  LocalBuffer counts_;
};

}  // namespace symmbench
