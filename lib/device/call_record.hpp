#pragma once
#include <cstdint>
#include <functional>
#include <optional>

#include "core/error.hpp"
#include "device/driver.hpp"
#include "device/driver_call.hpp"

namespace symmbench {

/// One call of a Driver, a Stream or a Graph: what it was given and, once it has returned, what came of it. Fields that
/// the call has no use for keep their initial values.
struct CallRecord {
  DriverCall call = DriverCall::facts;
  std::uint64_t bytes = 0;           ///< given; the result of granularity
  std::uint64_t alignment = 0;       ///< reserve
  DevicePtr address = 0;             ///< given, or the result; the destination of copy and fill
  MemoryId memory = MemoryId::none;  ///< given, or the result
  MemoryId object = MemoryId::none;  ///< the multicast object of add_device, bind_memory and unbind_memory
  std::uint32_t word = 0;            ///< the pattern of fill
  AllocationSpec spec;               ///< create, granularity
  MulticastSpec team;                ///< create_multicast, multicast_granularity
  Granularity which = Granularity::minimum;
  std::optional<HandleType> handle;  ///< of the memory or handle, where the call knows it
  std::optional<Failure> failure;    ///< what the call threw; nullopt before it returned, and when it succeeded
};

/// The call itself. To be run at most once; throws what the call throws, after it was kept in the record.
using CallBody = std::function<void()>;

/// Runs `body` and keeps the failure that it throws in `record`.
void run_recorded(CallRecord& record, const CallBody& body);

}  // namespace symmbench
