#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "device/driver.hpp"

namespace symmbench {

/// A line for people in a fixed place, cut to fit; ends with a zero.
using FactText = std::array<char, 128>;
FactText fact_text(std::string_view text);

/// What the choice of a handle type rests on, for one rank. Trivially copyable: ranks gather it as bytes.
/// Unknown is nullopt.
struct HandleFacts {
  int world_rank = 0;
  bool posix_fd_supported = false;
  bool fabric_supported = false;  ///< the attribute; proves nothing by itself: creation may still be refused
  bool ipc_supported = false;
  std::uint64_t machine = 0;         ///< equal on one running system: the boot id, hashed
  std::uint64_t os_image = 0;        ///< equal where descriptors can travel: boot id and network namespace, hashed
  std::array<char, 64> host_name{};  ///< for people, cut to fit, ends with a zero
  std::optional<FabricFacts> fabric;
  FactText fabric_unknown{};             ///< why `fabric` is nullopt: the library, call or code that failed
  std::optional<bool> fabric_self_test;  ///< create, export and import one granule in this process
  FactText self_test_failure{};          ///< the call that failed it, and its code
  /// NVML has another GPU under the number that CUDA gives this one: what it says of that one's fabric counts for rules
  /// that look it up so.
  bool ordinal_is_another = false;
  std::optional<FabricFacts> fabric_by_ordinal;
  std::optional<bool> first_device_test;  ///< the self test on the first device of the process; nullopt: this is it
  FactText first_device_failure{};
};

/// The same as if upstream's rules looked at this rank's own device throughout.
HandleFacts without_lookups(HandleFacts rank);

/// "fabric state unknown: no NVML: ...", or what NVML said: "fabric completed, cluster ..., clique 5".
std::string fabric_text(const HandleFacts& rank);

/// What an upstream rule takes on one rank, and why.
struct HandleChoice {
  HandleType type;
  std::string why;
};

/// The facts that the driver and the operating system give; the self test is the caller's to make.
HandleFacts local_handle_facts(Driver& driver, int world_rank);

/// Whether the rank's device says that memory can travel by this type.
bool offers(const HandleFacts& rank, HandleType type);

}  // namespace symmbench
