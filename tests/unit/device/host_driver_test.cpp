#include "device/host/host_driver.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "device/host/host_stream.hpp"
#include "support/driver_conformance.hpp"
#include "unit/device/process_probe.hpp"

namespace symmbench {
namespace {

constexpr std::uint64_t kUnit = kHostGranularityBytes;

TEST_CASE("the host driver keeps the driver contract") {
  driver_conformance([] { return std::make_unique<HostDriver>(); });
}

TEST_CASE("the host driver keeps the driver contract with other granularities") {
  driver_conformance([] {
    return std::make_unique<HostDriver>(
        HostDriverOptions{.minimum_granularity = 64 << 10, .recommended_granularity = 512ull << 20});
  });
}

TEST_CASE("the host driver says that it is an emulation") {
  HostDriver driver({.ordinal = 3, .block_threads = 4});
  const DeviceFacts facts = driver.facts();
  CHECK(facts.kind == "host");
  CHECK(facts.name == "emulated device (host memory)");
  CHECK(facts.ordinal == 3);
  CHECK(facts.multiprocessors == 4);
  CHECK(facts.posix_fd_supported);
  CHECK_FALSE(facts.fabric_supported);
  CHECK(facts.ipc_supported);
  CHECK_FALSE(facts.multicast_supported);
  CHECK_FALSE(facts.uuid.has_value());
  CHECK_FALSE(facts.sm_major.has_value());
}

TEST_CASE("the host driver reports the granularities that it was given") {
  HostDriver plain;
  CHECK(plain.granularity({}, Granularity::minimum) == 2 << 20);
  CHECK(plain.granularity({}, Granularity::recommended) == 2 << 20);
  HostDriver driver({.recommended_granularity = 512ull << 20});
  CHECK(driver.granularity({}, Granularity::minimum) == 2 << 20);
  CHECK(driver.granularity({}, Granularity::recommended) == 512ull << 20);
}

TEST_CASE("granularities that cannot be are refused") {
  const auto code = [](std::uint64_t minimum, std::uint64_t recommended) {
    return failure_of([&] { HostDriver({.minimum_granularity = minimum, .recommended_granularity = recommended}); })
        .code;
  };
  CHECK(code(0, kUnit) == driver_code::kInvalidValue);
  CHECK(code(3 << 20, 3 << 20) == driver_code::kInvalidValue);
  CHECK(code(512, kUnit) == driver_code::kInvalidValue);
  CHECK(code(kUnit, 0) == driver_code::kInvalidValue);
  CHECK(code(kUnit, 3 << 20) == driver_code::kInvalidValue);
}

TEST_CASE("memory without access faults, with access it does not, and unmapped it faults again") {
  HostDriver driver;
  const MemoryId id = driver.create(kUnit, {});
  const DevicePtr range = driver.reserve(2 * kUnit, 0);
  CHECK(faults(range));
  driver.map(range, kUnit, id);
  CHECK(faults(range));  // mapped, no access yet
  driver.set_access(range, kUnit);
  CHECK_FALSE(faults(range));
  CHECK_FALSE(faults(range + kUnit - 1));
  CHECK(faults(range + kUnit));  // beside it
  driver.unmap(range, kUnit);
  CHECK(faults(range));
  driver.map(range, kUnit, id);
  CHECK(faults(range));  // access belongs to the mapping, not to the address
}

TEST_CASE("a range stays reserved after an unmap") {
  HostDriver driver;
  const MemoryId id = driver.create(kUnit, {});
  const DevicePtr range = driver.reserve(kUnit, 0);
  driver.map(range, kUnit, id);
  driver.unmap(range, kUnit);
  CHECK(address_space_used(range, kUnit));
  driver.free_range(range, kUnit);
  CHECK_FALSE(address_space_used(range, kUnit));
}

TEST_CASE("an over-aligned reservation gives back what it did not need") {
  constexpr std::uint64_t kAlignment = 1ull << 30;
  HostDriver driver;
  const std::uint64_t before = address_space_bytes();
  const DevicePtr range = driver.reserve(kUnit, kAlignment);
  CHECK(range % kAlignment == 0);
  CHECK(address_space_bytes() < before + kAlignment / 2);
  driver.free_range(range, kUnit);
  CHECK(address_space_bytes() < before + kUnit);
}

TEST_CASE("a destroyed driver leaves no descriptor, no mapping and no range") {
  const long descriptors = test::open_descriptors();
  const long mappings = test::memfd_mappings();
  DevicePtr range = 0;
  {
    HostDriver driver;
    const MemoryId kept = driver.create(kUnit, {});
    const MemoryId released = driver.create(2 * kUnit, {});
    const MemoryId imported = driver.import_handle(driver.export_handle(kept));
    range = driver.reserve(8 * kUnit, 0);
    driver.map(range, kUnit, kept);
    driver.map(range + kUnit, 2 * kUnit, released);
    driver.map(range + 4 * kUnit, kUnit, imported);
    driver.set_access(range, 3 * kUnit);
    driver.release(released);
    CHECK(test::open_descriptors() == descriptors + 2);  // a released id holds none although it is mapped
    CHECK(test::memfd_mappings() == mappings + 3);
    HostDriver peer;
    peer.open_ipc(driver.export_ipc(driver.allocate_local(1000)));
    CHECK(test::open_descriptors() == descriptors + 4);
    CHECK(test::memfd_mappings() == mappings + 5);
  }
  CHECK(test::open_descriptors() == descriptors);
  CHECK(test::memfd_mappings() == mappings);
  CHECK_FALSE(address_space_used(range, 8 * kUnit));
}

TEST_CASE("refused calls leave no descriptor and no mapping") {
  HostDriver driver({.memory_limit_bytes = 4 * kUnit});
  const long descriptors = test::open_descriptors();
  const long mappings = test::memfd_mappings();
  CHECK_THROWS_AS(driver.create(8 * kUnit, {}), Error);
  CHECK_THROWS_AS(driver.create(1, {}), Error);
  CHECK_THROWS_AS(driver.import_handle(ShareableHandle(UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC)))), Error);
  CHECK_THROWS_AS(driver.map(kUnit, kUnit, MemoryId{5}), Error);
  CHECK_THROWS_AS(driver.allocate_local(8 * kUnit), Error);
  CHECK_THROWS_AS(driver.open_ipc(IpcBlob{}), Error);
  CHECK(test::open_descriptors() == descriptors);
  CHECK(test::memfd_mappings() == mappings);
}

