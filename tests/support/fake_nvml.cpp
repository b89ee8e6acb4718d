// Stands in for libnvidia-ml.so.1: GPU 0, found by PCI bus id 0000:1B:00.0 (or by those of the fake libcuda, 0000:01 and
// on) or UUID GPU-known, and GPU 1 at 0000:9A:00.0, which belongs to no cluster. Compiled with FAKE_NVML_OLD it is a driver
// from before there was a fabric.
#include <cstdio>
#include <cstring>

namespace {

constexpr int kNotFound = 6;
constexpr int kInvalidArgument = 2;
[[maybe_unused]] constexpr int kVersionMismatch = 25;  // of the builds that know the older version alone
int gpus[2];                                           // their addresses are the handles
int& gpu = gpus[0];

[[maybe_unused]] bool known_gpu(const void* device) { return device == &gpus[0] || device == &gpus[1]; }

[[maybe_unused]] void fill_cluster(const void* device, unsigned char* cluster_uuid) {
  for (unsigned char i = 0; i < 16; ++i) {
    cluster_uuid[i] = device == &gpus[1] ? 0 : static_cast<unsigned char>(0xA0 + i);
  }
}

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
int fake_nvml_fabric_state = 3;
unsigned fake_nvml_cliques = 3;   // how many the newest call says that there are
int fake_nvml_clique_result = 0;  // of the newest call
unsigned long long fake_nvml_reasons = 0x24;
unsigned fake_nvml_xids[70] = {};  // still to be told
unsigned fake_nvml_xid_count = 0;
int fake_nvml_event_result = 0;  // of registering
int fake_nvml_event_sets = 0;    // not freed

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
  if (!known_gpu(device)) return kInvalidArgument;
  const unsigned version = info->version >> 24;
  if (version > fake_nvml_newest_fabric || info->version != ((version << 24) | (version == 3 ? 40u : 36u))) {
    return kVersionMismatch;
  }
  if (fake_nvml_fabric_result != 0) return fake_nvml_fabric_result;
  fill_cluster(device, info->cluster_uuid);
  info->status = 0;
  info->clique_id = 32766;
  info->state = static_cast<unsigned char>(fake_nvml_fabric_state);
  info->health_mask = 0x1AA;
  if (version == 3) info->health_summary = 1;
  return 0;
}
#endif
struct FakeFabricInfo4 {
  unsigned char cluster_uuid[16];
  int status;
  struct {
    unsigned char type;
    unsigned id;
  } cliques[64];
  unsigned clique_count;
  unsigned char state;
  unsigned health_mask;
  unsigned char health_summary;
};
struct FakePciInfo {
  char bus_id_legacy[16];
  unsigned domain, bus, device, pci_device_id, pci_sub_system_id;
  char bus_id[32];
};
struct FakeEvent {
  void* device;
  unsigned long long type, data;
  unsigned gpu_instance, compute_instance;
};

#ifndef FAKE_NVML_OLD
int nvmlDeviceGetGpuFabricInfo_v4(void* device, FakeFabricInfo4* info) {
  if (fake_nvml_clique_result != 0) return fake_nvml_clique_result;
  fill_cluster(device, info->cluster_uuid);
  info->status = 0;
  const unsigned ids[] = {7, 8, 9};
  for (unsigned i = 0; i < 3; ++i) info->cliques[i] = {static_cast<unsigned char>(i == 2 ? 9 : i), ids[i]};
  info->clique_count = fake_nvml_cliques;
  info->state = 3;
  info->health_mask = 0x1AA;
  info->health_summary = 1;
  return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  if (index >= 2) return kInvalidArgument;
  *device = &gpus[index];
  return 0;
}
int nvmlDeviceGetPciInfo_v3(void* device, FakePciInfo* info) {
  *info = {};
  info->bus = device == &gpus[0] ? 0x1B : 0x9A;
  return 0;
}
int nvmlEventSetCreate(void** set) {
  *set = &fake_nvml_event_sets;
  return ++fake_nvml_event_sets, 0;
}
int nvmlEventSetFree(void*) { return --fake_nvml_event_sets, 0; }
int nvmlDeviceRegisterEvents(void* device, unsigned long long types, void*) {
  return known_gpu(device) && types == 8 ? fake_nvml_event_result : kInvalidArgument;
}
int nvmlEventSetWait_v2(void*, FakeEvent* event, unsigned timeout_ms) {
  if (fake_nvml_xid_count == 0 || timeout_ms != 0) return 10;
  *event = {&gpu, 8, fake_nvml_xids[0], 0, 0};
  std::memmove(fake_nvml_xids, fake_nvml_xids + 1, --fake_nvml_xid_count * sizeof(unsigned));
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
#ifndef FAKE_NVML_OLD
int fake_nvml_mig_result = 0;
unsigned fake_nvml_mig = 1, fake_nvml_mig_pending = 0;
int nvmlDeviceGetMigMode(void* device, unsigned* current, unsigned* pending) {
  if (!known_gpu(device)) return kInvalidArgument;
  *current = fake_nvml_mig, *pending = fake_nvml_mig_pending;
  return fake_nvml_mig_result;
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
  *reasons = fake_nvml_reasons;
  return 0;
}

}  // extern "C"
