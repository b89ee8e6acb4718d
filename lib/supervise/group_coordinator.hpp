#pragma once
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "comm/rounds.hpp"
#include "core/clock.hpp"
#include "core/deadlines.hpp"
#include "core/json.hpp"
#include "supervise/attribution.hpp"
#include "supervise/work_queue.hpp"

namespace symmbench {

/// Bounds of one group's waits, for requests that bring none of their own (core/deadlines.hpp).
struct CoordinatorLimits {
  double round_s = 20;  ///< a round, from its first rank to its last
  double settle_s = deadline::kSettle_s;
  double stop_s = deadline::kStop_s;
};

/// What one supervisor answers to a stop.
struct StoppedReport {
  WorkerEnd end;
  PageSnapshot page;
  std::string process = {};  ///< what /proc told of it before it was killed; "" when it had ended by then
  Observation seen = {};     ///< of the end
  double paused_s = 0;       ///< MemberReport::paused_s
};

/// Leads one group of ranks through its requests, one worker life after the other. Holds no descriptor and no clock:
/// events and the time come in, commands go out, so that every story of failure can be told in a unit test.
/// Events of an attempt that is not the current one are dropped. Ranks are world ranks. `seen`: when it happened, as its
/// supervisor saw it, on the clock of `now`, when it was heard of.
class GroupCoordinator {
 public:
  struct Start {
    WorkRequest request;
  };
  struct Stop {
    int attempt;
  };
  struct Append {
    Json record;
  };
  using Command = std::variant<Start, Stop, Answer, Append>;  ///< Start and Stop go to every member

  /// Members are consecutive world ranks; the first is the leader. `sight_of`: what can be seen of the supervisor of a
  /// rank that does not answer, in words (PeerWatch::sight()); may be empty.
  GroupCoordinator(int group, std::vector<int> members, CoordinatorLimits limits,
                   std::function<std::string(int rank)> sight_of = {});

  /// The requests of the next run, in order. @pre finished()
  void begin(std::vector<WorkRequest> requests, Clock::time_point now);
  /// No further worker: stops what runs. That is no failure; of the case under way an event says that it was cut off.
  void halt(Clock::time_point now);
  /// After halt(): no answer is waited for any longer. What had happened by then is recorded.
  void leave(Clock::time_point now);

  void item_done(int attempt, int index);
  void contribute(Contribution contribution, Clock::time_point now);
  /// The worker said that it was done, and has left. `stopped_by`: what all ranks recorded as the failure of a round,
  /// after which a fresh worker is to go on.
  void worker_done(int attempt, int rank, Clock::time_point now, const std::optional<Failure>& stopped_by = {});
  void worker_died(int attempt, int rank, WorkerEnd end, Clock::time_point now, const Observation& seen = {});
  void worker_failed(int attempt, int rank, std::vector<Failure> failures, Clock::time_point now,
                     const Observation& seen = {});
  void worker_hung(int attempt, int rank, Clock::time_point now, const Observation& seen = {});
  void stopped(int attempt, int rank, StoppedReport report, Clock::time_point now);
  /// Deadlines. Call it often.
  void tick(Clock::time_point now);

  /// In the order in which they are to be carried out; empties the list.
  std::vector<Command> take_commands();

  int group() const { return group_; }
  const std::vector<int>& members() const { return members_; }
  bool finished() const { return state_ == State::idle || state_ == State::lost; }
  /// The rank whose supervisor did not answer; its group is finished for good.
  std::optional<int> lost_rank() const { return lost_rank_; }
  /// Some rank waits for others right now.
  bool round_open() const { return !open_rounds_.empty(); }

 private:
  enum class State { idle, running, settling, stopping, lost };
  struct Member {
    MemberReport report;
    bool done = false, stopped = false;
    bool spoke() const {
      return done || report.hung || !report.said.empty() || report.end.kind != WorkerEnd::Kind::running;
    }
  };

  /// Of the request that runs.
  double settle_s() const { return running_.deadlines ? running_.deadlines->settle_s : limits_.settle_s; }
  double stop_s() const { return running_.deadlines ? running_.deadlines->stop_s : limits_.stop_s; }
  bool current(int attempt) const { return attempt == attempt_ && state_ != State::idle && state_ != State::lost; }
  bool watching(int attempt) const {
    return attempt == attempt_ && (state_ == State::running || state_ == State::settling);
  }
  Member& member(int rank);
  bool waits_in_round(int rank) const;
  void answer(std::vector<Answer> answers);
  void start_next(Clock::time_point now);
  void on_event(Member& from, bool decisive, Clock::time_point now);
  void settle(Clock::time_point now);
  void stop_all(Clock::time_point now);
  void conclude(Clock::time_point now);
  void lose_silent_rank();
  void all_done(const std::optional<Failure>& stopped_by, Clock::time_point now);
  AttemptProgress progress(int begun, Clock::time_point now) const;
  /// Index of the item at which a worker is by its page, -1: at none. Rounds are one item.
  int item_of(const PageSnapshot& page) const;
  /// For messages and records: of the item that runs, "" where there is none.
  std::vector<std::string> item_names() const;
  void record_failure(const Attribution& attribution, const AttemptProgress& progress);
  void record_cut_off(int item);
  void record_given_up(const std::vector<GivenUp>& given_up, const Failure& failure);
  void append(Json record) { commands_.push_back(Append{std::move(record)}); }

  int group_;
  std::vector<int> members_;
  CoordinatorLimits limits_;
  std::function<std::string(int rank)> sight_of_;
  RoundTable rounds_;
  std::map<RoundId, std::vector<int>> open_rounds_;  ///< who came so far

  State state_ = State::idle;
  bool halted_ = false;
  std::deque<WorkRequest> requests_;
  std::optional<WorkQueue> queue_;
  bool restarted_ = false;  ///< the next start follows a failure
  WorkRequest running_;
  int attempt_ = -1;
  std::vector<bool> items_done_;
  std::uint64_t rounds_done_ = 0;  ///< by the worker that runs
  Clock::time_point started_;
  std::vector<Member> state_of_;  ///< by group rank
  int events_ = 0;
  bool cut_off_told_ = false;
  Clock::time_point settle_deadline_, stop_deadline_;
  std::optional<int> lost_rank_;
  std::vector<Command> commands_;
};

}  // namespace symmbench
