#pragma once
#include <string>
#include <vector>

#include "core/error.hpp"
#include "supervise/heartbeat_page.hpp"
#include "supervise/observation.hpp"
#include "supervise/worker_process.hpp"

namespace symmbench {

/// An error that only says that somebody else did not come; the cause is still to be heard.
bool is_wait(const Failure& failure);

/// Everything that is known of one rank's worker when an attempt has been stopped.
struct MemberReport {
  int rank = 0;  ///< world rank
  WorkerEnd end;
  PageSnapshot page;
  bool page_unknown = false;    ///< its supervisor was not waited for
  std::vector<Failure> said;    ///< what it reported itself, in order
  std::vector<int> waited_for;  ///< ranks missing from the round in which it waited, if any
  bool hung = false;            ///< its supervisor found its allowance overdrawn
  std::string process = {};     ///< what /proc told of it before it was killed
  Observation seen = {};        ///< its end, or what it said
  Observation found_hung = {};  ///< that its allowance was overdrawn
  double paused_s = 0;          ///< how long its supervisor did not run, where that explains waits in vain
  int order = kUnheard;         ///< place among the news that ended the attempt; kUnheard: found out afterwards

  static constexpr int kUnheard = 1 << 30;
};

/// Why an attempt failed.
struct Attribution {
  Failure failure;
  std::vector<Failure> others;  ///< the rest of what was said, without repetitions
  bool hung = false;            ///< nobody failed; somebody did not move, or a wait was never answered
};

/// Decides who is to blame. A crash or an exit first, unless a worker had been found hung before it, which no death
/// explains: it is found so long after it stopped; then a rank's own error; then, when ranks only waited in vain,
/// the one that others wait for and that waits for nobody: it did not move. When everybody waits for somebody (a lost
/// packet), the wait itself is the failure, with its rank and peer.
/// Where nobody failed but a supervisor did not run for as long, that is the failure, and no allocator's: ranks wait for
/// one another by way of their supervisors.
/// Of several of a kind the one that its supervisor saw first; what came within the uncertainty of that says so.
/// `item_names`: case ids by item index, for messages. @pre members are in rank order, not empty
Attribution attribute(const std::vector<MemberReport>& members, const std::vector<std::string>& item_names);

}  // namespace symmbench
