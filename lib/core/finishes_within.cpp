#include "core/finishes_within.hpp"

#include <pthread.h>
#include <signal.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "core/clock.hpp"

namespace symmbench {
namespace {

/// What both threads know; the call itself goes when it has ended, on its thread.
struct Shared {
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
  std::exception_ptr thrown;
};

void run_to_its_end(Shared& shared, std::function<void()>& call) {
  std::exception_ptr thrown;
  try {
    call();
  } catch (...) {
    thrown = std::current_exception();
  }
  call = nullptr;
  const std::lock_guard lock(shared.mutex);
  shared.ended = true;
  shared.thrown = std::move(thrown);
  shared.changed.notify_one();
}

/// Whether a thread does it. Signals are for the threads that were there before.
bool begins(const std::shared_ptr<Shared>& shared, const std::shared_ptr<std::function<void()>>& call) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool begun = true;
  try {
    std::thread([shared, call] { run_to_its_end(*shared, *call); }).detach();
  } catch (const std::system_error&) {
    begun = false;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return begun;
}

}  // namespace

bool finishes_within(double seconds, std::function<void()> call) {
  const auto shared = std::make_shared<Shared>();
  const auto owned = std::make_shared<std::function<void()>>(std::move(call));
  if (!begins(shared, owned)) {
    (*owned)();
    return true;
  }
  std::unique_lock lock(shared->mutex);
  if (!shared->changed.wait_until(lock, Deadline::in(nanoseconds_of(seconds)).at(), [&] { return shared->ended; })) {
    return false;
  }
  if (shared->thrown) std::rethrow_exception(std::exchange(shared->thrown, nullptr));
  return true;
}

}  // namespace symmbench
