#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "device/driver.hpp"

namespace symmbench {

/// What the choice of a handle type rests on, for one rank. Trivially copyable: ranks gather it as bytes.
/// Unknown is nullopt; the NVML fields are unknown on the host device and wherever NVML does not answer.
struct HandleFacts {
  int world_rank = 0;
  bool posix_fd_supported = false;
  bool fabric_supported = false;  ///< the attribute; proves nothing by itself: creation may still be refused
  bool ipc_supported = false;
  std::uint64_t os_image = 0;        ///< equal where descriptors can travel: boot id and network namespace, hashed
  std::array<char, 64> host_name{};  ///< for people, cut to fit, ends with a zero
  std::optional<int> fabric_state;   ///< NVML: 0 not supported ... 3 completed
  std::optional<std::array<std::uint8_t, 16>> cluster_uuid;
  std::optional<bool> fabric_self_test;  ///< create, export and import one granule in this process
};

/// NVML's states of the fabric. (nvml.h, NVML_GPU_FABRIC_STATE_*)
inline constexpr int kFabricNotSupported = 0;
inline constexpr int kFabricCompleted = 3;

/// What an upstream rule takes on one rank, and why.
struct HandleChoice {
  HandleType type;
  std::string why;
};

/// The facts that the driver and the operating system give; the NVML fields are the caller's to fill.
HandleFacts local_handle_facts(Driver& driver, int world_rank);

/// Whether the rank's device says that memory can travel by this type.
bool offers(const HandleFacts& rank, HandleType type);

}  // namespace symmbench
