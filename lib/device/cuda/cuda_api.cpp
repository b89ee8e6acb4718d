#include "device/cuda/cuda_api.hpp"

#include <fmt/format.h>

#include "core/error.hpp"
#include "device/cuda/shared_library.hpp"

namespace symmbench {
namespace {

[[noreturn]] void refuse(std::string call, std::string detail, std::optional<int> code = std::nullopt) {
  throw Error({.layer = Layer::environment,
               .reason = Reason::not_supported,
               .call = std::move(call),
               .detail = std::move(detail),
               .code = code});
}

std::optional<int> version_of(const SharedLibrary& library) {
  const auto get_version = library.symbol<PFN_cuDriverGetVersion_v2020>("cuDriverGetVersion");
  int version = 0;
  if (get_version == nullptr || get_version(&version) != CUDA_SUCCESS) return std::nullopt;
  return version;
}

std::string both_versions(int driver_version) {
  return fmt::format("the driver supports CUDA {}, this binary was built for CUDA {}",
                     cuda_version_text(driver_version), cuda_version_text(CUDA_VERSION));
}

/// Looks one function up by name and by the version of the signature that its member has.
class Finder {
 public:
  Finder(PFN_cuGetProcAddress_v12000 get, int driver_version) : get_(get), driver_version_(driver_version) {}

  template <class F>
  void find(F& member, const char* function, int version) const {
    void* address = nullptr;
    CUdriverProcAddressQueryResult found = CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
    const CUresult result = get_(function, &address, version, CU_GET_PROC_ADDRESS_LEGACY_STREAM, &found);
    if (result != CUDA_SUCCESS || address == nullptr) {
      const char* why = found == CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT ? "exists only in a later version than"
                                                                            : "is missing at version";
      refuse(function,
             fmt::format("{} {} {}: {}", function, why, cuda_version_text(version), both_versions(driver_version_)),
             result);
    }
    member = reinterpret_cast<F>(address);
  }

  /// One that drivers may lack: null then.
  template <class F>
  void find_newest(F& member, const char* function) const {
    void* address = nullptr;
    CUdriverProcAddressQueryResult found = CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
    const CUresult result = get_(function, &address, driver_version_, CU_GET_PROC_ADDRESS_LEGACY_STREAM, &found);
    if (result == CUDA_SUCCESS) member = reinterpret_cast<F>(address);
  }

 private:
  PFN_cuGetProcAddress_v12000 get_;
  int driver_version_;
};

}  // namespace

std::string cuda_version_text(int version) { return fmt::format("{}.{}", version / 1000, version % 1000 / 10); }

std::optional<int> cuda_driver_version(const std::string& library) { return version_of(SharedLibrary(library)); }

std::string CudaApi::name_of(CUresult result) const {
  const char* name = nullptr;
  if (get_error_name != nullptr && get_error_name(result, &name) == CUDA_SUCCESS && name != nullptr) return name;
  return fmt::format("CUDA error {}", static_cast<int>(result));
}

CudaApi load_cuda_api(const std::string& name) {
  const SharedLibrary library(name);
  if (!library) refuse("dlopen", fmt::format("no CUDA driver: {}", library.error()));
  CudaApi api;
  const std::optional<int> version = version_of(library);
  if (!version) refuse("cuDriverGetVersion", name + " does not tell its version");
  api.driver_version = *version;
  if (*version / 1000 < CUDA_VERSION / 1000) {
    refuse("cuDriverGetVersion", both_versions(*version) + ": install a newer driver or its compatibility package");
  }
  const auto get = library.symbol<PFN_cuGetProcAddress_v12000>("cuGetProcAddress_v2");
  if (get == nullptr) refuse("cuGetProcAddress_v2", "cuGetProcAddress_v2 is missing: " + both_versions(*version));
  const Finder finder(get, *version);
#define SYMMBENCH_FIND(member, function, function_version) finder.find(api.member, #function, function_version);
  SYMMBENCH_CUDA_FUNCTIONS(SYMMBENCH_FIND)
#undef SYMMBENCH_FIND
  finder.find_newest(api.device_get_clique_count, "cuDeviceGetCliqueCount");
  finder.find_newest(api.device_get_clique_info, "cuDeviceGetCliqueInfo");
  finder.find_newest(api.device_get_fabric_cluster_uuid, "cuDeviceGetFabricClusterUuid");
  return api;
}

const CudaApi& cuda_api() {
  static const CudaApi api = load_cuda_api();
  return api;
}

}  // namespace symmbench
