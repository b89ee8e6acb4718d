#include "supervise/signals.hpp"

#include <pthread.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <mutex>

#include "core/deadlines.hpp"
#include "supervise/worker_process.hpp"

namespace symmbench {
namespace {

std::atomic<int> g_received{0}, g_sender{0}, g_code{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler writes it");

std::mutex g_mutex;
int g_watches = 0;
std::array<struct sigaction, kEndingSignals.size()> g_old;

extern "C" void note_signal(int signal, siginfo_t* info, void*) {
  int none = 0;
  if (!g_received.compare_exchange_strong(none, signal)) return;
  g_sender = info->si_pid;
  g_code = info->si_code;
  alarm(deadline::kLeaveWithin_s);
}

constexpr std::array kLaunchers = {"mpirun",  "mpiexec", "mpiexec.hydra", "hydra_pmi_proxy",
                                   "orterun", "orted",   "prterun",       "prte",
                                   "prted",   "srun",    "slurmstepd"};

std::string sender_text() {
  const int sender = g_sender;
  if (g_code == SI_KERNEL) return " (from the terminal)";
  if (sender == getpid()) return "";
  if (sender <= 0) return " (sender unknown)";
  std::string name;
  std::getline(std::ifstream("/proc/" + std::to_string(sender) + "/comm"), name);
  if (sender == getppid() || std::find(kLaunchers.begin(), kLaunchers.end(), name) != kLaunchers.end()) {
    return " (from the launcher)";
  }
  return " (from pid " + std::to_string(sender) + (name.empty() ? ")" : ", " + name + ")");
}

}  // namespace

void die_with_parent() {
  // What a launcher or a shell had blocked or ignored when it started this process still is.
  sigset_t heard;
  sigemptyset(&heard);
  for (const int signal : kEndingSignals) sigaddset(&heard, signal);
  sigaddset(&heard, SIGALRM);
  pthread_sigmask(SIG_UNBLOCK, &heard, nullptr);
  for (const int number : {SIGTERM, SIGALRM, SIGCHLD}) ::signal(number, SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
}

SignalWatch::SignalWatch() {
  const std::lock_guard lock(g_mutex);
  if (g_watches++ > 0) return;
  g_received = g_sender = g_code = 0;
  struct sigaction note {};
  note.sa_sigaction = note_signal;
  note.sa_flags = SA_RESTART | SA_SIGINFO;  // a report that is being written must not fail for it
  for (std::size_t i = 0; i < kEndingSignals.size(); ++i) {
    sigaction(kEndingSignals[i], nullptr, &g_old[i]);
    if (g_old[i].sa_handler != SIG_IGN) sigaction(kEndingSignals[i], &note, nullptr);
  }
}

SignalWatch::~SignalWatch() {
  const std::lock_guard lock(g_mutex);
  if (--g_watches > 0) return;
  if (g_received != 0) alarm(0);
  for (std::size_t i = 0; i < kEndingSignals.size(); ++i) sigaction(kEndingSignals[i], &g_old[i], nullptr);
}

int SignalWatch::received() const { return g_received.load(); }

std::string SignalWatch::cause() const { return signal_name(received()) + sender_text(); }

}  // namespace symmbench
