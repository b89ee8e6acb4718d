#pragma once
#include <functional>
#include <memory>
#include <string_view>

#include "bench/device_sample.hpp"
#include "device/accounted_driver.hpp"
#include "device/collective_library.hpp"
#include "device/observed_driver.hpp"
#include "device/traced_driver.hpp"
#include "kernels/kernel_set.hpp"
#include "kernels/link_probe.hpp"
#include "memory/allocators.hpp"

namespace symmbench {

/// One device kind, ready for use by one worker: seam 1 and seam 2 together. app/backend.cpp makes it.
struct Backend {
  std::unique_ptr<DriverObserver> observer;  ///< shows the current driver call on the heartbeat page; outlives driver
  std::unique_ptr<DriverAccount> account;    ///< what `driver` holds of its device; outlives it
  std::unique_ptr<ObservedDriver> driver;
  std::unique_ptr<KernelSet> kernels;
  std::unique_ptr<LinkProbe> probe;  ///< null: there are no links to measure (emulated device)
  /// Called by the groups that need it only: it is large, and of no use to the others.
  std::function<LibraryChoice(Algorithm)> open_nccl = [](Algorithm reference) {
    return LibraryChoice{.problem = std::string(name_of(reference)) + " needs the cuda device"};
  };
  /// Who gives the memory of messages that are timed; empty, or nullptr in return: `driver`. A library may have its own.
  std::function<std::shared_ptr<void>(std::uint64_t bytes)> message_memory;
  /// How much longer a batch of this allocator is to take on this rank in this placement, as a share of its own time:
  /// what a run makes slower on purpose.
  std::function<double(std::string_view allocator, int placement)> slowed_by = [](std::string_view, int) {
    return 0.0;
  };
  /// Whether that is more than nothing on any rank; the same on all.
  bool slows_batches = false;
  /// The same of a read of a peer's memory, by the peer's world rank.
  std::function<double(int peer)> link_slowed_by = [](int) { return 0.0; };
  /// The allocator of this name. @throws as symmbench::make_allocator()
  std::function<std::unique_ptr<Allocator>(std::string_view name, MulticastUse multicast)> make_allocator =
      symmbench::make_allocator;
  /// What the device says of itself now; empty: it says nothing (emulated device). Not inside a measurement.
  std::function<DeviceSample()> sample;
  /// Whether the device is slowed down now; nullopt: it does not tell. Empty: nobody to ask. Not inside a measurement.
  std::function<std::optional<bool>()> slowed_down;
  /// What was reported of the device since the backend was made or this was last called; empty: nobody to ask.
  std::function<DeviceErrors()> errors;
  /// Keeps a stream of this device busy for so many microseconds.
  std::function<void(Stream& stream, double us)> delay;
  TracedDriver* trace = nullptr;  ///< keeps the calls of `driver`, which owns it; null: nobody asked
  DevicePtr give_up = 0;          ///< the heartbeat page's GiveUpRecord, as kernels address it
  bool emulated = true;           ///< times say nothing about hardware
};

}  // namespace symmbench
