#include "comm/host_identity.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <fstream>

namespace symmbench {

HostIdentity this_host() {
  HostIdentity host{.boot_id = "unknown", .network_namespace = "unknown"};
  if (std::string line; std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), line)) host.boot_id = line;
  if (struct stat status{}; ::stat("/proc/self/ns/net", &status) == 0) {
    host.network_namespace = fmt::format("{}:{}", status.st_dev, status.st_ino);
  }
  return host;
}

std::string difference(const HostIdentity& one, const HostIdentity& other) {
  if (one.boot_id != other.boot_id) return fmt::format("boot id {} and {}", one.boot_id, other.boot_id);
  if (one.network_namespace != other.network_namespace) {
    return fmt::format("network namespace {} and {}", one.network_namespace, other.network_namespace);
  }
  return {};
}

}  // namespace symmbench
