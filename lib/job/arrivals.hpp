#pragma once
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "supervise/launched.hpp"

namespace symmbench {

/// Who keeps MPI_Init from returning: of each look at the launch's processes on this host, what is to be said and whether to
/// give up. Pure.
class Arrivals {
 public:
  /// `host`: this one, for messages. Every wait takes `widened_by` times as long as in namespace deadline.
  Arrivals(LaunchPlace place, std::string host, double widened_by);

  struct Answer {
    std::string say;            ///< a line for stderr without its end; empty: nothing
    bool give_up = false;       ///< the process is to end
    double speaks_after_s = 0;  ///< with what it says as it ends: who knows most comes first
  };
  /// `waited_s`: since this process arrived.
  Answer look(const LaunchView& view, double waited_s);

  double bound_s() const { return bound_s_; }
  /// Between two looks, each of which reads about every process of the host. The first few ranks look every other second;
  /// who stands further back is not the one to speak, as a rule, and looks less often, so that all of a host together look
  /// some ten times a second however many they are.
  double between_looks_s() const;

 private:
  std::optional<Answer> of_ended(const LaunchView& view, double waited_s);
  std::string missing_here(const LaunchView& view) const;

  const LaunchPlace place_;
  const std::string host_;
  const double bound_s_, first_look_s_;
  std::set<int> known_;         ///< ranks that were seen here at some time
  std::set<int> ended_before_;  ///< as the look before found
  bool ended_unknown_before_ = false;
  bool said_ = false;
};

/// Bounds MPI_Init, which waits for every process that the launcher has started, whatever those do: while it lives, a thread
/// looks who of this host has come, tells after a while for whom the others wait, and ends the process with
/// deadline::kGivenUpStatus and a line on stderr that names them when one of them has ended, or time is up. Without a
/// launcher, or where the system has no thread left, it does nothing.
class ArrivalWatch {
 public:
  explicit ArrivalWatch(double widened_by);
  ArrivalWatch(const ArrivalWatch&) = delete;
  ArrivalWatch& operator=(const ArrivalWatch&) = delete;
  ~ArrivalWatch();

 private:
  void watch(Arrivals arrivals, const LaunchPlace& place);
  bool over_within(double seconds);

  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;
};

/// How many times longer start-up and end may take than on a machine with a core for each task, as far as this process can
/// see before it knows of the others: widening() of this host, times `scale` (--deadline-scale) where that is above 1.
double start_widening(double scale);

}  // namespace symmbench
