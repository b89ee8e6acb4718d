#pragma once
#include <chrono>
#include <optional>
#include <span>

#include "core/error.hpp"
#include "device/driver.hpp"
#include "kernels/protocol/view.hpp"

namespace symmbench {

/// A GiveUpRecord in words: who waited how long for what of whom, with world ranks (index of `world_ranks` = group
/// rank). nullopt when its tag says that nothing happened.
std::optional<Failure> explain_give_up(const GiveUpRecord& record, std::span<const int> world_ranks,
                                       std::chrono::nanoseconds wait_limit);

/// Where kernels of this rank leave word of a wait that reached its limit.
struct GiveUp {
  DevicePtr record = 0;                    ///< GiveUpRecord in host-visible memory, as kernels address it; 0: none
  GiveUpRecord* record_on_host = nullptr;  ///< the same as this process addresses it; null: the address is the same
  std::chrono::nanoseconds wait_limit{};   ///< of one wait inside a kernel

  void clear() const;
  /// Call after synchronize(): what was left there, in world ranks (index of `world_ranks` = group rank), or nullopt.
  std::optional<Failure> failure(std::span<const int> world_ranks) const;

 private:
  GiveUpRecord* on_host() const;
};

}  // namespace symmbench