TEST_CASE("the memory limit counts what is held, until the last mapping of it is gone") {
  HostDriver driver({.memory_limit_bytes = 8 * kUnit});
  const auto free_units = [&] { return driver.memory_info().free_bytes / kUnit; };
  CHECK(driver.memory_info().total_bytes == 8 * kUnit);
  CHECK(free_units() == 8);
  const MemoryId id = driver.create(6 * kUnit, {});
  CHECK(free_units() == 2);

  const Failure failure = failure_of([&] { driver.create(4 * kUnit, {}); });
  CHECK(failure.reason == Reason::out_of_memory);
  CHECK(failure.code == driver_code::kOutOfMemory);
  CHECK(failure.call == "cuMemCreate");
  CHECK(failure.detail == "8 MiB asked, 4 MiB free of 16 MiB, 12 MiB held by this rank");
  CHECK(failure_of([&] { driver.allocate_local(3 * kUnit); }).reason == Reason::out_of_memory);

  const DevicePtr range = driver.reserve(64 * kUnit, 0);  // address space is no memory
  driver.map(range, 6 * kUnit, id);
  driver.map(range + 6 * kUnit, 6 * kUnit, id);
  const MemoryId imported = driver.import_handle(driver.export_handle(id));
  CHECK(free_units() == 2);  // a peer's memory is the peer's
  driver.release(imported);
  driver.release(id);
  CHECK(free_units() == 2);
  driver.unmap(range, 6 * kUnit);
  CHECK(free_units() == 2);
  driver.unmap(range + 6 * kUnit, 6 * kUnit);
  CHECK(free_units() == 8);

  const DevicePtr local = driver.allocate_local(kUnit);
  CHECK(free_units() == 7);
  driver.free_local(local);
  CHECK(free_units() == 8);
}

