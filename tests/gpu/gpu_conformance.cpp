// Seam 1 on the GPUs of this machine. Exits with 77, which ctest shows as skipped, where there are none.
#include <catch2/catch_session.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "device/cuda/cuda_backend.hpp"
#include "device/cuda/nvml.hpp"
#include "gpu/peer_process.hpp"
#include "support/driver_conformance.hpp"
#include "support/stream_conformance.hpp"

namespace symmbench {
namespace {

constexpr int kSkipped = 77;

TEST_CASE("a GPU keeps the driver contract") {
  driver_conformance([] { return make_cuda_driver(0); });
}

TEST_CASE("a GPU keeps the stream contract") {
  stream_conformance([] { return make_cuda_driver(0); });
}

TEST_CASE("a GPU keeps the contract of IPC handles between processes, on one GPU and on two") {
  const int devices = probe_cuda().device_count;
  const int peer = GENERATE(0, 1);
  if (peer >= devices) SKIP("one GPU only");
  ipc_conformance([] { return make_cuda_driver(0); }, [&] { return std::make_unique<ProcessAsPeer>(peer); });
}

TEST_CASE("a GPU's facts are known, and NVML finds the same GPU") {
  const auto driver = make_cuda_driver(0);
  const DeviceFacts facts = driver->facts();
  REQUIRE(facts.uuid);
  CHECK(facts.uuid->size() == 40);
  CHECK(facts.pci_bus_id.has_value());
  CHECK(facts.sm_major >= 9);
  CHECK(facts.multiprocessors > 0);
  CHECK(facts.posix_fd_supported);
  const NvmlDevice nvml(facts);
  INFO(nvml.problem());
  CHECK(nvml.problem().empty());
  CHECK(nvml.facts().driver_version.has_value());
  CHECK(nvml.sample().sm_clock_mhz.has_value());
  std::printf("%s %s %s, driver %s, fabric %s, NVLinks %d\n", facts.name.c_str(), facts.uuid->c_str(),
              facts.pci_bus_id->c_str(), nvml.facts().driver_version.value_or("?").c_str(),
              nvml.facts().fabric ? fabric_text(*nvml.facts().fabric).c_str() : "?",
              nvml.facts().nvlinks_active.value_or(-1));
}

TEST_CASE("a fabric handle is refused by code or works") {
  const auto driver = make_cuda_driver(0);
  const AllocationSpec spec{.handle = HandleType::fabric};
  const std::uint64_t unit = driver->granularity({}, Granularity::minimum);
  try {
    const MemoryId id = driver->create(unit, spec);
    CHECK(std::holds_alternative<FabricBlob>(driver->export_handle(id)));
    driver->release(id);
  } catch (const Error& error) {
    std::printf("fabric: %s\n", error.what());
    CHECK(error.failure().layer == Layer::driver);
    CHECK(error.failure().code.has_value());
  }
}

TEST_CASE("host memory that was registered is written by the GPU in place") {
  const auto driver = make_cuda_driver(0);
  std::vector<std::uint32_t> words(1024, 0);
  const DevicePtr address = driver->register_host(words.data(), words.size() * sizeof(std::uint32_t));
  {
    const auto stream = driver->make_stream();
    stream->fill(address, 0xABCD, words.size());
    stream->synchronize();
  }
  CHECK(words == std::vector<std::uint32_t>(1024, 0xABCD));
}

TEST_CASE("each GPU reads and writes what another one exported") {
  const int devices = probe_cuda().device_count;
  if (devices < 2) SKIP("one GPU only");
  for (int ordinal = 0; ordinal < devices; ++ordinal) {
    for (const auto& uuid : unreachable_devices(ordinal)) SKIP("device " << ordinal << " cannot reach " << uuid);
  }
  const auto owner = make_cuda_driver(0);
  const std::uint64_t unit = owner->granularity({}, Granularity::minimum);
  const MemoryId id = owner->create(unit, {});
  const ShareableHandle handle = owner->export_handle(id);
  const DevicePtr own = owner->reserve(unit, 0);
  owner->map(own, unit, id);
  owner->set_access(own, unit);
  for (int peer = 1; peer < devices; ++peer) {
    const auto driver = make_cuda_driver(peer);
    const MemoryId imported = driver->import_handle(handle);
    const DevicePtr range = driver->reserve(unit, 0);
    driver->map(range, unit, imported);
    driver->set_access(range, unit);
    const auto number = static_cast<std::uint32_t>(peer);
    write_words(*owner, own, {number, 7});
    CHECK(read_words(*driver, range, 2) == std::vector<std::uint32_t>{number, 7});
    write_words(*driver, range, {number + 100});
    CHECK(read_words(*owner, own, 1) == std::vector<std::uint32_t>{number + 100});
    driver->unmap(range, unit);
    driver->free_range(range, unit);
    driver->release(imported);
  }
}

}  // namespace
}  // namespace symmbench

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], symmbench::kPeerOption) == 0) {
    return symmbench::serve_as_peer(std::atoi(argv[2]));
  }
  const symmbench::CudaAvailability found = symmbench::probe_cuda();
  if (!found.usable) {
    std::printf("skipped: %s\n", found.reason.c_str());
    return symmbench::kSkipped;
  }
  return Catch::Session().run(argc, argv);
}
