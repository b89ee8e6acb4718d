#pragma once
#include <cstdint>

namespace symmbench {

/// Where an emulated GPU stands in the NVLink fabric, and what of its IMEX service works. Fabric handles travel inside a
/// domain; to another host only where both hosts' daemons serve it.
struct EmulatedPlace {
  std::uint64_t domain = 0;  ///< equal for GPUs that NVLink connects: cluster and clique, hashed
  std::uint32_t host = 0;
  bool imex_channel = true;  ///< without it no fabric memory can be made, whatever the attribute says
  bool imex_daemon = true;

  bool reaches(const EmulatedPlace& other) const {
    if (domain != other.domain) return false;
    return host == other.host || (imex_daemon && other.imex_daemon);
  }
};

}  // namespace symmbench
