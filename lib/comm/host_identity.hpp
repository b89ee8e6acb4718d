#pragma once
#include <string>

namespace symmbench {

/// What two processes must have in common for a descriptor to travel between them: one running OS, one network
/// namespace (abstract socket names live in it). A host name says neither.
struct HostIdentity {
  std::string boot_id;
  std::string network_namespace;  ///< device and inode of the namespace, as the kernel compares them

  friend bool operator==(const HostIdentity&, const HostIdentity&) = default;
};

/// Of this process; a part that cannot be read is "unknown".
HostIdentity this_host();

/// Empty when descriptors can travel; else what differs: "boot id 1b2c... and 77aa...".
std::string difference(const HostIdentity& one, const HostIdentity& other);

}  // namespace symmbench
