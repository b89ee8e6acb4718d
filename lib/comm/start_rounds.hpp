#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "comm/transport.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"

namespace symmbench {

/// What supervisors tell one another before there is a coordinator, and once more when they leave: rounds by way of
/// rank 0, each bounded, none of which MPI has to complete. (A collective that a rank never enters has no end, and does
/// not tell who it was.) Every rank must call gather() with the same steps in the same order.
class StartRounds {
 public:
  /// Not owned: `transport`, which carries nothing else. `limit_s`: how long rank 0 waits for the last rank of a round;
  /// the others wait twice as long for rank 0, which so speaks first.
  StartRounds(Transport& transport, double limit_s) : transport_(transport), limit_s_(limit_s) {}

  /// Every rank's text, by rank, on every rank. The same failure on every rank that came, noticed by rank 0, which is
  /// its `rank`; `peer` is the first rank that is to blame:
  /// @throws Error{comm, timed_out} ranks that did not come; Error{comm, disagreement} a rank that is at another step,
  /// at once; Error{comm, timed_out} with the own rank as `rank` and peer 0 where rank 0 does not answer
  std::vector<std::string> gather(std::string_view step, const std::string& mine);

 private:
  std::vector<std::string> lead(std::string_view step, const std::string& mine);
  [[noreturn]] void fail(Reason reason, int peer, std::string detail);
  std::optional<PeerMessage> next(const Deadline& deadline);

  Transport& transport_;
  double limit_s_;
};

}  // namespace symmbench
