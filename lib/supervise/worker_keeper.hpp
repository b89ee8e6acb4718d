#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/deadlines.hpp"
#include "journal/lifecycle_spans.hpp"
#include "supervise/worker_link.hpp"

namespace symmbench {

/// What a supervisor does for the one worker of its rank: starts it on request, passes its news to the coordinator, its
/// rounds there and back, watches its page, and kills it when told. Nothing waits; tick() moves everything on.
class WorkerKeeper {
 public:
  struct Options {
    WorkerLaunch launch;
    double watchdog_s = 30;  ///< beyond what the worker allows itself; a request's own deadlines come first
    double round_s = 20;     ///< the same
    std::string job_nonce;
    double silent_s = deadline::kSilent_s;  ///< that this process may not run before it counts as stopped
    /// Strike the channel of each worker until one has failed; the next is spared.
    ChannelFaults channel_faults = {};
    /// Records of what befell the host, told before each end of a request; empty: nobody looks. Must not throw.
    std::function<std::vector<Json>()> host_news = {};
  };
  /// Sends a message to the coordinator on rank 0.
  using Tell = std::function<void(std::uint32_t kind, std::span<const std::byte> body)>;

  /// `group`, `first_rank` and `group_size` describe the group that `world_rank` belongs to. `journal` hears the
  /// worker's records; not owned.
  WorkerKeeper(Options options, int world_rank, int group_size, RecordSink& journal, Tell tell);

  /// kStart, kStop or kRoundResult from the coordinator.
  void handle(std::uint32_t kind, std::span<const std::byte> body);
  /// Looks at channel, process and page. True when something happened.
  bool tick();
  /// Ends the worker, says nothing about its end unless asked to stop it, and starts no other.
  void dismiss();

  /// For poll(2); -1 when there is nothing to listen to.
  int fd() const;
  bool wants_write() const { return link_ && link_->channel().wants_write(); }
  /// The worker waits for the answer to a round.
  bool in_round() const { return link_ && rounds_waiting_ > 0; }
  bool has_worker() const { return link_ != nullptr; }

 private:
  void start(WorkRequest request);
  void stop(int attempt);
  void forward(const Frame& frame);
  void flush();
  bool drain();
  void channel_failed(const Failure& failure);
  void look_at_page();
  void look_at_clock(Clock::time_point now);
  void ended(WorkerEnd end);
  void report_stopped(WorkerEnd end);
  void fail(Failure failure);
  /// Of what this look finds.
  Observation seen_now() const { return {.after = seen_unchanged_, .by = Clock::now()}; }
  void tell(std::uint32_t kind, const Json& body);

  Options options_;
  int world_rank_, group_, group_size_;
  RecordSink& journal_;
  Tell tell_;
  LifecycleSpans spans_;  ///< the way of the worker's records to `journal_` and to rank 0

  std::unique_ptr<WorkerLink> link_;
  int attempt_ = -1;
  double watchdog_s_ = 0, die_s_ = 0;  ///< of the request that runs
  Json stopped_by_;                    ///< as the worker said when it was done
  bool said_done_ = false, said_failed_ = false, said_hung_ = false, broken_ = false, dismissed_ = false;
  int rounds_waiting_ = 0;
  Clock::time_point answered_at_;          ///< last round result: until then the worker was not to blame for waiting
  std::optional<Deadline> stop_deadline_;  ///< set: it was told to stop
  PageSnapshot last_page_;
  WorkerEnd last_end_;
  Observation last_seen_;             ///< of that end
  Clock::time_point seen_unchanged_;  ///< the last look that found the worker running, and nothing amiss
  Clock::time_point resumed_at_;      ///< when this process last found that it had not run for a while
  double tolerated_s_ = 0;            ///< between two looks; more explains that others waited in vain
  double paused_s_ = 0;               ///< the longest time above that
  std::string process_;               ///< what /proc told of the worker when it was to be stopped
  bool killed_by_others_ = false;     ///< a SIGKILL was under way before ours
};

}  // namespace symmbench
