#pragma once
#include <filesystem>

#include "supervise/work_point.hpp"

namespace symmbench {

/// For tests of whole runs, which kill, stop or signal processes at a certain place: the environment variable that
/// names the folder of HeldHeartbeat. Unset, as everywhere else, nothing of this exists in a worker.
inline constexpr const char* kHoldVariable = "SYMMBENCH_HOLD";

/// Holds a worker wherever the folder has a FIFO of the name "<point>.rank<world rank>" ("measure.2.use.rank3"): the
/// worker opens it to read and waits for the end of file. Whoever can open it to write without waiting knows that the
/// worker is there, and lets it go by closing it; so no hold outlives the test that asked for it. A FIFO that has been
/// removed holds nobody, which is how a fresh worker gets past the point that its predecessor was held at.
/// The worker's allowance is renewed while it is held, and begins anew after; so one that is stopped while it is held is
/// found hung. What other ranks allow it does run.
class HeldHeartbeat final : public PointHeartbeat {
 public:
  HeldHeartbeat(Heartbeat& page, const WorkRequest& request, std::filesystem::path folder, int world_rank);

 private:
  void reached(const WorkPoint& point) override;

  std::filesystem::path folder_;
  int world_rank_;
};

}  // namespace symmbench