TEST_CASE("without a limit the machine's memory is the device's") {
  HostDriver driver;
  const MemoryInfo info = driver.memory_info();
  const auto physical = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  CHECK(info.total_bytes <= physical);
  const MemoryId id = driver.create(16 * kUnit, {});  // untouched, and still taken
  CHECK(driver.memory_info().free_bytes <= info.total_bytes - 16 * kUnit);
  driver.release(id);
}

TEST_CASE("a process out of descriptors learns its limits") {
  HostDriver driver, peer;
  const MemoryId id = driver.create(kUnit, {});
  const ShareableHandle handle = driver.export_handle(id);
  const IpcBlob blob = peer.export_ipc(peer.allocate_local(64));
  std::vector<Failure> failures;
  {
    const NoMoreDescriptors limit;
    failures.push_back(failure_of([&] { driver.create(kUnit, {}); }));
    failures.push_back(failure_of([&] { driver.export_handle(id); }));
    failures.push_back(failure_of([&] { driver.import_handle(handle); }));
    failures.push_back(failure_of([&] { driver.allocate_local(64); }));
    failures.push_back(failure_of([&] { driver.open_ipc(blob); }));
  }
  for (const Failure& failure : failures) {
    INFO(describe(failure));
    CHECK(failure.layer == Layer::environment);
    CHECK(failure.reason == Reason::capacity_exceeded);
    CHECK(failure.code == EMFILE);
    CHECK(failure.detail.find("RLIMIT_NOFILE: soft") != std::string::npos);
    CHECK(failure.detail.find("hard") != std::string::npos);
  }
  CHECK_NOTHROW(driver.create(kUnit, {}));  // and once there are some, work goes on
}

TEST_CASE("descriptors of anything but device memory are refused") {
  HostDriver driver;
  const auto refused = [&](int fd) {
    REQUIRE(fd >= 0);
    const ShareableHandle handle{UniqueFd(fd)};
    const Failure failure = failure_of([&] { driver.import_handle(handle); });
    INFO(describe(failure));
    CHECK(failure.code == driver_code::kInvalidHandle);
    CHECK(failure.call == "cuMemImportFromShareableHandle");
  };
  refused(::open("/dev/null", O_RDWR | O_CLOEXEC));
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  refused(ends[0]);
  refused(ends[1]);

  const int plain = ::memfd_create("unsealed", MFD_CLOEXEC);  // right size, not ours
  REQUIRE(::ftruncate(plain, kUnit) == 0);
  refused(plain);

  HostDriver fine({.minimum_granularity = 64 << 10});
  const MemoryId small = fine.create(64 << 10, {});
  refused(std::get<UniqueFd>(fine.export_handle(small)).release());  // ours, of a smaller granularity
}

TEST_CASE("a closed descriptor is refused") {
  HostDriver driver;
  ShareableHandle handle = driver.export_handle(driver.create(kUnit, {}));
  ::close(std::get<UniqueFd>(handle).get());
  CHECK(failure_of([&] { driver.import_handle(handle); }).code == driver_code::kInvalidHandle);
  std::get<UniqueFd>(handle).release();
}

TEST_CASE("nobody can shrink memory under a mapping") {
  HostDriver driver;
  const ShareableHandle handle = driver.export_handle(driver.create(2 * kUnit, {}));
  CHECK(::ftruncate(std::get<UniqueFd>(handle).get(), kUnit) != 0);
  CHECK(::ftruncate(std::get<UniqueFd>(handle).get(), 4 * kUnit) != 0);
}

TEST_CASE("fabric handles are refused as on a machine without an IMEX channel") {
  HostDriver driver;
  const Failure failure = failure_of([&] { driver.create(kUnit, {.handle = HandleType::fabric}); });
  CHECK(failure.reason == Reason::not_permitted);
  CHECK(failure.code == driver_code::kNotPermitted);
  CHECK(failure_of([&] { driver.import_handle(FabricBlob{}); }).code == driver_code::kNotPermitted);
}

