#include "device/host/local_memory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <vector>

#include "device/host/host_driver.hpp"
#include "support/ipc_conformance.hpp"
#include "unit/device/process_probe.hpp"
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace symmbench {
namespace {

TEST_CASE("the host driver keeps the contract of IPC handles, each driver standing for a process") {
  ipc_conformance([] { return std::make_unique<HostDriver>(); },
                  [] { return std::make_unique<DriverAsPeer>(std::make_unique<HostDriver>()); });
}

TEST_CASE("local memory holds neither zeros nor the Lamport sentinel") {
  HostDriver driver;
  const DevicePtr local = driver.allocate_local(4096);
  for (const std::uint32_t word : read_words(driver, local, 1024)) {
    CHECK((word != 0 && word != 0x80000000u));
    if (word == 0) break;
  }
}

TEST_CASE("what lies behind the last page of local memory faults") {
  HostDriver driver;
  const DevicePtr local = driver.allocate_local(4096);
  CHECK_FALSE(faults(local + 4095));
  CHECK(faults(local + 4096));
#ifdef __SANITIZE_ADDRESS__
  const DevicePtr small = driver.allocate_local(64);  // what a page check cannot see
  CHECK_FALSE(__asan_address_is_poisoned(to_pointer(small + 63)));
  CHECK(__asan_address_is_poisoned(to_pointer(small + 64)));
#endif
}

TEST_CASE("another process opens local memory and both see the same bytes") {
  HostDriver driver;
  const DevicePtr local = driver.allocate_local(4096);
  const IpcBlob handle = driver.export_ipc(local);
  auto* words = static_cast<std::uint32_t*>(to_pointer(local));
  words[0] = 41;
  const int status = run_in_child([&] {
    HostDriver peer;
    auto* seen = static_cast<std::uint32_t*>(to_pointer(peer.open_ipc(handle)));
    seen[1] = seen[0] + 1;
    return seen[0] == 41;
  });
  CHECK(status == 0);
  CHECK(words[1] == 42);
  CHECK_NOTHROW(driver.free_local(local));  // what the other process had open, it has no more
}

TEST_CASE("local memory is not freed while a peer has it open, nor lost for the peer when its owner ends") {
  auto owner = std::make_unique<HostDriver>();
  const DevicePtr local = owner->allocate_local(4096);
  HostDriver peer;
  const DevicePtr there = peer.open_ipc(owner->export_ipc(local));
  const Failure failure = failure_of([&] { owner->free_local(local); });
  CHECK(failure.call == "cuMemFree");
  CHECK(failure.code == driver_code::kIllegalState);
  CHECK(failure.detail.find("a peer still has the 4 KiB at") != std::string::npos);
  SECTION("closed") {
    peer.close_ipc(there);
    CHECK_NOTHROW(owner->free_local(local));
  }
  SECTION("the owner ends") {
    write_words(*owner, local, {5});
    owner.reset();
    CHECK(read_words(peer, there, 1) == std::vector<std::uint32_t>{5});
  }
}

TEST_CASE("local memory of a process that has ended is not opened") {
  HostDriver driver;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd from(ends[0]), to(ends[1]);
  CHECK(run_in_child([&] {
          HostDriver owner;
          const IpcBlob handle = owner.export_ipc(owner.allocate_local(64));
          return ::write(to.get(), &handle, sizeof(handle)) == sizeof(handle);
        }) == 0);
  IpcBlob handle;
  REQUIRE(::read(from.get(), &handle, sizeof(handle)) == sizeof(handle));
  const Failure failure = failure_of([&] { driver.open_ipc(handle); });
  CHECK(failure.call == "cuIpcOpenMemHandle");
  CHECK(failure.code == driver_code::kInvalidHandle);
  CHECK(failure.detail.find("has ended") != std::string::npos);
}

TEST_CASE("a handle whose descriptor number was used again since opens nothing") {
  HostDriver driver, peer;
  const DevicePtr local = driver.allocate_local(64);
  const IpcBlob handle = driver.export_ipc(local);
  driver.free_local(local);
  driver.allocate_local(64);
  CHECK(failure_of([&] { peer.open_ipc(handle); }).code == driver_code::kInvalidValue);
}

}  // namespace
}  // namespace symmbench
