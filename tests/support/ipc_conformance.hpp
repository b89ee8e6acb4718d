#pragma once
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "device/driver.hpp"
#include "support/driver_conformance.hpp"

namespace symmbench {

/// A driver in another process, as the suite uses it. Where a call can be refused the answer is its CUDA result code, 0
/// when it was done.
class IpcPeer {
 public:
  struct Opened {
    int code = 0;
    DevicePtr address = 0;
  };

  virtual ~IpcPeer() = default;
  virtual Opened open(const IpcBlob& handle) = 0;
  virtual int close(DevicePtr address) = 0;
  virtual int free_local(DevicePtr address) = 0;
  /// New local memory of that process, and its handle.
  virtual IpcBlob allocate(std::uint64_t bytes) = 0;
  virtual void write(DevicePtr to, const std::vector<std::uint32_t>& words) = 0;
  virtual std::vector<std::uint32_t> read(DevicePtr from, std::size_t count) = 0;
};

using MakePeer = std::function<std::unique_ptr<IpcPeer>()>;

/// 0, or the code with which the driver refused.
template <class Action>
int code_of(Action&& action) {
  try {
    action();
    return 0;
  } catch (const Error& error) {
    return error.failure().code.value_or(-1);
  }
}

/// For drivers of which each stands for a process of its own.
class DriverAsPeer final : public IpcPeer {
 public:
  explicit DriverAsPeer(std::unique_ptr<Driver> driver) : driver_(std::move(driver)) {}

  Opened open(const IpcBlob& handle) override {
    Opened opened;
    opened.code = code_of([&] { opened.address = driver_->open_ipc(handle); });
    return opened;
  }
  int close(DevicePtr address) override {
    return code_of([&] { driver_->close_ipc(address); });
  }
  int free_local(DevicePtr address) override {
    return code_of([&] { driver_->free_local(address); });
  }
  IpcBlob allocate(std::uint64_t bytes) override { return driver_->export_ipc(driver_->allocate_local(bytes)); }
  void write(DevicePtr to, const std::vector<std::uint32_t>& words) override { write_words(*driver_, to, words); }
  std::vector<std::uint32_t> read(DevicePtr from, std::size_t count) override {
    return read_words(*driver_, from, count);
  }

