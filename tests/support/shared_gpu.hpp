#pragma once
#include <memory>
#include <utility>

#include "device/host/host_driver.hpp"
#include "device/stream.hpp"

namespace symmbench::test {

/// A device that another process uses too: whenever somebody asks, `taken_bytes` more of its memory are gone.
class SharedGpu final : public Driver {
 public:
  explicit SharedGpu(std::uint64_t taken_bytes, std::uint64_t total_bytes = std::uint64_t{1} << 40)
      : taken_bytes_(taken_bytes), total_bytes_(total_bytes) {}

  MemoryInfo memory_info() override {
    ++asked_;
    MemoryInfo info = own_.memory_info();
    info.total_bytes = total_bytes_;
    info.free_bytes = total_bytes_ - asked_ * taken_bytes_;
    return info;
  }

  DeviceFacts facts() override { return own_.facts(); }
  std::uint64_t granularity(const AllocationSpec& spec, Granularity which) override {
    return own_.granularity(spec, which);
  }
  MemoryId create(std::uint64_t bytes, const AllocationSpec& spec) override { return own_.create(bytes, spec); }
  void release(MemoryId id) override { own_.release(id); }
  ShareableHandle export_handle(MemoryId id) override { return own_.export_handle(id); }
  MemoryId import_handle(const ShareableHandle& handle) override { return own_.import_handle(handle); }
  DevicePtr reserve(std::uint64_t bytes, std::uint64_t alignment) override { return own_.reserve(bytes, alignment); }
  void free_range(DevicePtr address, std::uint64_t bytes) override { own_.free_range(address, bytes); }
  void map(DevicePtr address, std::uint64_t bytes, MemoryId id) override { own_.map(address, bytes, id); }
  void unmap(DevicePtr address, std::uint64_t bytes) override { own_.unmap(address, bytes); }
  void set_access(DevicePtr address, std::uint64_t bytes) override { own_.set_access(address, bytes); }
  DevicePtr allocate_local(std::uint64_t bytes) override { return own_.allocate_local(bytes); }
  void free_local(DevicePtr address) override { own_.free_local(address); }
  IpcBlob export_ipc(DevicePtr address) override { return own_.export_ipc(address); }
  DevicePtr open_ipc(const IpcBlob& handle) override { return own_.open_ipc(handle); }
  void close_ipc(DevicePtr address) override { own_.close_ipc(address); }
  DevicePtr register_host(void* memory, std::uint64_t bytes) override { return own_.register_host(memory, bytes); }
  std::unique_ptr<Stream> make_stream() override { return own_.make_stream(); }

 private:
  HostDriver own_;
  std::uint64_t taken_bytes_, total_bytes_;
  std::uint64_t asked_ = 0;
};

}  // namespace symmbench::test
