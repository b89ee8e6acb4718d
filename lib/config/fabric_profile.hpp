#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// What one kind of system offers (configs/schema/fabric.schema.json): the GPUs of a host, what NVML and libcuda say of
/// them, which handles can be made, link rates. On the emulated device it decides what that offers; on GPUs it is what is
/// expected.
struct FabricProfile {
  std::string name;
  std::string product;                                      ///< as the driver calls the GPU, or the beginning of it
  int sm_version = 0;                                       ///< 103 for 10.3
  int gpus_per_host = 0, gpus_per_domain = 0;               ///< the NVLink domain: one host or several
  int driver_version = 0;                                   ///< as cuDriverGetVersion encodes it
  bool posix_fd = false, fabric = false, cuda_ipc = false;  ///< what the device attributes say
  bool gpu_direct_rdma = false;
  bool confidential_computing = false;
  std::string state;     ///< of NVML's registration: "completed", ...
  int status = 0;        ///< its NVML return code
  bool cluster = false;  ///< the domain has a cluster UUID; false: all zero
  std::uint32_t clique_id = 0;
  int health_summary = 0;     ///< 0 not supported, 1 healthy, 2 unhealthy, 3 limited capacity
  bool imex_channel = false;  ///< a channel node is there: FABRIC memory can be made
  bool imex_daemon = false;   ///< its daemon serves the domain: FABRIC handles of other hosts can be imported
  std::uint64_t minimum_granularity = 0, recommended_granularity = 0;
  bool multicast = false;
  std::uint64_t multicast_minimum = 0, multicast_recommended = 0;
  int links = 0;
  double link_gbs = 0;  ///< of one link, in one direction
  double copy_gbs = 0;  ///< that a copy between two GPUs reaches, in one direction

  bool several_hosts() const { return gpus_per_domain > gpus_per_host; }
};

/// A profile of configs/fabrics, built into the program.
struct ShippedFabric {
  std::string_view name;
  std::string_view text;
};
std::span<const ShippedFabric> shipped_fabrics();

/// A profile and what differs on some of its hosts ("hosts" of the document).
class FabricDocument {
 public:
  /// `what` begins the messages: "--fabric 'x.json'". @throws Error{config, invalid_argument} naming place, key and value:
  /// unknown or missing key, a value out of bounds, values that contradict each other, a value without its source
  FabricDocument(const Json& document, const std::string& what);
  /// The value of `fabric` in a resolved configuration: the name of a shipped profile, or a whole profile as an object.
  static FabricDocument of_value(const Json& value);

  const FabricProfile& profile() const { return profile_; }
  const FabricProfile& on_host(int host) const;

 private:
  FabricProfile profile_;
  std::vector<std::pair<int, FabricProfile>> of_hosts_;
};

/// How many hosts a job of `world_size` ranks has under a profile when nobody says: as many as it takes.
int usual_hosts(const FabricProfile& profile, int world_size);

/// On which of `hosts` virtual hosts a rank lives: contiguous ranks, as evenly as can be.
constexpr int virtual_host_of(int rank, int hosts, int world_size) {
  return static_cast<int>(static_cast<std::int64_t>(rank) * hosts / world_size);
}

}  // namespace symmbench
