#include "device/accounted_driver.hpp"

#include <catch2/catch_test_macros.hpp>
#include <memory>

#include "device/faulty/faulty_driver.hpp"
#include "device/host/host_driver.hpp"
#include "support/driver_conformance.hpp"

namespace symmbench {
namespace {

constexpr std::int64_t kBlockBytes = kHostGranularityBytes;

struct Accounted {
  DriverAccount account;
  AccountedDriver driver{std::make_unique<HostDriver>(), account};
  const Holdings& held = account.holdings();
};

bool nothing(const Holdings& held) {
  return held.device_bytes == 0 && held.va_bytes == 0 && held.mappings == 0 && held.handles == 0;
}

TEST_CASE("an account holds what a driver gave and has not been given back") {
  Accounted own;
  const MemoryId id = own.driver.create(2 * kBlockBytes, {});
  const DevicePtr range = own.driver.reserve(4 * kBlockBytes, 0);
  own.driver.map(range, 2 * kBlockBytes, id);
  const DevicePtr local = own.driver.allocate_local(4096);
  CHECK(own.held.device_bytes == 2 * kBlockBytes + 4096);
  CHECK(own.held.va_bytes == 4 * kBlockBytes);
  CHECK(own.held.mappings == 1);
  CHECK(own.held.handles == 1);

  own.driver.free_local(local);
  own.driver.unmap(range, 2 * kBlockBytes);
  own.driver.free_range(range, 4 * kBlockBytes);
  own.driver.release(id);
  CHECK(nothing(own.held));
}

TEST_CASE("memory is held until it is released and unmapped, in whichever order") {
  Accounted own;
  const MemoryId id = own.driver.create(kBlockBytes, {});
  const DevicePtr range = own.driver.reserve(kBlockBytes, 0);
  own.driver.map(range, kBlockBytes, id);
  own.driver.release(id);
  CHECK(own.held.handles == 0);
  CHECK(own.held.device_bytes == kBlockBytes);
  own.driver.unmap(range, kBlockBytes);
  CHECK(own.held.device_bytes == 0);
}

TEST_CASE("a peer's memory is held by handles and mappings, and its bytes are the peer's") {
  Accounted own;
  HostDriver peer;
  const MemoryId imported = own.driver.import_handle(peer.export_handle(peer.create(kBlockBytes, {})));
  const DevicePtr opened = own.driver.open_ipc(peer.export_ipc(peer.allocate_local(64)));
  CHECK(own.held.handles == 2);
  CHECK(own.held.device_bytes == 0);
  own.driver.close_ipc(opened);
  own.driver.release(imported);
  CHECK(nothing(own.held));
}

TEST_CASE("a call that fails, or never reaches the device, changes no account") {
  Accounted own;
  const MemoryId id = own.driver.create(kBlockBytes, {});
  CHECK_THROWS_AS(own.driver.create(1, {}), Error);
  CHECK_THROWS_AS(own.driver.release(MemoryId{77}), Error);
  CHECK(own.held.device_bytes == kBlockBytes);
  CHECK(own.held.handles == 1);

  DriverAccount account;
  FaultyDriver faulty(std::make_unique<AccountedDriver>(std::make_unique<HostDriver>(), account),
                      {{.call = DriverCall::release, .lost = true}});
  faulty.release(faulty.create(kBlockBytes, {}));
  CHECK(faulty.injected() == 1);
  CHECK(account.holdings().device_bytes == kBlockBytes);
  CHECK(account.holdings().handles == 1);
  own.driver.release(id);
}

}  // namespace
}  // namespace symmbench
