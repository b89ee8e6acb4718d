// Multicast on the emulated device: teams, their rules and codes, and what a store to all reaches.
#include "device/host/host_multicast.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "device/accounted_driver.hpp"
#include "device/host/host_driver.hpp"
#include "support/failures.hpp"
#include "unit/device/process_probe.hpp"

namespace symmbench {
namespace {

constexpr std::uint64_t kTeamUnit = kHostGranularityBytes;

HostDriverOptions with_multicast(const MulticastOptions& multicast = {}) {
  return {.fabric_supported = true, .multicast_supported = true, .multicast = multicast};
}

/// Devices whose first one has made an object of `bytes`, which the others have imported. None has joined.
struct Team {
  std::vector<std::unique_ptr<HostDriver>> driver;
  std::vector<MemoryId> object;

  explicit Team(int devices, std::uint64_t bytes = kTeamUnit, HandleType handle = HandleType::posix_fd,
                const MulticastOptions& multicast = {}) {
    for (int i = 0; i < devices; ++i) driver.push_back(std::make_unique<HostDriver>(with_multicast(multicast)));
    object.push_back(driver[0]->create_multicast({.devices = devices, .bytes = bytes, .handle = handle}));
    for (int i = 1; i < devices; ++i) object.push_back(driver[i]->import_handle(driver[0]->export_handle(object[0])));
  }
  void add_all() {
    for (std::size_t i = 0; i < driver.size(); ++i) driver[i]->add_device(object[i]);
  }
};

/// Of what `call` throws; 0 where it throws nothing.
int code_of(const auto& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.failure().code.value_or(-1);
  }
  return 0;
}

DevicePtr mapped(Driver& driver, MemoryId id, std::uint64_t bytes) {
  const DevicePtr address = driver.reserve(bytes, 0);
  driver.map(address, bytes, id);
  driver.set_access(address, bytes);
  return address;
}

TEST_CASE("what is stored through a multicast address is in the memory of every device of the team") {
  constexpr int kDevices = 3;
  const auto handle = GENERATE(HandleType::posix_fd, HandleType::fabric);
  Team team(kDevices, 2 * kTeamUnit, handle);
  team.add_all();
  std::vector<DevicePtr> own, all;
  for (int i = 0; i < kDevices; ++i) {
    HostDriver& driver = *team.driver[i];
    const MemoryId memory = driver.create(2 * kTeamUnit, {.handle = handle});
    own.push_back(mapped(driver, memory, 2 * kTeamUnit));
    driver.bind_memory(team.object[i], 0, memory, 2 * kTeamUnit);
    driver.release(memory);  // being bound keeps it
    all.push_back(mapped(driver, team.object[i], 2 * kTeamUnit));
  }
  for (int i = 0; i < kDevices; ++i) {
    const std::uint64_t offset = kTeamUnit + 64;
    const auto members = multicast_members(all[i] + offset);
    REQUIRE(members.size() == kDevices);
    for (const DevicePtr member : members) *static_cast<std::uint32_t*>(to_pointer(member)) = 100 + i;
    for (const DevicePtr mine : own) CHECK(*static_cast<std::uint32_t*>(to_pointer(mine + offset)) == 100u + i);
    CHECK(faults(all[i] + offset));  // a plain access is no multimem instruction
  }
}

TEST_CASE(
    "a device without multicast says 801, one whose fabric manager does not run 802 and still has the attribute") {
  HostDriver absent;
  CHECK_FALSE(absent.facts().multicast_supported);
  CHECK(code_of([&] { absent.create_multicast({.devices = 2, .bytes = kTeamUnit}); }) == driver_code::kNotSupported);
  CHECK(code_of([&] { absent.multicast_granularity({}, Granularity::minimum); }) == driver_code::kNotSupported);

  HostDriver waiting(with_multicast({.fabric_manager_runs = false}));
  CHECK(waiting.facts().multicast_supported);
  CHECK(waiting.multicast_granularity({}, Granularity::recommended) == kTeamUnit);
  CHECK(code_of([&] { waiting.create_multicast({.devices = 2, .bytes = kTeamUnit}); }) == driver_code::kNotReady);
  Team team(1);
  CHECK(code_of([&] { waiting.import_handle(team.driver[0]->export_handle(team.object[0])); }) ==
        driver_code::kNotReady);
}

TEST_CASE("sizes and offsets that are no multiples of the multicast granularity are refused with the figures") {
  const MulticastOptions coarse{.granularity = 4 * kTeamUnit};
  HostDriver driver(with_multicast(coarse));
  CHECK(driver.multicast_granularity({}, Granularity::minimum) == 4 * kTeamUnit);
  CHECK(failure_of([&] { driver.create_multicast({.devices = 1, .bytes = kTeamUnit}); }).detail ==
        "2097152 bytes at offset 0: both must be multiples of the multicast granularity 8388608, the size positive");
  CHECK(code_of([&] { driver.create_multicast({.devices = 1, .bytes = 0}); }) == driver_code::kInvalidValue);
  CHECK(code_of([&] { driver.create_multicast({.devices = 0, .bytes = 4 * kTeamUnit}); }) ==
        driver_code::kInvalidValue);
  const MemoryId object = driver.create_multicast({.devices = 1, .bytes = 8 * kTeamUnit});
  driver.add_device(object);
  const MemoryId memory = driver.create(8 * kTeamUnit, {});
  const auto bind = [&](std::uint64_t offset, std::uint64_t bytes) {
    return code_of([&] { driver.bind_memory(object, offset, memory, bytes); });
  };
  CHECK(bind(kTeamUnit, 4 * kTeamUnit) == driver_code::kInvalidValue);
  CHECK(bind(0, kTeamUnit) == driver_code::kInvalidValue);
  CHECK(bind(4 * kTeamUnit, 8 * kTeamUnit) == driver_code::kInvalidValue);  // beyond the object
  CHECK(bind(0, 12 * kTeamUnit) == driver_code::kInvalidValue);             // beyond the memory
  CHECK(bind(4 * kTeamUnit, 4 * kTeamUnit) == 0);
}

TEST_CASE("a team takes each of its devices once, of one partition of the fabric") {
  Team team(2);
  team.driver[0]->add_device(team.object[0]);
  CHECK(code_of([&] { team.driver[0]->add_device(team.object[0]); }) == driver_code::kInvalidValue);

  HostDriver elsewhere(with_multicast({.partition = 1}));
  const MemoryId seen = elsewhere.import_handle(team.driver[0]->export_handle(team.object[0]));
  const auto split = failure_of([&] { elsewhere.add_device(seen); });
  CHECK(split.code == driver_code::kNotSupported);
  CHECK(split.detail == "a team cannot be split: this device is of partition 1 of the fabric, the team of 0");

  team.driver[1]->add_device(team.object[1]);
  HostDriver third(with_multicast());
  const MemoryId late = third.import_handle(team.driver[0]->export_handle(team.object[0]));
  CHECK(failure_of([&] { third.add_device(late); }).detail == "all 2 devices of the team were added before");
}

TEST_CASE("only own memory of a device of the team is bound, and once") {
  Team team(1);
  HostDriver& driver = *team.driver[0];
  const MemoryId memory = driver.create(kTeamUnit, {});
  const auto bind = [&](MemoryId object, MemoryId bound) {
    return code_of([&] { driver.bind_memory(object, 0, bound, kTeamUnit); });
  };
  CHECK(bind(team.object[0], memory) == driver_code::kInvalidDevice);
  team.add_all();
  CHECK(bind(memory, memory) == driver_code::kInvalidHandle);
  CHECK(bind(team.object[0], team.object[0]) == driver_code::kInvalidValue);
  HostDriver peer;
  const MemoryId foreign = driver.import_handle(peer.export_handle(peer.create(kTeamUnit, {})));
  CHECK(bind(team.object[0], foreign) == driver_code::kInvalidValue);
  CHECK(bind(team.object[0], memory) == 0);
  CHECK(bind(team.object[0], memory) == driver_code::kIllegalState);
  CHECK(code_of([&] { driver.unbind_memory(team.object[0], 0, 2 * kTeamUnit); }) == driver_code::kInvalidValue);
  driver.unbind_memory(team.object[0], 0, kTeamUnit);
  CHECK(code_of([&] { driver.unbind_memory(team.object[0], 0, kTeamUnit); }) == driver_code::kInvalidValue);
  CHECK(bind(team.object[0], memory) == 0);
}

TEST_CASE("binding and mapping wait until the whole team is added, and give up at their limit") {
  Team team(2, kTeamUnit, HandleType::posix_fd, {.team_limit = std::chrono::milliseconds(20)});
  HostDriver& driver = *team.driver[0];
  driver.add_device(team.object[0]);
  const MemoryId memory = driver.create(kTeamUnit, {});
  const DevicePtr range = driver.reserve(kTeamUnit, 0);
  const auto failures = {failure_of([&] { driver.bind_memory(team.object[0], 0, memory, kTeamUnit); }),
                         failure_of([&] { driver.map(range, kTeamUnit, team.object[0]); })};
  for (const auto& failure : failures) {
    CHECK(failure.reason == Reason::timed_out);
    CHECK(failure.detail ==
          "1 of the 2 devices of the team were added within 20 ms; the CUDA driver would wait without "
          "end");
  }

  Team patient(2, kTeamUnit, HandleType::posix_fd, {.team_limit = std::chrono::minutes(1)});
  patient.driver[0]->add_device(patient.object[0]);
  const MemoryId bound = patient.driver[0]->create(kTeamUnit, {});
  std::thread waits([&] { patient.driver[0]->bind_memory(patient.object[0], 0, bound, kTeamUnit); });
  patient.driver[1]->add_device(patient.object[1]);
  waits.join();
}

TEST_CASE("a store to all is refused while a device has bound nothing, and where nothing is mapped") {
  Team team(2);
  team.add_all();
  HostDriver& driver = *team.driver[0];
  driver.bind_memory(team.object[0], 0, driver.create(kTeamUnit, {}), kTeamUnit);
  const DevicePtr address = mapped(driver, team.object[0], kTeamUnit);
  const auto unbound = failure_of([&] { multicast_members(address); });
  CHECK(unbound.code == driver_code::kIllegalState);
  CHECK(unbound.detail == "device 1 of the team's 2 has bound no memory");
  driver.unmap(address, kTeamUnit);
  CHECK(code_of([&] { multicast_members(address); }) == driver_code::kIllegalAddress);
}

TEST_CASE("a team that was torn down is held by nobody") {
  DriverAccount account;
  AccountedDriver driver(std::make_unique<HostDriver>(with_multicast()), account);
  const MemoryId object = driver.create_multicast({.devices = 1, .bytes = kTeamUnit});
  driver.add_device(object);
  const MemoryId memory = driver.create(kTeamUnit, {});
  driver.bind_memory(object, 0, memory, kTeamUnit);
  const DevicePtr address = mapped(driver, object, kTeamUnit);
  driver.release(memory);
  CHECK(account.holdings().device_bytes == static_cast<std::int64_t>(kTeamUnit));  // bound
  driver.unbind_memory(object, 0, kTeamUnit);
  CHECK(account.holdings().device_bytes == 0);
  driver.unmap(address, kTeamUnit);
  driver.release(object);
  driver.free_range(address, kTeamUnit);
  CHECK(account.holdings().handles == 0);
  CHECK(account.holdings().mappings == 0);
  CHECK(account.holdings().va_bytes == 0);
}

}  // namespace
}  // namespace symmbench
