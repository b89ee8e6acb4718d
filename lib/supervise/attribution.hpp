#pragma once
#include <string>
#include <vector>

#include "core/error.hpp"
#include "supervise/heartbeat_page.hpp"
#include "supervise/worker_process.hpp"

namespace symmbench {

/// An error that only says that somebody else did not come; the cause is still to be heard.
bool is_wait(const Failure& failure);

/// Everything that is known of one rank's worker when an attempt has been stopped.
struct MemberReport {
  int rank = 0;  ///< world rank
  WorkerEnd end;
  PageSnapshot page;
  std::vector<Failure> said;    ///< what it reported itself, in order
  std::vector<int> waited_for;  ///< ranks missing from the round in which it waited, if any
  bool hung = false;            ///< its supervisor found its allowance overdrawn
  std::string process = {};     ///< what /proc told of it before it was killed
  int order = kUnheard;         ///< place among the news that ended the attempt; kUnheard: found out afterwards

  static constexpr int kUnheard = 1 << 30;
};

/// Why an attempt failed.
struct Attribution {
  Failure failure;
  std::vector<Failure> others;  ///< the rest of what was said, without repetitions
  bool hung = false;            ///< nobody failed; somebody did not move, or a wait was never answered
};

/// Decides who is to blame. A crash or an exit first; then a rank's own error; then, when ranks only waited in vain,
/// the one that others wait for and that waits for nobody: it did not move. When everybody waits for somebody (a lost
/// packet), the wait itself is the failure, with its rank and peer.
/// `item_names`: case ids by item index, for messages. @pre members are in rank order, not empty
Attribution attribute(const std::vector<MemberReport>& members, const std::vector<std::string>& item_names);

}  // namespace symmbench