 private:
  std::unique_ptr<Driver> driver_;
};

/// What every Driver must do with handles of local memory, between two processes of one OS image: call it as the body of
/// a TEST_CASE. (device/driver.hpp)
inline void ipc_conformance(const MakeDriver& make, const MakePeer& make_peer) {
  const auto peer = make_peer();  // first: it may be a process, which is best started before this one has a device
  const auto driver = make();
  REQUIRE(driver->facts().ipc_supported);
  constexpr std::uint64_t kBytes = 2ull << 20;
  const std::vector<std::uint32_t> words{0x12345678, 0, 0xFFFFFFFF, 42}, others{7, 8, 9};
  const DevicePtr local = driver->allocate_local(kBytes);
  const auto opened = [&](const IpcBlob& handle) {
    const IpcPeer::Opened result = peer->open(handle);
    REQUIRE(result.code == 0);
    return result.address;
  };

  SECTION("a peer reads and writes what was exported, from its start to its end") {
    const DevicePtr there = opened(driver->export_ipc(local));
    write_words(*driver, local, words);
    CHECK(peer->read(there, words.size()) == words);
    const std::uint64_t last = kBytes - others.size() * sizeof(std::uint32_t);
    peer->write(there + last, others);
    CHECK(read_words(*driver, local + last, others.size()) == others);
    CHECK(peer->close(there) == 0);
  }

  SECTION("a handle outlives what it was opened as, and opens again") {
    const IpcBlob handle = driver->export_ipc(local);
    CHECK(peer->close(opened(handle)) == 0);
    write_words(*driver, local, words);
    const DevicePtr again = opened(handle);
    CHECK(peer->read(again, words.size()) == words);
    CHECK(peer->close(again) == 0);
  }

  SECTION("memory opened twice has one address, and is open until it was closed twice") {
    const DevicePtr there = opened(driver->export_ipc(local));
    CHECK(opened(driver->export_ipc(local)) == there);
    CHECK(peer->close(there) == 0);
    write_words(*driver, local, words);
    CHECK(peer->read(there, words.size()) == words);
    CHECK(peer->close(there) == 0);
    CHECK(peer->close(there) == driver_code::kInvalidValue);
  }

  SECTION("allocations that share a block are told apart") {
    std::vector<DevicePtr> small;
    for (std::uint32_t i = 0; i < 3; ++i) {
      small.push_back(driver->allocate_local(512));
      write_words(*driver, small.back(), {100 + i});
    }
    std::vector<DevicePtr> there;
    for (const DevicePtr address : small) there.push_back(opened(driver->export_ipc(address)));
    for (std::uint32_t i = 0; i < 3; ++i) CHECK(peer->read(there[i], 1) == std::vector<std::uint32_t>{100 + i});
    for (const DevicePtr address : there) CHECK(peer->close(address) == 0);
    for (const DevicePtr address : small) driver->free_local(address);
  }

  SECTION("both sides export to one another at the same time") {
    const DevicePtr there = opened(driver->export_ipc(local));
    const DevicePtr here = driver->open_ipc(peer->allocate(kBytes));
    write_words(*driver, here, others);
    write_words(*driver, local, words);
    CHECK(read_words(*driver, here, others.size()) == others);
    CHECK(peer->read(there, words.size()) == words);
    driver->close_ipc(here);
    check_refused(driver_code::kInvalidValue, [&] { driver->close_ipc(here); });
    CHECK(peer->close(there) == 0);
  }

  SECTION("only the start of local memory is exported") {
    check_refused(driver_code::kInvalidValue, [&] { driver->export_ipc(local + 256); });
    check_refused(driver_code::kInvalidValue, [&] { driver->export_ipc(0); });
    const DevicePtr freed = driver->allocate_local(kBytes);
    driver->free_local(freed);
    check_refused(driver_code::kInvalidValue, [&] { driver->export_ipc(freed); });
    const DevicePtr here = driver->open_ipc(peer->allocate(kBytes));
    check_refused(driver_code::kInvalidValue, [&] { driver->export_ipc(here); });
    driver->close_ipc(here);
  }

  SECTION("the exporting process cannot open its own memory") {
    check_refused(driver_code::kInvalidContext, [&] { driver->open_ipc(driver->export_ipc(local)); });
  }

  SECTION("memory that was freed is not opened, nor is what is no handle") {
    const DevicePtr freed = driver->allocate_local(2 * kBytes);
    const IpcBlob handle = driver->export_ipc(freed);
    driver->free_local(freed);
    CHECK(peer->open(handle).code == driver_code::kInvalidValue);
    CHECK(peer->open(IpcBlob{}).code == driver_code::kInvalidValue);
  }

  SECTION("only what was opened is closed, and it is not freed") {
    const DevicePtr there = opened(driver->export_ipc(local));
    CHECK(peer->close(there + 4096) == driver_code::kInvalidValue);
    CHECK(peer->close(0) == driver_code::kInvalidValue);
    CHECK(peer->free_local(there) == driver_code::kInvalidValue);
    check_refused(driver_code::kInvalidValue, [&] { driver->close_ipc(local); });
    CHECK(peer->close(there) == 0);
  }

  SECTION("local memory has handles of this type alone, and they are no others") {
    const AllocationSpec spec{.handle = HandleType::cuda_ipc};
    check_refused(driver_code::kInvalidValue, [&] { driver->create(kBytes, spec); });
    check_refused(driver_code::kInvalidValue, [&] { driver->granularity(spec, Granularity::minimum); });
    check_refused(driver_code::kInvalidHandle, [&] { driver->import_handle(driver->export_ipc(local)); });
  }

  driver->free_local(local);
}

}  // namespace symmbench
