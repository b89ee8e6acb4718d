#pragma once
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "comm/communicator.hpp"
#include "journal/records.hpp"

namespace symmbench {

/// Whether this rank's GPU was slowed down (power, heat) at construction or at answer(). Asks `slowed_down` once each;
/// where that is empty, nobody.
class SlowdownWatch {
 public:
  using Ask = std::function<std::optional<bool>()>;
  explicit SlowdownWatch(const Ask& slowed_down);
  std::optional<bool> answer() const;  ///< nullopt: the device does not tell

 private:
  const Ask& slowed_down_;
  std::optional<bool> before_;
};

/// World ranks of the group whose answer() is that their GPU was slowed down; nullopt where none can tell. Collective; the
/// same on every rank. @throws Error{comm, ...}
std::optional<std::vector<int>> slowed_ranks(Communicator& comm, std::optional<bool> mine);

/// Samples of a block as all ranks took them, and what each rank took in all, added to `rank_total_us` by group rank.
/// Collective; the same on every rank. `mine`: this rank's times, one per batch. @throws Error{comm, ...}
SampleBlock gather_block(Communicator& comm, SampleBlock which, std::span<const double> mine,
                         std::vector<double>& rank_total_us);

}  // namespace symmbench
