#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "device/driver_decorator.hpp"

namespace symmbench::test {

/// What a driver has handed out and not been given back, and what was called in which order.
struct Ledger {
  std::set<MemoryId> memories;
  std::map<DevicePtr, std::uint64_t> ranges, mappings;
  std::set<DevicePtr> locals;
  std::multiset<DevicePtr> opened;
  std::vector<AllocationSpec> created;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> reserved;  ///< bytes, alignment
  std::vector<std::string> calls;                                 ///< CUDA names without "cuMem"; of shared memory only

  bool balanced() const {
    return memories.empty() && ranges.empty() && mappings.empty() && locals.empty() && opened.empty();
  }
};

/// Decorator: keeps a Ledger of the calls that succeeded below it.
class LedgerDriver final : public DriverDecorator {
 public:
  LedgerDriver(std::unique_ptr<Driver> inner, Ledger& ledger) : DriverDecorator(std::move(inner)), ledger_(ledger) {}

 private:
  void around(const CallRecord& call, const CallBody& body) override {
    note(call);
    body();
    switch (call.call) {
      case DriverCall::create:
        ledger_.created.push_back(call.spec);
        ledger_.memories.insert(call.memory);
        break;
      case DriverCall::import_handle:
      case DriverCall::create_multicast:
        ledger_.memories.insert(call.memory);
        break;
      case DriverCall::release:
        ledger_.memories.erase(call.memory);
        break;
      case DriverCall::reserve:
        ledger_.reserved.emplace_back(call.bytes, call.alignment);
        ledger_.ranges.emplace(call.address, call.bytes);
        break;
      case DriverCall::free_range:
        ledger_.ranges.erase(call.address);
        break;
      case DriverCall::map:
        ledger_.mappings.emplace(call.address, call.bytes);
        break;
      case DriverCall::unmap:
        ledger_.mappings.erase(call.address);
        break;
      case DriverCall::allocate_local:
        ledger_.locals.insert(call.address);
        break;
      case DriverCall::free_local:
        ledger_.locals.erase(call.address);
        break;
      case DriverCall::open_ipc:
        ledger_.opened.insert(call.address);
        break;
      case DriverCall::close_ipc:
        ledger_.opened.erase(ledger_.opened.find(call.address));
        break;
      default:
        break;
    }
  }

  void note(const CallRecord& call) {
    const std::string_view name = name_of(call.call);
    constexpr std::string_view kPrefix = "cuMem";
    switch (call.call) {
      case DriverCall::facts:
      case DriverCall::memory_info:
      case DriverCall::allocate_local:
      case DriverCall::free_local:
      case DriverCall::register_host:
      case DriverCall::make_stream:
        return;
      default:
        ledger_.calls.emplace_back(name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name);
        if (call.which == Granularity::recommended) ledger_.calls.back() += "(RECOMMENDED)";
    }
  }

  Ledger& ledger_;
};

}  // namespace symmbench::test
