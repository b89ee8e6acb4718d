#include "supervise/worker_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "catalog/multicast.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/names.hpp"
#include "supervise/signals.hpp"

namespace symmbench {
namespace {

using Kind = WorkerEnd::Kind;
constexpr auto kKinds = name_table<Kind>({{Kind::running, "running"},
                                          {Kind::done, "done"},
                                          {Kind::failed, "failed"},
                                          {Kind::exited, "exited"},
                                          {Kind::signalled, "signalled"},
                                          {Kind::stopped, "stopped"},
                                          {Kind::stuck, "stuck"}});

constexpr std::array kDropped = {std::string_view("OMPI_"), std::string_view("PMIX_"), std::string_view("PMI_")};

void check(int error, const char* call) {
  if (error == 0) return;
  throw Error{{.layer = Layer::supervisor,
               .reason = Reason::io_error,
               .call = call,
               .detail = std::string("starting a worker: ") + std::strerror(error),
               .code = error}};
}

/// posix_spawn's two parameter objects, destroyed whatever happens.
struct SpawnPlan {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;

  SpawnPlan() {
    check(posix_spawn_file_actions_init(&files), "posix_spawn_file_actions_init");
    check(posix_spawnattr_init(&attributes), "posix_spawnattr_init");
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
  }
};

/// A descriptor above those that the worker gets, so that no dup2 of the file actions overwrites another's source.
UniqueFd out_of_the_way(int fd) {
  constexpr int kLowest = 16;
  UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, kLowest));
  if (!copy) check(errno, "fcntl");
  return copy;
}

/// mpirun binds a rank to one core; with two ranks or fewer a worker's threads would all share it with its supervisor.
void widen_affinity(pid_t pid) {
  cpu_set_t all;
  CPU_ZERO(&all);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) CPU_SET(cpu, &all);
  // The kernel intersects with what the cgroup allows. Refused (seccomp) means slower, not wrong.
  (void)sched_setaffinity(pid, sizeof all, &all);
}

/// What ps shows: the program's own path rather than the link by which it starts itself.
std::string shown_name(const std::string& program) {
  if (program != "/proc/self/exe") return program;
  std::error_code unknown;
  const auto target = std::filesystem::read_symlink(program, unknown);
  return unknown ? program : target.string();
}

}  // namespace

std::string_view name_of(Kind kind) { return kKinds.name(kind); }
std::optional<Kind> worker_end_kind_from(std::string_view name) { return kKinds.value(name); }

std::string signal_name(int signal) {
  if (const char* name = sigabbrev_np(signal)) return std::string("SIG") + name;
  return fmt::format("signal {}", signal);
}

std::vector<std::string> worker_environment(const char* const* environment) {
  std::vector<std::string> result;
  for (; *environment; ++environment) {
    const std::string_view entry = *environment;
    const bool dropped =
        std::any_of(kDropped.begin(), kDropped.end(), [&](auto prefix) { return entry.starts_with(prefix); });
    const bool replaced = std::ranges::any_of(kMulticastVariables, [&](const MulticastVariable& variable) {
      return entry.substr(0, entry.find('=')) == variable.name;
    });
    if (!dropped && !replaced) result.emplace_back(entry);
  }
  for (const auto& variable : kMulticastVariables) result.push_back(fmt::format("{}={}", variable.name, variable.off));
  return result;
}

WorkerProcess::WorkerProcess(const std::vector<std::string>& argv, int channel, int page) {
  const UniqueFd channel_copy = out_of_the_way(channel), page_copy = out_of_the_way(page);
  SpawnPlan plan;
  check(posix_spawn_file_actions_addopen(&plan.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0), "addopen");
  check(posix_spawn_file_actions_adddup2(&plan.files, STDERR_FILENO, STDOUT_FILENO), "adddup2");
  check(posix_spawn_file_actions_adddup2(&plan.files, channel_copy.get(), kWorkerChannelFd), "adddup2");
  check(posix_spawn_file_actions_adddup2(&plan.files, page_copy.get(), kWorkerPageFd), "adddup2");
  // MPI and its plug-ins open descriptors of their own, not all of them close-on-exec.
  check(posix_spawn_file_actions_addclosefrom_np(&plan.files, kWorkerPageFd + 1), "addclosefrom_np");

  // Blocked before its first instruction: a batch system that ends a job signals all of its processes, and a worker that
  // died of it would be taken for a failure.
  sigset_t ending, all;
  sigemptyset(&ending);
  for (const int signal : kEndingSignals) sigaddset(&ending, signal);
  sigfillset(&all);
  check(posix_spawnattr_setsigmask(&plan.attributes, &ending), "posix_spawnattr_setsigmask");
  check(posix_spawnattr_setsigdefault(&plan.attributes, &all), "posix_spawnattr_setsigdefault");
  check(posix_spawnattr_setpgroup(&plan.attributes, 0), "posix_spawnattr_setpgroup");
  check(posix_spawnattr_setflags(&plan.attributes,
                                 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP),
        "posix_spawnattr_setflags");

  std::vector<std::string> words = argv;
  words.front() = shown_name(argv.front());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  auto environment = worker_environment(environ);
  std::vector<char*> entries;
  for (std::string& entry : environment) entries.push_back(entry.data());
  entries.push_back(nullptr);

  check(posix_spawn(&pid_, argv.front().c_str(), &plan.files, &plan.attributes, arguments.data(), entries.data()),
        "posix_spawn");
  widen_affinity(pid_);
}

WorkerEnd WorkerProcess::poll() {
  if (end_.kind != Kind::running) return end_;
  siginfo_t seen{};
  if (waitid(P_PID, static_cast<id_t>(pid_), &seen, WEXITED | WNOHANG | WNOWAIT) == 0) {
    if (seen.si_pid == 0) return end_;
    ::kill(-pid_, SIGKILL);  // what it started itself; not yet reaped, it still holds the number of its group
  } else if (errno == EINTR) {
    return end_;
  }
  int status = 0;
  const pid_t reaped = waitpid(pid_, &status, WNOHANG);
  if (reaped == 0 || (reaped < 0 && errno == EINTR)) return end_;
  if (reaped < 0) {
    end_ = {Kind::exited, 0};  // somebody else reaped it: it is gone, its status with it
  } else if (WIFSIGNALED(status)) {
    end_ = {Kind::signalled, WTERMSIG(status)};
  } else {
    end_ = {Kind::exited, WEXITSTATUS(status)};
  }
  return end_;
}

void WorkerProcess::kill() {
  if (poll().kind == Kind::running) ::kill(-pid_, SIGKILL);
}

WorkerProcess::~WorkerProcess() {
  kill();
  // A process in an uninterruptible driver call does not die; nobody may wait for it indefinitely.
  const auto deadline = Deadline::in_seconds(2);
  while (poll().kind == Kind::running && !deadline.expired()) sched_yield();
}

}  // namespace symmbench
