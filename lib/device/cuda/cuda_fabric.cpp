#include "device/cuda/cuda_fabric.hpp"

#include <fmt/format.h>

#include <cstring>
#include <vector>

#include "device/cuda/cuda_driver.hpp"

namespace symmbench {
namespace {

constexpr std::size_t kMostCliques = 1024;  // more than NVML has room for; beyond, the count is nonsense

}  // namespace

CliqueList driver_cliques(const CudaApi& api, CUdevice device) {
  CliqueList list{.source = "cuDeviceGetCliqueInfo"};
  if (api.device_get_clique_count == nullptr || api.device_get_clique_info == nullptr) {
    list.unknown = fmt::format("the driver (CUDA {}) has no {}", cuda_version_text(api.driver_version), list.source);
    return list;
  }
  const auto refused = [&](const char* call, CUresult result) {
    if (result != CUDA_SUCCESS) {
      list.unknown = fmt::format("{}: {} ({})", call, api.name_of(result), static_cast<int>(result));
    }
    return result != CUDA_SUCCESS;
  };
  CUuuid cluster{};
  if (api.device_get_fabric_cluster_uuid != nullptr &&
      api.device_get_fabric_cluster_uuid(&cluster, device) == CUDA_SUCCESS) {
    list.cluster_uuid.emplace();
    std::memcpy(list.cluster_uuid->data(), cluster.bytes, sizeof(cluster.bytes));
  }
  std::size_t count = 0;
  if (refused("cuDeviceGetCliqueCount", api.device_get_clique_count(&count, device))) return list;
  if (count > kMostCliques) {
    list.nonsense.push_back(fmt::format("{} cliques", count));
    return list;
  }
  std::vector<DriverClique> cliques(count);
  std::size_t written = count;
  if (count > 0 && refused("cuDeviceGetCliqueInfo", api.device_get_clique_info(cliques.data(), &written, device))) {
    return list;
  }
  if (written > count) {
    list.nonsense.push_back(fmt::format("{} cliques written where {} fit", written, count));
    written = count;
  }
  for (std::size_t i = 0; i < written; ++i) list.cliques.push_back({.type = cliques[i].type, .id = cliques[i].id});
  return list;
}

FirstDeviceTest test_first_device(const CudaApi& api) {
  FirstDeviceTest test;
  CUmemGenericAllocationHandle memory = 0, imported = 0;
  const auto passes = [&](const char* call, CUresult result) {
    if (result != CUDA_SUCCESS) {
      test.failure = fmt::format("{}: {} ({})", call, api.name_of(result), static_cast<int>(result));
    }
    return result == CUDA_SUCCESS;
  };
  CUdevice device = 0;
  CUuuid uuid{};
  if (!passes("cuDeviceGet", api.device_get(&device, 0)) ||
      !passes("cuDeviceGetUuid", api.device_get_uuid(&uuid, device))) {
    return test;
  }
  test.uuid = uuid_text(uuid);
  CUmemAllocationProp prop{};
  prop.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  prop.location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = 0};
  prop.requestedHandleTypes = CU_MEM_HANDLE_TYPE_FABRIC;
  std::size_t bytes = 0;
  CUmemFabricHandle handle{};
  test.passed = passes("cuMemGetAllocationGranularity",
                       api.mem_get_allocation_granularity(&bytes, &prop, CU_MEM_ALLOC_GRANULARITY_MINIMUM)) &&
                passes("cuMemCreate", api.mem_create(&memory, bytes, &prop, 0)) &&
                passes("cuMemExportToShareableHandle", api.mem_export(&handle, memory, CU_MEM_HANDLE_TYPE_FABRIC, 0)) &&
                passes("cuMemImportFromShareableHandle", api.mem_import(&imported, &handle, CU_MEM_HANDLE_TYPE_FABRIC));
  for (const auto held : {imported, memory}) {
    if (held != 0) api.mem_release(held);
  }
  return test;
}

}  // namespace symmbench
