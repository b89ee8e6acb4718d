#include "supervise/worker_link.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "supervise/worker_run.hpp"

namespace symmbench {

/// Shared with the thread, which may outlive the link: it cannot be killed.
struct WorkerLink::Thread {
  std::thread thread;
  std::atomic<int> status{kRunning};
  static constexpr int kRunning = -1;
};

WorkerLink::WorkerLink(const WorkerLaunch& launch, const WorkerAssignment& assignment)
    : page_(std::make_shared<HeartbeatPage>(HeartbeatPage::create(launch.start_s))) {
  auto [own, workers] = make_channel_sockets();
  channel_ =
      std::make_unique<FrameChannel>(std::move(own), fmt::format("the worker of rank {}", assignment.world_rank));
  if (!launch.channel_faults.empty()) channel_->use(std::make_unique<FaultySocket>(launch.channel_faults));
  channel_->queue(message::kWork, body_of(to_json(assignment)));
  if (launch.isolate) {
    process_ = std::make_unique<WorkerProcess>(launch.argv, workers.get(), page_->fd());
  } else {
    thread_ = std::make_shared<Thread>();
    auto channel = std::make_shared<FrameChannel>(std::move(workers), "the supervisor");
    thread_->thread = std::thread([state = thread_, page = page_, channel, task = launch.task] {
      state->status.store(run_worker(*channel, *page, task), std::memory_order_release);
    });
  }
  channel_->flush();
}

WorkerLink::~WorkerLink() {
  if (!thread_) return;
  kill();
  if (thread_->status.load(std::memory_order_acquire) == Thread::kRunning) {
    thread_->thread.detach();
  } else {
    thread_->thread.join();
  }
}

PageSnapshot WorkerLink::snapshot() const { return page_->snapshot(); }

WorkerEnd WorkerLink::poll() {
  if (process_) return process_->poll();
  const int status = thread_->status.load(std::memory_order_acquire);
  return status == Thread::kRunning ? WorkerEnd{} : WorkerEnd{WorkerEnd::Kind::exited, status};
}

void WorkerLink::kill() {
  if (process_) {
    process_->kill();
  } else {
    shutdown(channel_->fd(), SHUT_RDWR);
  }
}

}  // namespace symmbench
