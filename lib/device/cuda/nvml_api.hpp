#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "device/cuda/shared_library.hpp"
#include "device/fabric_facts.hpp"

namespace symmbench {

// Declared here and not taken from nvml.h, which a machine with a driver but no toolkit lacks. NVML keeps these stable.
using NvmlReturn = int;
inline constexpr NvmlReturn kNvmlSuccess = 0;
inline constexpr NvmlReturn kNvmlTimeout = 10;

/// nvmlGpuFabricInfo_v3_t; _v2_t is the same without the last member.
struct NvmlFabricInfo {
  unsigned version = 0;
  ClusterUuid cluster_uuid{};
  NvmlReturn status = 0;
  unsigned clique_id = 0;
  unsigned char state = 0;
  unsigned health_mask = 0;
  unsigned char health_summary = 0;
};
static_assert(sizeof(NvmlFabricInfo) == 40);
inline constexpr unsigned kNvmlFabricInfo2Bytes = 36;

/// nvmlGpuFabricInfo_v4_t: no version in front, and cliques of every type.
struct NvmlFabricInfo4 {
  struct Clique {
    unsigned char type = 0;
    unsigned id = 0;
  };
  ClusterUuid cluster_uuid{};
  NvmlReturn status = 0;
  std::array<Clique, 64> cliques{};
  unsigned clique_count = 0;
  unsigned char state = 0;
  unsigned health_mask = 0;
  unsigned char health_summary = 0;
};
static_assert(sizeof(NvmlFabricInfo4) == 548);

/// nvmlConfComputeSystemState_t.
struct NvmlConfidentialState {
  unsigned environment = 0, feature = 0, dev_tools = 0;
};

/// nvmlPciInfo_t.
struct NvmlPciInfo {
  std::array<char, 16> bus_id_legacy{};
  unsigned domain = 0, bus = 0, device = 0, pci_device_id = 0, pci_sub_system_id = 0;
  std::array<char, 32> bus_id{};
};
static_assert(sizeof(NvmlPciInfo) == 68);

/// nvmlEventData_t.
struct NvmlEvent {
  void* device = nullptr;
  unsigned long long type = 0, data = 0;
  unsigned gpu_instance = 0, compute_instance = 0;
};
inline constexpr unsigned long long kNvmlXidEvent = 8;  // nvmlEventTypeXidCriticalError

/// NVML's functions, looked up at run time. Those that only newer drivers have stay null.
struct NvmlApi {
  explicit NvmlApi(const std::string& name);

  /// "nvmlInit_v2: Driver Not Loaded (9)".
  std::string problem_of(const char* call, NvmlReturn result) const;

  SharedLibrary library;
  NvmlReturn (*init)() = nullptr;
  NvmlReturn (*shutdown)() = nullptr;
  const char* (*error_string)(NvmlReturn) = nullptr;
  NvmlReturn (*by_pci)(const char*, void**) = nullptr;
  NvmlReturn (*by_uuid)(const char*, void**) = nullptr;
  NvmlReturn (*by_index)(unsigned, void**) = nullptr;
  NvmlReturn (*pci_info)(void*, NvmlPciInfo*) = nullptr;
  NvmlReturn (*driver_version)(char*, unsigned) = nullptr;
  NvmlReturn (*fabric_info)(void*, NvmlFabricInfo*) = nullptr;
  NvmlReturn (*fabric_info_4)(void*, NvmlFabricInfo4*) = nullptr;
  NvmlReturn (*confidential_state)(NvmlConfidentialState*) = nullptr;
  NvmlReturn (*mig_mode)(void*, unsigned*, unsigned*) = nullptr;
  NvmlReturn (*link_state)(void*, unsigned, unsigned*) = nullptr;
  NvmlReturn (*link_errors)(void*, unsigned, int, unsigned long long*) = nullptr;
  NvmlReturn (*temperature)(void*, int, unsigned*) = nullptr;
  NvmlReturn (*clock)(void*, int, unsigned*) = nullptr;
  NvmlReturn (*power)(void*, unsigned*) = nullptr;
  NvmlReturn (*throttle)(void*, unsigned long long*) = nullptr;
  NvmlReturn (*event_set_create)(void**) = nullptr;
  NvmlReturn (*event_set_free)(void*) = nullptr;
  NvmlReturn (*event_set_wait)(void*, NvmlEvent*, unsigned) = nullptr;
  NvmlReturn (*register_events)(void*, unsigned long long, void*) = nullptr;
};

}  // namespace symmbench
