// Stands in for libnvidia-ml.so.1: one GPU, found by PCI bus id 0000:1B:00.0 (or by those of the fake libcuda, 0000:01 and
// on) or UUID GPU-known. Compiled with FAKE_NVML_OLD it is a driver from before there was a fabric.
#include <cstdio>
#include <cstring>

namespace {

constexpr int kNotFound = 6;
constexpr int kInvalidArgument = 2;
[[maybe_unused]] constexpr int kVersionMismatch = 25;  // of the builds that know the older version alone
int gpu;                                               // its address is the handle

int find(bool known, void** device) {
  if (!known) return kNotFound;
  *device = &gpu;
  return 0;
}

}  // namespace

extern "C" {

int fake_nvml_sessions = 0;

int fake_nvml_fabric_result = 0;
unsigned fake_nvml_newest_fabric = 3;  // the newest version of the structure that this driver knows

struct FakeFabricInfo {
  unsigned version;
  unsigned char cluster_uuid[16];
  int status;
  unsigned clique_id;
  unsigned char state;
  unsigned health_mask;
  unsigned char health_summary;  // from version 3 on
};

int nvmlInit_v2() { return ++fake_nvml_sessions, 0; }
int nvmlShutdown() { return --fake_nvml_sessions, 0; }
const char* nvmlErrorString(int result) { return result == kNotFound ? "Not Found" : "Some Error"; }
int nvmlDeviceGetHandleByPciBusId_v2(const char* id, void** device) {
  return find(std::strcmp(id, "0000:1B:00.0") == 0 || std::strncmp(id, "0000:0", 6) == 0, device);
}
int nvmlDeviceGetHandleByUUID(const char* uuid, void** device) {
  return find(std::strcmp(uuid, "GPU-known") == 0, device);
}
int nvmlSystemGetDriverVersion(char* text, unsigned bytes) {
  std::snprintf(text, bytes, "580.65.06");
  return 0;
}
#ifndef FAKE_NVML_OLD
int nvmlDeviceGetGpuFabricInfoV(void* device, FakeFabricInfo* info) {
  if (device != &gpu) return kInvalidArgument;
  const unsigned version = info->version >> 24;
  if (version > fake_nvml_newest_fabric || info->version != ((version << 24) | (version == 3 ? 40u : 36u))) {
    return kVersionMismatch;
  }
  if (fake_nvml_fabric_result != 0) return fake_nvml_fabric_result;
  for (unsigned char i = 0; i < 16; ++i) info->cluster_uuid[i] = static_cast<unsigned char>(0xA0 + i);
  info->status = 0;
  info->clique_id = 32766;
  info->state = 3;
  info->health_mask = 0x1AA;
  if (version == 3) info->health_summary = 1;
  return 0;
}
#endif
#ifndef FAKE_NVML_OLD
int fake_nvml_confidential = 0;
int nvmlSystemGetConfComputeState(unsigned* state) {
  state[0] = 0, state[1] = static_cast<unsigned>(fake_nvml_confidential), state[2] = 0;
  return 0;
}
#endif
int nvmlDeviceGetNvLinkState(void* device, unsigned link, unsigned* active) {
  if (device != &gpu || link >= 18) return kInvalidArgument;
  *active = link == 5 ? 0 : 1;
  return 0;
}
#ifndef FAKE_NVML_OLD
// Link 3 has been through 7 replays, and every link through one recovery; CRC counters are not there.
int nvmlDeviceGetNvLinkErrorCounter(void* device, unsigned link, int counter, unsigned long long* value) {
  if (device != &gpu || link >= 18 || counter > 1) return kInvalidArgument;
  *value = counter == 1 ? 1 : link == 3 ? 7 : 0;
  return 0;
}
#endif
int nvmlDeviceGetTemperature(void*, int sensor, unsigned* celsius) {
  *celsius = 41;
  return sensor == 0 ? 0 : kInvalidArgument;
}
int nvmlDeviceGetClockInfo(void*, int type, unsigned* mhz) {
  *mhz = 1980;
  return type == 1 ? 0 : kInvalidArgument;
}
// No power reading and no "event reasons": an older driver, whose name for them was this.
int nvmlDeviceGetCurrentClocksThrottleReasons(void*, unsigned long long* reasons) {
  *reasons = 0x24;
  return 0;
}

}  // extern "C"
