#include "device/cuda/nvml_api.hpp"

#include <fmt/format.h>

namespace symmbench {

NvmlApi::NvmlApi(const std::string& name) : library(name) {
  const auto find = [this]<class F>(F& member, const char* function) { member = library.symbol<F>(function); };
  find(init, "nvmlInit_v2");
  find(shutdown, "nvmlShutdown");
  find(error_string, "nvmlErrorString");
  find(by_pci, "nvmlDeviceGetHandleByPciBusId_v2");
  find(by_uuid, "nvmlDeviceGetHandleByUUID");
  find(by_index, "nvmlDeviceGetHandleByIndex_v2");
  find(pci_info, "nvmlDeviceGetPciInfo_v3");
  find(driver_version, "nvmlSystemGetDriverVersion");
  find(fabric_info, "nvmlDeviceGetGpuFabricInfoV");
  find(fabric_info_4, "nvmlDeviceGetGpuFabricInfo_v4");
  find(confidential_state, "nvmlSystemGetConfComputeState");
  find(mig_mode, "nvmlDeviceGetMigMode");
  find(link_state, "nvmlDeviceGetNvLinkState");
  find(link_errors, "nvmlDeviceGetNvLinkErrorCounter");
  find(temperature, "nvmlDeviceGetTemperature");
  find(clock, "nvmlDeviceGetClockInfo");
  find(power, "nvmlDeviceGetPowerUsage");
  find(throttle, "nvmlDeviceGetCurrentClocksEventReasons");
  if (throttle == nullptr) find(throttle, "nvmlDeviceGetCurrentClocksThrottleReasons");
  find(event_set_create, "nvmlEventSetCreate");
  find(event_set_free, "nvmlEventSetFree");
  find(event_set_wait, "nvmlEventSetWait_v2");
  find(register_events, "nvmlDeviceRegisterEvents");
}

std::string NvmlApi::problem_of(const char* call, NvmlReturn result) const {
  const char* why = error_string != nullptr ? error_string(result) : nullptr;
  return fmt::format("{}: {} ({})", call, why != nullptr ? why : "NVML error", result);
}

}  // namespace symmbench
