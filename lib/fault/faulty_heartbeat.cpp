#include "fault/faulty_heartbeat.hpp"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <utility>

namespace symmbench {
namespace {

void pause_for(double seconds) {
  timespec left{.tv_sec = static_cast<time_t>(seconds), .tv_nsec = 0};
  while (::nanosleep(&left, &left) != 0) {
  }
}

/// `spec` strikes this process or its supervisor. Returns where that outlives it.
void strike(const FaultSpec& spec) {
  switch (spec.fault->effect) {
    case FaultEffect::kill_worker:
      ::kill(::getpid(), SIGKILL);
      break;
    case FaultEffect::stop_worker:
      ::kill(::getpid(), SIGSTOP);
      break;
    case FaultEffect::stall_worker:
      pause_for(spec.seconds);
      break;
    case FaultEffect::kill_rank:
      ::kill(::getppid(), SIGKILL);  // and with it this process
      pause_for(spec.seconds);
      break;
    case FaultEffect::freeze_rank: {
      const pid_t supervisor = ::getppid();
      ::kill(supervisor, SIGSTOP);
      pause_for(spec.seconds);
      ::kill(supervisor, SIGCONT);
      break;
    }
    default:
      break;
  }
}

}  // namespace

FaultyHeartbeat::FaultyHeartbeat(Heartbeat& page, const WorkRequest& request, std::vector<const FaultSpec*> faults,
                                 Announce announce)
    : PointHeartbeat(page, request), announce_(std::move(announce)) {
  for (const FaultSpec* spec : faults) planned_.push_back({.spec = spec});
}

void FaultyHeartbeat::reached(const WorkPoint& point) {
  const auto phase = phase_from(point.step);
  if (!phase) return;  // within one
  phase_ = phase;
  for (Planned& planned : planned_) {
    const FaultSpec& spec = *planned.spec;
    if (spec.phase != phase || ++planned.met != spec.at) continue;
    ++*spec.struck;
    announce_(spec);
    strike(spec);
  }
}

}  // namespace symmbench
