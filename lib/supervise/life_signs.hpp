#pragma once
#include <optional>
#include <vector>

#include "comm/transport.hpp"
#include "core/deadlines.hpp"
#include "supervise/messages.hpp"
#include "supervise/peer_watch.hpp"

namespace symmbench {

/// The signs by which supervisors know of each other: rank 0 and each other rank tell each other every deadline::kBeat_s that they
/// are there, and who they are as processes.
class LifeSigns {
 public:
  /// `leader_s`: without a word of rank 0 for so long, while it runs something, rank 0 is lost.
  LifeSigns(Transport& transport, double leader_s);

  /// Rank 0: a run begins, and with it the beat; the others wait `leader_s` for a word, and it waits `others_s` for each
  /// of theirs.
  void begin(double leader_s, double others_s);
  /// A supervisor that died; on rank 0, during a run, also one that is silent for too long: nobody else may be waiting
  /// for it. Each is told once.
  std::optional<Failure> fallen();
  /// Sends the sign that is due. Rank 0 also learns here that it was itself frozen for longer than the others wait.
  std::optional<Failure> beat();
  /// Rank 0: it will have other things to do than to speak for up to `within_s`.
  void announce(double within_s) noexcept;

  /// Every message, before anything else is made of it.
  void take(int from, const Opened& message);

  /// That this process itself did nothing for paused_s().
  Failure own_pause() const;
  /// For how long this process itself did nothing, the last time that this was longer than a beat.
  double paused_s() const;

  /// Time to look at processes: at once when `now`, else every beat.
  bool look_due(bool now);
  bool leader_lost() const { return leader_lost_.expired(); }
  /// Why rank 0 is lost.
  Failure leader_failure() const { return peers_.silence(0, leader_s_); }

  PeerWatch& peers() { return peers_; }
  /// Of the supervisor of `rank`: rank 0 alone learns of the others'.
  const ClockBounds& clock_of(int rank) const { return clocks_.at(static_cast<std::size_t>(rank)); }

 private:
  void tell_alive(double within_s);
  void learn_clock(int from, const ProcessIdentity& who, const Json& sign);

  Transport& transport_;
  double run_s_;  ///< leader_s of the run
  const ProcessIdentity self_ = this_process();
  PeerWatch peers_;
  std::vector<ClockBounds> clocks_;    ///< by rank
  Json leader_sign_ = Json::object();  ///< {leader_sent_ns, leader_heard_ns} of rank 0's last one
  Deadline beat_due_ = Deadline::in_seconds(0), look_due_ = Deadline::in_seconds(deadline::kBeat_s);
  Clock::time_point last_beat_ = Clock::now();
  double last_pause_s_ = 0, others_s_ = 0;
  bool running_ = false;      ///< rank 0 is in a run
  double leader_s_ = run_s_;  ///< within which rank 0 said that it would be heard of again
  Deadline leader_lost_ = Deadline::in_seconds(run_s_);
};

}  // namespace symmbench
