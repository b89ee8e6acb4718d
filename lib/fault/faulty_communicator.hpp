#pragma once
#include <memory>
#include <vector>

#include "comm/communicator.hpp"
#include "fault/fault_plan.hpp"

namespace symmbench {

/// A rank's part in the rounds of its group, with other values in it than the rank means to bring, or a round too many.
/// Groups split off it are unbroken.
class FaultyCommunicator final : public Communicator {
 public:
  /// Not owned: `inner` and the specs, which are of seam `round`.
  FaultyCommunicator(Communicator& inner, std::vector<const FaultSpec*> faults, PhaseNow phase_now);

  int rank() const override { return inner_.rank(); }
  int size() const override { return inner_.size(); }
  int world_rank(int group_rank) const override { return inner_.world_rank(group_rank); }
  std::vector<Blob> allgather(std::string_view step, std::span<const std::byte> mine) override;
  std::unique_ptr<Communicator> split(int group_size) override { return inner_.split(group_size); }
  std::unique_ptr<Communicator> among(std::span<const int> group_ranks, std::uint64_t which) override {
    return inner_.among(group_ranks, which);
  }
  std::chrono::nanoseconds step_timeout() const override { return inner_.step_timeout(); }

 private:
  struct Planned {
    const FaultSpec* spec;
    std::uint64_t met = 0;  ///< rounds that it could strike
  };

  Communicator& inner_;
  std::vector<Planned> planned_;
  PhaseNow phase_now_;
};

}  // namespace symmbench
