#include "supervise/signals.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <mutex>

namespace symmbench {
namespace {

std::atomic<int> g_received{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler writes it");

std::mutex g_mutex;
int g_watches = 0;
struct sigaction g_old_term, g_old_int;

extern "C" void note_signal(int signal) {
  int none = 0;
  if (g_received.compare_exchange_strong(none, signal)) alarm(SignalWatch::kLeaveWithin_s);
}

}  // namespace

void die_with_parent() { prctl(PR_SET_PDEATHSIG, SIGTERM); }

SignalWatch::SignalWatch() {
  const std::lock_guard lock(g_mutex);
  if (g_watches++ > 0) return;
  g_received = 0;
  struct sigaction note {};
  note.sa_handler = note_signal;
  note.sa_flags = SA_RESTART;  // a report that is being written must not fail for it
  sigaction(SIGTERM, &note, &g_old_term);
  sigaction(SIGINT, &note, &g_old_int);
}

SignalWatch::~SignalWatch() {
  const std::lock_guard lock(g_mutex);
  if (--g_watches > 0) return;
  if (g_received != 0) alarm(0);
  sigaction(SIGTERM, &g_old_term, nullptr);
  sigaction(SIGINT, &g_old_int, nullptr);
}

int SignalWatch::received() const { return g_received.load(); }

}  // namespace symmbench
