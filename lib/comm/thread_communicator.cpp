#include "comm/thread_communicator.hpp"

#include <fmt/format.h>

#include <condition_variable>
#include <mutex>

#include "comm/rounds.hpp"

namespace symmbench {

struct ThreadWorld::State {
  struct Mailbox {
    std::condition_variable arrived;
    std::optional<RoundResult> result;
  };

  State(int size, std::chrono::nanoseconds timeout) : step_timeout(timeout), table(timeout), mailboxes(size) {
    table.open_attempt(0, 0);
  }

  /// @pre mutex is held
  void deliver(const std::vector<Answer>& answers) {
    for (const Answer& answer : answers) {
      for (const int rank : answer.to) {
        mailboxes[rank].result = RoundResult{.round = answer.round, .outcome = answer.outcome};
        mailboxes[rank].arrived.notify_one();
      }
    }
  }

  RoundOutcome hold(Contribution contribution) {
    const RoundId id = contribution.round;
    std::unique_lock lock(mutex);
    Mailbox& mailbox = mailboxes[contribution.rank];
    mailbox.result.reset();
    deliver(table.contribute(std::move(contribution), Clock::now()));
    while (!mailbox.result || mailbox.result->round != id) {
      // Against the system clock because GCC 12's ThreadSanitizer does not know pthread_cond_clockwait, which a wait
      // on the steady clock becomes; a step of that clock costs at most one slice.
      mailbox.arrived.wait_until(lock, std::chrono::system_clock::now() + slice());
      deliver(table.expired(Clock::now()));
    }
    return std::move(mailbox.result->outcome);
  }

  /// How long to wait at once: until the next deadline of any round.
  std::chrono::nanoseconds slice() const {
    constexpr std::chrono::nanoseconds kLongest = std::chrono::seconds(1);
    const auto deadline = table.next_deadline();
    return deadline ? std::min(std::max(*deadline - Clock::now(), std::chrono::nanoseconds(0)), kLongest) : kLongest;
  }

  const std::chrono::nanoseconds step_timeout;
  std::mutex mutex;
  RoundTable table;
  std::vector<Mailbox> mailboxes;
};

namespace {

class ThreadCommunicator final : public Communicator {
 public:
  ThreadCommunicator(std::shared_ptr<ThreadWorld::State> state, const RoundScope& scope, int own_world_rank, bool root)
      : state_(std::move(state)), cursor_(scope), own_world_rank_(own_world_rank), root_(root) {}

  ~ThreadCommunicator() override {
    if (!root_) return;
    const std::lock_guard lock(state_->mutex);
    state_->deliver(state_->table.fail(0, 0, own_world_rank_,
                                       {.layer = Layer::worker, .reason = Reason::exited, .detail = "it left"}));
  }

  int rank() const override { return static_cast<int>(cursor_.scope().index_of(own_world_rank_).value()); }
  int size() const override { return static_cast<int>(cursor_.scope().size); }
  int world_rank(int group_rank) const override {
    return cursor_.scope().rank_at(static_cast<std::uint32_t>(group_rank));
  }
  std::chrono::nanoseconds step_timeout() const override { return state_->step_timeout; }

  std::vector<Blob> allgather(std::string_view step, std::span<const std::byte> mine) override {
    return blobs_or_throw(state_->hold({.round = cursor_.next(step),
                                        .rank = own_world_rank_,
                                        .step = std::string(step),
                                        .payload = Blob(mine.begin(), mine.end())}),
                          own_world_rank_);
  }

  std::unique_ptr<Communicator> split(int group_size) override {
    check_split(*this, group_size);
    return std::make_unique<ThreadCommunicator>(state_, cursor_.split(own_world_rank_, group_size), own_world_rank_,
                                                false);
  }

  std::unique_ptr<Communicator> among(std::span<const int> group_ranks, std::uint64_t which) override {
    return std::make_unique<ThreadCommunicator>(state_, cursor_.among(own_world_rank_, group_ranks, which),
                                                own_world_rank_, false);
  }

 private:
  std::shared_ptr<ThreadWorld::State> state_;
  RoundCursor cursor_;
  int own_world_rank_;
  bool root_;  ///< only the world communicator's end is the rank's end
};

}  // namespace

ThreadWorld::ThreadWorld(int size, std::chrono::nanoseconds step_timeout)
    : state_(std::make_shared<State>(size, step_timeout)) {}

int ThreadWorld::size() const { return static_cast<int>(state_->mailboxes.size()); }

std::unique_ptr<Communicator> ThreadWorld::communicator(int rank) {
  return std::make_unique<ThreadCommunicator>(state_, RoundScope{.size = static_cast<std::uint32_t>(size())}, rank,
                                              true);
}

void ThreadWorld::leave(int rank, const Failure& failure) {
  const std::lock_guard lock(state_->mutex);
  state_->deliver(state_->table.fail(0, 0, rank, failure));
}

}  // namespace symmbench
