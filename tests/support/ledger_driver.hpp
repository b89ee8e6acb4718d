#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "device/driver.hpp"
#include "device/stream.hpp"

namespace symmbench::test {

/// What a driver has handed out and not been given back, and what was called in which order.
struct Ledger {
  std::set<MemoryId> memories;
  std::map<DevicePtr, std::uint64_t> ranges, mappings;
  std::set<DevicePtr> locals;
  std::vector<AllocationSpec> created;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> reserved;  ///< bytes, alignment
  std::vector<std::string> calls;                                 ///< CUDA names without "cuMem"; queries left out

  bool balanced() const { return memories.empty() && ranges.empty() && mappings.empty() && locals.empty(); }
};

/// Decorator: keeps a Ledger of the calls that succeeded below it.
class LedgerDriver final : public Driver {
 public:
  LedgerDriver(std::unique_ptr<Driver> inner, Ledger& ledger) : inner_(std::move(inner)), ledger_(ledger) {}

  DeviceFacts facts() override { return inner_->facts(); }
  MemoryInfo memory_info() override { return inner_->memory_info(); }
  std::uint64_t granularity(const AllocationSpec& spec, Granularity which) override {
    note(which == Granularity::recommended ? "GetAllocationGranularity(RECOMMENDED)" : "GetAllocationGranularity");
    return inner_->granularity(spec, which);
  }
  MemoryId create(std::uint64_t bytes, const AllocationSpec& spec) override {
    note("Create");
    const auto id = inner_->create(bytes, spec);
    ledger_.created.push_back(spec);
    ledger_.memories.insert(id);
    return id;
  }
  void release(MemoryId id) override {
    note("Release");
    inner_->release(id);
    ledger_.memories.erase(id);
  }
  ShareableHandle export_handle(MemoryId id) override {
    note("ExportToShareableHandle");
    return inner_->export_handle(id);
  }
  MemoryId import_handle(const ShareableHandle& handle) override {
    note("ImportFromShareableHandle");
    const auto id = inner_->import_handle(handle);
    ledger_.memories.insert(id);
    return id;
  }
  DevicePtr reserve(std::uint64_t bytes, std::uint64_t alignment) override {
    note("AddressReserve");
    const auto address = inner_->reserve(bytes, alignment);
    ledger_.reserved.emplace_back(bytes, alignment);
    ledger_.ranges.emplace(address, bytes);
    return address;
  }
  void free_range(DevicePtr address, std::uint64_t bytes) override {
    note("AddressFree");
    inner_->free_range(address, bytes);
    ledger_.ranges.erase(address);
  }
  void map(DevicePtr address, std::uint64_t bytes, MemoryId id) override {
    note("Map");
    inner_->map(address, bytes, id);
    ledger_.mappings.emplace(address, bytes);
  }
  void unmap(DevicePtr address, std::uint64_t bytes) override {
    note("Unmap");
    inner_->unmap(address, bytes);
    ledger_.mappings.erase(address);
  }
  void set_access(DevicePtr address, std::uint64_t bytes) override {
    note("SetAccess");
    inner_->set_access(address, bytes);
  }
  DevicePtr allocate_local(std::uint64_t bytes) override {
    const auto address = inner_->allocate_local(bytes);
    ledger_.locals.insert(address);
    return address;
  }
  void free_local(DevicePtr address) override {
    inner_->free_local(address);
    ledger_.locals.erase(address);
  }
  std::unique_ptr<Stream> make_stream() override { return inner_->make_stream(); }

 private:
  void note(const char* call) { ledger_.calls.emplace_back(call); }

  std::unique_ptr<Driver> inner_;
  Ledger& ledger_;
};

}  // namespace symmbench::test