TEST_CASE("where fabric handles are offered, a handle has the type that the memory was created for") {
  HostDriver driver({.fabric_supported = true});
  CHECK(driver.facts().fabric_supported);
  const MemoryId fabric = driver.create(kUnit, {.handle = HandleType::fabric});
  const MemoryId posix = driver.create(kUnit, {});
  const ShareableHandle handle = driver.export_handle(fabric);
  CHECK(std::holds_alternative<FabricBlob>(handle));
  CHECK(std::holds_alternative<UniqueFd>(driver.export_handle(posix)));

  HostDriver peer({.fabric_supported = true});
  const MemoryId imported = peer.import_handle(handle);
  const DevicePtr here = driver.reserve(kUnit, 0);
  const DevicePtr there = peer.reserve(kUnit, 0);
  driver.map(here, kUnit, fabric);
  driver.set_access(here, kUnit);
  peer.map(there, kUnit, imported);
  peer.set_access(there, kUnit);
  write_words(driver, here, {1, 2, 3});
  CHECK(read_words(peer, there, 3) == std::vector<std::uint32_t>{1, 2, 3});

  driver.release(fabric);  // still mapped by the exporter: the handle still works
  CHECK_NOTHROW(peer.import_handle(handle));
  driver.unmap(here, kUnit);
  driver.create(kUnit, {});  // takes the descriptor number that the handle names
  CHECK(failure_of([&] { peer.import_handle(handle); }).code == driver_code::kInvalidHandle);
  CHECK(failure_of([&] { peer.import_handle(FabricBlob{}); }).code == driver_code::kInvalidHandle);
}

TEST_CASE("memory for GPUDirect RDMA is offered, or refused where the device is told to lack it") {
  HostDriver driver;
  CHECK(driver.facts().gpu_direct_rdma_supported);
  CHECK_NOTHROW(driver.create(kUnit, {.gpu_direct_rdma = true}));
  HostDriver lacking({.gpu_direct_rdma_supported = false});
  CHECK_FALSE(lacking.facts().gpu_direct_rdma_supported);
  const Failure failure = failure_of([&] { lacking.create(kUnit, {.gpu_direct_rdma = true}); });
  CHECK(failure.code == driver_code::kNotSupported);
}

TEST_CASE("another process imports a descriptor and both see the same bytes") {
  HostDriver driver;
  const MemoryId id = driver.create(kUnit, {});
  const ShareableHandle handle = driver.export_handle(id);
  const DevicePtr range = driver.reserve(kUnit, 0);
  driver.map(range, kUnit, id);
  driver.set_access(range, kUnit);
  auto* words = static_cast<std::uint32_t*>(to_pointer(range));
  words[0] = 41;
  const int status = run_in_child([&] {
    HostDriver peer;
    const MemoryId imported = peer.import_handle(handle);
    const DevicePtr there = peer.reserve(kUnit, 0);
    peer.map(there, kUnit, imported);
    peer.set_access(there, kUnit);
    auto* seen = static_cast<std::uint32_t*>(to_pointer(there));
    seen[1] = seen[0] + 1;
    return seen[0] == 41;
  });
  CHECK(status == 0);
  CHECK(words[1] == 42);
}

TEST_CASE("another process imports a fabric handle") {
  HostDriver driver({.fabric_supported = true});
  const ShareableHandle handle = driver.export_handle(driver.create(kUnit, {.handle = HandleType::fabric}));
  CHECK(run_in_child([&] {
          HostDriver peer({.fabric_supported = true});
          return peer.import_handle(handle) != MemoryId::none;
        }) == 0);
}

TEST_CASE("a stream of the host driver has as many block threads as asked") {
  HostDriver driver({.block_threads = 3});
  const auto stream = driver.make_stream();
  const auto* own = dynamic_cast<const HostStream*>(stream.get());
  REQUIRE(own != nullptr);
  CHECK(own->block_threads() == 3);
}

}  // namespace
}  // namespace symmbench
