#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "supervise/process_identity.hpp"

namespace symmbench {

/// What one supervisor knows of the others as processes: who they are, what was last heard of them. Blames nobody
/// without something that was seen: a process that is gone from /proc, or that was silent long before anybody stopped.
class PeerWatch {
 public:
  explicit PeerWatch(int size) : peers_(static_cast<std::size_t>(size)) {}

  /// A message of any kind came from it.
  void heard(int rank);
  void identify(int rank, ProcessIdentity who) { at(rank).who = std::move(who); }
  /// It passed this record of its worker on.
  void recorded(int rank, const Json& record);
  /// It said that it is about to leave; what becomes of its process says nothing from then on.
  void leaves(int rank) { at(rank).leaves = true; }

  /// The first rank whose process is gone without having said that it leaves: supervisor/crashed, with what was last
  /// heard of it. Each is told once. Other hosts are out of sight.
  std::optional<Failure> death();
  /// The first rank but `self` that has not been heard of for more than `silent_s`, nor said that it leaves: as silence().
  std::optional<Failure> frozen(int self, double silent_s);
  /// Silence counts from now on: nobody was to speak.
  void start_anew();
  /// For so long nobody could be heard, which is no silence of theirs. What came before stays one: a process that seldom
  /// gets a processor would otherwise never find another that stands still.
  void could_not_hear_for(double seconds);
  /// "node1, pid 4711: state T (stopped by a signal)": what can be seen of its process from here, and that it is only its
  /// silence where it is on another host: its own, or that of all ranks there.
  std::string sight(int rank) const;
  /// That `rank` was not heard of for so long, with what can be seen of its process: supervisor/timed_out, or crashed.
  Failure silence(int rank, double silent_s) const;
  /// Ranks out of sight that have been silent for more than `silent_s`, though they are to speak all the time: one line
  /// about each.
  std::vector<std::string> silent(double silent_s) const;

 private:
  struct Peer {
    ProcessIdentity who;
    bool leaves = false;
    std::optional<Clock::time_point> heard;
    std::string last_record;  ///< in words
  };

  Peer& at(int rank) { return peers_.at(static_cast<std::size_t>(rank)); }
  Failure death_of(int rank) const;
  std::string host_of_silence(int rank) const;

  std::vector<Peer> peers_;  ///< by world rank
};

}  // namespace symmbench
