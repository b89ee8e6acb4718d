#pragma once
#include <cuda.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "device/cuda/cuda_api.hpp"
#include "device/host/host_driver.hpp"

namespace symmbench::test {

/// The state behind fake_cuda_api(): GPUs that are the emulated device in disguise, driven through CUDA's functions.
struct FakeCuda {
  /// The memory of the process that contexts retained from now on belong to. A second one makes drivers of other
  /// processes, which open one another's IPC handles.
  void begin_process(const HostDriverOptions& options = {}) {
    processes.push_back(std::make_unique<HostDriver>(options));
  }

  int devices = 2;
  int sm = 90;
  bool virtual_memory = true;
  bool peer_access = true;
  bool stuck = false;                       ///< work on streams never ends
  CUresult work_result = CUDA_SUCCESS;      ///< what streams report for work that has run
  std::map<std::string, CUresult> refused;  ///< by function: its result instead of doing anything

  int contexts = 0;  ///< retained and not released
  int streams = 0, events = 0, graphs = 0;
  std::map<void*, std::size_t> registered;
  std::vector<std::unique_ptr<HostDriver>> processes;
  std::set<CUmemGenericAllocationHandle> handles;
  std::map<CUdeviceptr, std::size_t> mappings, ranges, locals;
  std::map<CUdeviceptr, int> opened;
};

/// The one state; fake_cuda_api() makes it new.
FakeCuda& fake_cuda();

/// Functions without a library behind them. Calls that need a current context fail without one. One thread only.
CudaApi fake_cuda_api();

}  // namespace symmbench::test
