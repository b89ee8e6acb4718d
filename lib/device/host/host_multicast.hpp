#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "device/driver.hpp"
#include "device/driver_call.hpp"
#include "device/host/multicast_team.hpp"

namespace symmbench {

/// What the emulated device offers of multicast, where it has it.
struct MulticastOptions {
  bool fabric_manager_runs = true;               ///< without it calls are not_ready, although the attribute is set
  std::uint64_t granularity = 2ull << 20;        ///< the minimum; a multiple of that of memory
  std::uint64_t recommended_granularity = 0;     ///< a multiple of the minimum; 0: the minimum
  std::uint32_t partition = 0;                   ///< of the fabric: a team is of one
  std::chrono::milliseconds team_limit{10'000};  ///< how long binding and mapping wait for the whole team
};

/// The multicast objects of one HostDriver, by their ids, and what it has bound. Functions throw as those of Driver.
class HostMulticast {
 public:
  using Team = std::shared_ptr<MulticastTeam>;

  /// Without `supported`, the attribute, calls are not_supported.
  HostMulticast(const MulticastOptions& options, bool supported, std::uint64_t device)
      : options_(options), supported_(supported), device_(device) {}

  bool has(MemoryId id) const { return teams_.contains(id); }
  std::uint64_t granularity(Granularity which) const;

  Team make(const MulticastSpec& spec, std::uint64_t memory_granularity) const;
  void check_import() const { check(DriverCall::import_handle); }
  void keep(MemoryId id, Team team) { teams_.emplace(id, std::move(team)); }
  const Team& find(MemoryId id, DriverCall call) const;
  /// False where the id is none of a multicast object.
  bool release(MemoryId id) { return teams_.erase(id) != 0; }

  void add(MemoryId object) const;
  void bind(MemoryId object, std::uint64_t offset, const std::shared_ptr<HostMemory>& memory, std::uint64_t bytes);
  /// What was bound: the caller settles its accounts.
  std::shared_ptr<HostMemory> unbind(MemoryId object, std::uint64_t offset, std::uint64_t bytes);
  /// Maps it: waits for the whole team, and lets multicast_members() know it at `address`.
  void place(const Team& team, DevicePtr address) const {
    team->wait_complete(options_.team_limit, DriverCall::map);
    note_multicast_mapping(address, team);
  }

 private:
  void check(DriverCall call) const;
  void check_piece(std::uint64_t offset, std::uint64_t bytes, DriverCall call) const;

  MulticastOptions options_;
  bool supported_;
  std::uint64_t device_;
  std::unordered_map<MemoryId, Team> teams_;
  /// By object. Alive for it after its release().
  std::unordered_map<MemoryId, std::shared_ptr<HostMemory>> bound_;
};

}  // namespace symmbench
