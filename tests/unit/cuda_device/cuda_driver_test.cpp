#include "device/cuda/cuda_driver.hpp"

#include <fcntl.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstring>
#include <memory>
#include <vector>

#include "device/cuda/cuda_fabric.hpp"
#include "device/stream.hpp"
#include "support/driver_conformance.hpp"
#include "support/fake_cuda_api.hpp"
#include "support/ipc_conformance.hpp"

namespace symmbench {
namespace {

using Catch::Matchers::ContainsSubstring;
using test::fake_cuda;
using test::fake_cuda_api;

constexpr std::uint64_t kGranularity = kHostGranularityBytes;

TEST_CASE("the cuda driver keeps the driver contract over a driver that behaves") {
  const CudaApi api = fake_cuda_api();
  driver_conformance([&] { return std::make_unique<CudaDriver>(api, 0); });
}

TEST_CASE("the cuda driver keeps the contract of IPC handles between processes") {
  const CudaApi api = fake_cuda_api();
  ipc_conformance([&] { return std::make_unique<CudaDriver>(api, 0); },
                  [&] {
                    auto peer = std::make_unique<DriverAsPeer>(std::make_unique<CudaDriver>(api, 1));
                    fake_cuda().begin_process();
                    return peer;
                  });
}

TEST_CASE("cuda facts name the device as nvidia-smi does") {
  const CudaApi api = fake_cuda_api();
  CudaDriver driver(api, 1);
  const DeviceFacts facts = driver.facts();
  CHECK(facts.kind == "cuda");
  CHECK(facts.name == "Fake H200");
  CHECK(facts.uuid == "GPU-f0efeeed-eceb-eae9-e8e7-e6e5e4e3e201");
  CHECK(facts.pci_bus_id == "0000:1B:00.0");
  CHECK(facts.ordinal == 1);
  CHECK(facts.sm_major == 9);
  CHECK(facts.sm_minor == 0);
  CHECK(facts.multiprocessors == 132);
  CHECK(facts.driver_version == 13000);
  CHECK(facts.posix_fd_supported);
  CHECK_FALSE(facts.fabric_supported);
  CHECK(facts.ipc_supported);
  CHECK(facts.multicast_supported);
  CHECK_FALSE(facts.gpu_direct_rdma_supported);
}

TEST_CASE("cuda facts hold what NVML says of the same GPU's fabric, or why that is not known") {
  const CudaApi api = fake_cuda_api();
  const DeviceFacts told = CudaDriver(api, 0, {.nvml_library = FAKE_NVML}).facts();
  REQUIRE(told.fabric);
  CHECK(told.fabric->clique_id == 32766);
  const DeviceFacts silent = CudaDriver(api, 0, {.nvml_library = "libno-such-library.so.1"}).facts();
  CHECK_FALSE(silent.fabric);
  CHECK_THAT(silent.fabric_unknown, ContainsSubstring("no NVML: libno-such-library.so.1"));
}

TEST_CASE("cliques that libcuda tells of are facts beside NVML's; a driver without the call is told by its version") {
  CudaApi api = fake_cuda_api();
  const auto list = [&] { return driver_cliques(api, 1); };
  CHECK(list().unknown == "the driver (CUDA 13.0) has no cuDeviceGetCliqueInfo");
  api.device_get_clique_count = [](std::size_t* count, CUdevice) { return *count = 2, CUDA_SUCCESS; };
  api.device_get_clique_info = [](DriverClique* cliques, std::size_t* count, CUdevice) {
    cliques[0] = {0, 7}, cliques[1] = {1, 8};
    return *count = 2, CUDA_SUCCESS;
  };
  api.device_get_fabric_cluster_uuid = [](CUuuid* uuid, CUdevice) {
    return std::memset(uuid->bytes, 0xAB, 16), CUDA_SUCCESS;
  };
  CHECK(list().unknown.empty());
  CHECK(list().cliques == std::vector<FabricClique>{{0, 7}, {1, 8}});
  CHECK(cluster_uuid_text(*list().cluster_uuid) == "abababab-abab-abab-abab-abababababab");
  const DeviceFacts facts = CudaDriver(api, 0, {.nvml_library = FAKE_NVML}).facts();
  REQUIRE(facts.clique_lists.size() == 2);
  CHECK(facts.clique_lists[0].source == "nvmlDeviceGetGpuFabricInfo_v4");
  CHECK(facts.clique_lists[1].cliques.size() == 2);

  api.device_get_clique_info = [](DriverClique*, std::size_t* count, CUdevice) { return *count = 9, CUDA_SUCCESS; };
  CHECK(list().nonsense == std::vector<std::string>{"9 cliques written where 2 fit"});
  api.device_get_clique_count = [](std::size_t* count, CUdevice) { return *count = 1u << 30, CUDA_SUCCESS; };
  CHECK(list().nonsense == std::vector<std::string>{"1073741824 cliques"});
  api.device_get_clique_count = [](std::size_t*, CUdevice) { return CUDA_ERROR_NOT_SUPPORTED; };
  CHECK_THAT(list().unknown, ContainsSubstring("cuDeviceGetCliqueCount") && ContainsSubstring("(801)"));
}

TEST_CASE("torch's test of the first device is made where a rank's own is another, and gives everything back") {
  const CudaApi api = fake_cuda_api();
  CHECK_FALSE(CudaDriver(api, 0, {.nvml_library = FAKE_NVML}).facts().first_device_test);
  CudaDriver driver(api, 1, {.nvml_library = FAKE_NVML});
  fake_cuda().refused["cuMemCreate"] = CUDA_ERROR_NOT_PERMITTED;
  const auto test = driver.facts().first_device_test;
  REQUIRE(test);
  CHECK_FALSE(test->passed);
  CHECK_THAT(test->failure, ContainsSubstring("cuMemCreate") && ContainsSubstring("(800)"));
  CHECK_THAT(test->uuid, ContainsSubstring("GPU-"));
  CHECK(fake_cuda().handles.empty());
  CHECK_FALSE(CudaDriver(api, 1, {.nvml_library = "libno-such-library.so.1"}).facts().first_device_test);
}

TEST_CASE("a device that is not there or has no virtual memory management is refused") {
  const CudaApi api = fake_cuda_api();
  const Failure absent = failure_of([&] { CudaDriver(api, 2); });
  CHECK(absent.reason == Reason::not_supported);
  CHECK_THAT(absent.detail, ContainsSubstring("device 2 asked, 2 visible"));
  CHECK(failure_of([&] { CudaDriver(api, -1); }).reason == Reason::not_supported);
  fake_cuda().virtual_memory = false;
  CHECK_THAT(failure_of([&] { CudaDriver(api, 0); }).detail, ContainsSubstring("no virtual memory management"));
  CHECK(fake_cuda().contexts == 0);
}

TEST_CASE("a refused driver call carries its code, the code's name, the device and the bytes") {
  const CudaApi api = fake_cuda_api();
  CudaDriver driver(api, 1);
  fake_cuda().refused["cuMemCreate"] = CUDA_ERROR_NOT_PERMITTED;
  const Failure failure = failure_of([&] { driver.create(3 * kGranularity, {.handle = HandleType::fabric}); });
  CHECK(failure.layer == Layer::driver);
  CHECK(failure.reason == Reason::not_permitted);
  CHECK(failure.call == "cuMemCreate");
  CHECK(failure.code == 800);
  CHECK_THAT(failure.detail, ContainsSubstring("CUDA_ERROR_NOT_PERMITTED") && ContainsSubstring("device 1") &&
                                 ContainsSubstring("6 MiB") && ContainsSubstring("fabric"));
}

TEST_CASE("a code without a name is still told") {
  const CudaApi api = fake_cuda_api();
  CudaDriver driver(api, 0);
  fake_cuda().refused["cuMemGetInfo"] = CUDA_ERROR_UNKNOWN;
  CHECK_THAT(failure_of([&] { driver.memory_info(); }).detail, ContainsSubstring("CUDA error 999"));
}

TEST_CASE("memory whose unmapping failed stays mapped for the driver too") {
  const CudaApi api = fake_cuda_api();
  CudaDriver driver(api, 0);
  const MemoryId id = driver.create(kGranularity, {});
  const DevicePtr range = driver.reserve(kGranularity, 0);
  driver.map(range, kGranularity, id);
  fake_cuda().refused["cuMemUnmap"] = CUDA_ERROR_INVALID_VALUE;
  check_refused(driver_code::kInvalidValue, [&] { driver.unmap(range, kGranularity); });
  check_refused(driver_code::kIllegalState, [&] { driver.free_range(range, kGranularity); });
  fake_cuda().refused.clear();
  driver.unmap(range, kGranularity);
  driver.free_range(range, kGranularity);
  driver.release(id);
}

TEST_CASE("memory whose closing failed stays open for the driver too") {
  const CudaApi api = fake_cuda_api();
  CudaDriver owner(api, 0);
  const DevicePtr local = owner.allocate_local(64);
  fake_cuda().begin_process();
  CudaDriver driver(api, 1);
  const DevicePtr opened = driver.open_ipc(owner.export_ipc(local));
  fake_cuda().refused["cuIpcCloseMemHandle"] = CUDA_ERROR_MAP_FAILED;
  check_refused(CUDA_ERROR_MAP_FAILED, [&] { driver.close_ipc(opened); });
  fake_cuda().refused.clear();
  driver.close_ipc(opened);
  owner.free_local(local);
}

TEST_CASE("an exported descriptor is not inherited by child processes") {
  const CudaApi api = fake_cuda_api();
  CudaDriver driver(api, 0);
  const MemoryId id = driver.create(kGranularity, {});
  const ShareableHandle handle = driver.export_handle(id);
  CHECK((::fcntl(std::get<UniqueFd>(handle).get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("fabric handles travel as 64 bytes") {
  const CudaApi api = fake_cuda_api();
  fake_cuda().begin_process({.fabric_supported = true});
  CudaDriver driver(api, 0);
  CHECK(driver.facts().fabric_supported);
  const MemoryId id = driver.create(kGranularity, {.handle = HandleType::fabric});
  const ShareableHandle handle = driver.export_handle(id);
  REQUIRE(std::holds_alternative<FabricBlob>(handle));
  const MemoryId imported = driver.import_handle(handle);
  const DevicePtr range = driver.reserve(2 * kGranularity, 0);
  driver.map(range, kGranularity, id);
  driver.map(range + kGranularity, kGranularity, imported);
  driver.set_access(range, 2 * kGranularity);
  write_words(driver, range, {1, 2, 3});
  CHECK(read_words(driver, range + kGranularity, 3) == std::vector<std::uint32_t>{1, 2, 3});
}

TEST_CASE("a destroyed driver leaves nothing in the process") {
  const CudaApi api = fake_cuda_api();
  std::uint32_t record = 0;
  CudaDriver peer(api, 1);
  const DevicePtr shared = peer.allocate_local(64);
  fake_cuda().begin_process();
  {
    CudaDriver driver(api, 0);
    const MemoryId id = driver.create(kGranularity, {});
    const ShareableHandle handle = driver.export_handle(id);
    driver.import_handle(handle);
    const DevicePtr range = driver.reserve(2 * kGranularity, 0);
    driver.map(range, kGranularity, id);
    driver.allocate_local(64);
    driver.open_ipc(peer.export_ipc(shared));
    driver.open_ipc(peer.export_ipc(shared));
    driver.register_host(&record, sizeof(record));
    CHECK(fake_cuda().contexts == 2);
    CHECK(fake_cuda().opened.size() == 1);
    CHECK(fake_cuda().registered.size() == 1);
  }
  CHECK(fake_cuda().contexts == 1);
  CHECK(fake_cuda().opened.empty());
  peer.free_local(shared);
  CHECK(fake_cuda().handles.empty());
  CHECK(fake_cuda().mappings.empty());
  CHECK(fake_cuda().ranges.empty());
  CHECK(fake_cuda().locals.empty());
  CHECK(fake_cuda().registered.empty());
}

TEST_CASE("a driver whose context is lost is destroyed quietly") {
  const CudaApi api = fake_cuda_api();
  {
    CudaDriver driver(api, 0);
    driver.reserve(kGranularity, 0);
    fake_cuda().refused["cuCtxSetCurrent"] = CUDA_ERROR_ILLEGAL_ADDRESS;
  }
  CHECK(fake_cuda().contexts == 0);
}

TEST_CASE("host memory is registered once and seen under the device's address") {
  const CudaApi api = fake_cuda_api();
  CudaDriver driver(api, 0);
  std::uint64_t word = 0;
  CHECK(driver.register_host(&word, sizeof(word)) == reinterpret_cast<DevicePtr>(&word));
  const Failure twice = failure_of([&] { driver.register_host(&word, sizeof(word)); });
  CHECK(twice.call == "cuMemHostRegister");
  CHECK(twice.code == CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
}

TEST_CASE("two devices can be used in turns from one thread") {
  const CudaApi api = fake_cuda_api();
  CudaDriver first(api, 0);
  {
    CudaDriver second(api, 1);
    const DevicePtr local = second.allocate_local(64);
    write_words(first, first.allocate_local(64), {1});
    second.free_local(local);
  }
  CHECK_NOTHROW(first.allocate_local(64));  // although the other one's context went away
}

TEST_CASE("devices whose memory cannot be reached are named by their UUIDs") {
  const CudaApi api = fake_cuda_api();
  fake_cuda().devices = 3;
  CHECK(unreachable_devices(api, 1).empty());
  fake_cuda().peer_access = false;
  CudaDriver first(api, 0), last(api, 2);
  CHECK(unreachable_devices(api, 1) == std::vector<std::string>{*first.facts().uuid, *last.facts().uuid});
  fake_cuda().devices = 1;
  CHECK(unreachable_devices(api, 0).empty());
}

TEST_CASE("a device without kernels in this binary is refused before a context is made, naming both") {
  const CudaApi api = fake_cuda_api();
  fake_cuda().sm = 80;
  const Failure failure = failure_of([&] { CudaDriver driver(api, 1); });
  CHECK(failure.layer == Layer::environment);
  CHECK(failure.reason == Reason::not_supported);
  CHECK_THAT(failure.detail, ContainsSubstring("device 1") && ContainsSubstring("SM80") && ContainsSubstring("SM90a"));
  CHECK(fake_cuda().contexts == 0);
}

}  // namespace
}  // namespace symmbench
