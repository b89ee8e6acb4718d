#pragma once
#include <memory>

#include "device/call_record.hpp"
#include "device/driver.hpp"

namespace symmbench {

/// Forwards every function of Driver to another driver, each through around(). What a decorator does with calls is one
/// function, and does not change when Driver grows.
class DriverDecorator : public Driver {
 public:
  explicit DriverDecorator(std::unique_ptr<Driver> inner);
  DriverDecorator(const DriverDecorator&) = delete;
  DriverDecorator& operator=(const DriverDecorator&) = delete;
  ~DriverDecorator() override;

  DeviceFacts facts() final;
  MemoryInfo memory_info() final;
  std::uint64_t granularity(const AllocationSpec& spec, Granularity which) final;
  MemoryId create(std::uint64_t bytes, const AllocationSpec& spec) final;
  void release(MemoryId id) final;
  ShareableHandle export_handle(MemoryId id) final;
  MemoryId import_handle(const ShareableHandle& handle) final;
  DevicePtr reserve(std::uint64_t bytes, std::uint64_t alignment) final;
  void free_range(DevicePtr address, std::uint64_t bytes) final;
  void map(DevicePtr address, std::uint64_t bytes, MemoryId id) final;
  void unmap(DevicePtr address, std::uint64_t bytes) final;
  void set_access(DevicePtr address, std::uint64_t bytes) final;
  std::uint64_t multicast_granularity(const MulticastSpec& spec, Granularity which) final;
  MemoryId create_multicast(const MulticastSpec& spec) final;
  void add_device(MemoryId object) final;
  void bind_memory(MemoryId object, std::uint64_t offset, MemoryId memory, std::uint64_t bytes) final;
  void unbind_memory(MemoryId object, std::uint64_t offset, std::uint64_t bytes) final;
  DevicePtr allocate_local(std::uint64_t bytes) final;
  void free_local(DevicePtr address) final;
  IpcBlob export_ipc(DevicePtr address) final;
  DevicePtr open_ipc(const IpcBlob& handle) final;
  void close_ipc(DevicePtr address) final;
  DevicePtr register_host(void* memory, std::uint64_t bytes) final;
  std::unique_ptr<Stream> make_stream() final;

 protected:
  /// Called for each call instead of the inner driver. Runs `body`, which is the call, or throws in its place. `call`
  /// lives as long as this runs and holds the call's result, or its failure, once `body` has returned or thrown.
  virtual void around(const CallRecord& call, const CallBody& body) = 0;

  /// What make_stream() hands out for a stream of the inner driver; the stream itself unless overridden.
  virtual std::unique_ptr<Stream> decorate(std::unique_ptr<Stream> stream);

 private:
  void forward(CallRecord& record, const CallBody& call);

  std::unique_ptr<Driver> inner_;
};

}  // namespace symmbench
