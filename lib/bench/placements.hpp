#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/allocator_setup.hpp"
#include "bench/allocator_workspace.hpp"

namespace symmbench {

/// The workspaces of a group of cases, as often as their times are to be measured at another place in memory.
/// Placement 0 is what the allocators gave when the group began, as upstream's do. The others have the same layouts,
/// brought up behind dummy allocations of seeded sizes and in a seeded order of the allocators; they stand beside
/// placement 0, so that no two are at one place, and beside it they only lack a segment of the bench's own.
class Placements {
 public:
  /// `setups` are brought up, and outlive this.
  Placements(WorkerContext& context, const WorkerConfig& config, Backend& backend,
             std::map<std::string, AllocatorSetup>& setups);

  /// Collective. Whether placement `index` stands; those up to it are brought up. Not where they would take more than
  /// their share of the free memory (half of a GPU's; of a host's a quarter, over the ranks) or of the descriptors, or
  /// where those before took long: the same on every rank, from then on no more are, and an event tells why.
  /// @throws PhaseFailed, or Error{comm} when the ranks lost each other
  bool provide(std::size_t index);
  /// @pre provide(index), and placement 0 of this allocator is ready
  AllocatorWorkspace at(const std::string& allocator, std::size_t index) const;
  /// Collective. All but placement 0. @throws PhaseFailed{close}
  void close();

 private:
  using ByAllocator = std::map<std::string, std::unique_ptr<Workspace>>;

  /// What is too little for another placement; of several the last.
  enum class Shortage : std::uint8_t { none, time, descriptors, memory };

  bool room_for_another();
  void tell_shortage(Shortage what, int rank);
  void bring_up_another();
  std::vector<std::string> ready_names() const;

  WorkerContext& context_;
  const WorkerConfig& config_;
  Backend& backend_;
  std::map<std::string, AllocatorSetup>& setups_;
  PhaseClock unheard_;
  std::vector<ByAllocator> further_;  ///< index 0 is placement 1
  std::uint64_t share_bytes_ = 0;     ///< of this rank, for all of them
  double spent_us_ = 0;
  bool full_ = false;
};

}  // namespace symmbench
