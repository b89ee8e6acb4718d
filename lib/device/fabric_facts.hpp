#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symmbench {

/// NVML's states of a GPU in its NVLink fabric. (nvml.h, NVML_GPU_FABRIC_STATE_*)
inline constexpr int kFabricNotSupported = 0;
inline constexpr int kFabricCompleted = 3;

using ClusterUuid = std::array<std::uint8_t, 16>;

/// Registration of a GPU with its NVLink fabric. (nvmlDeviceGetGpuFabricInfoV)
struct FabricFacts {
  int state = kFabricNotSupported;           ///< 0 not supported, 1 not started, 2 in progress, 3 completed
  std::optional<int> status;                 ///< NVML return code of the registration; known only when completed
  ClusterUuid cluster_uuid{};                ///< all zero: the GPU belongs to no cluster
  std::uint32_t clique_id = 0;               ///< means something only beside the cluster: unrelated racks share numbers
  std::optional<std::uint32_t> health_mask;  ///< 2-bit fields, 1 = problem, 2 = none; nullopt: not told
  std::optional<int>
      health_summary;  ///< 0 not supported, 1 healthy, 2 unhealthy, 3 limited capacity; newer drivers only
};

/// A GPU's membership in one of its fabric's cliques. (CUcliqueInfo of CUDA 13.4, nvmlGpuFabricClique_v1_t)
struct FabricClique {
  int type = 0;  ///< see clique_type_name()
  std::uint32_t id = 0;
  bool operator==(const FabricClique&) const = default;
};

/// What one library says of all cliques that a GPU is in.
struct CliqueList {
  std::string source;                       ///< the call: "nvmlDeviceGetGpuFabricInfo_v4", "cuDeviceGetCliqueInfo"
  std::optional<ClusterUuid> cluster_uuid;  ///< nullopt: not told
  std::vector<FabricClique> cliques;
  std::string unknown;                ///< why nothing is known of them: library, call or code; empty: it is known
  std::vector<std::string> nonsense;  ///< what was answered and cannot be
};

/// "unicast_pointer", "multicast_pointer", "unicast_logical_endpoint", "multicast_logical_endpoint"; "type N" for another.
std::string clique_type_name(int type);
/// What cannot be so in what a driver answered, each a sentence; empty: nothing.
std::vector<std::string> nonsense_in(const FabricFacts& fabric);

/// "not_supported", "not_started", "in_progress", "completed"; "?" for another.
std::string_view fabric_state_name(int state);
/// "01234567-89ab-cdef-0123-456789abcdef"; nullopt when all zero.
std::optional<std::string> cluster_uuid_text(const ClusterUuid& uuid);
/// "completed, cluster 01234567-..., clique 5", for people.
std::string fabric_text(const FabricFacts& fabric);

}  // namespace symmbench
