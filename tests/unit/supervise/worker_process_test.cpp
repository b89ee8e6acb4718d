#include "supervise/worker_process.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>

#include "comm/frame_channel.hpp"
#include "core/clock.hpp"
#include "supervise/heartbeat_page.hpp"
#include "support/failures.hpp"

namespace symmbench {
namespace {

using Kind = WorkerEnd::Kind;

struct Shell {
  std::pair<UniqueFd, UniqueFd> sockets = make_channel_sockets();
  HeartbeatPage page = HeartbeatPage::create(5);
  WorkerProcess process;

  explicit Shell(const std::string& script) : process({"/bin/sh", "-c", script}, sockets.second.get(), page.fd()) {
    sockets.second.reset();
  }
  /// Everything that the process wrote to descriptor 3, until it ended.
  std::string words() {
    std::string text;
    char buffer[4096];
    while (true) {
      const auto got = read(sockets.first.get(), buffer, sizeof buffer);
      if (got <= 0) return text;
      text.append(buffer, static_cast<std::size_t>(got));
    }
  }
  WorkerEnd end() {
    const auto deadline = Deadline::in_seconds(30);
    while (process.poll().kind == Kind::running && !deadline.expired()) sched_yield();
    return process.poll();
  }
};

TEST_CASE("a worker's environment names no MPI and switches multicast off, whatever the supervisor's says") {
  const char* const environment[] = {
      "HOME=/root",  "OMPI_COMM_WORLD_RANK=3", "PMIX_RANK=3",          "PMI_RANK=3", "NCCL_NVLS_ENABLE=1",
      "PMIXED=kept", "NVSHMEM_DISABLE_NVLS=0", "NCCL_NVLS_ENABLE_X=5", nullptr};
  const auto result = worker_environment(environment);
  CHECK(result == std::vector<std::string>{"HOME=/root", "PMIXED=kept", "NCCL_NVLS_ENABLE_X=5", "NCCL_NVLS_ENABLE=0",
                                           "TORCH_SYMM_MEM_DISABLE_MULTICAST=1", "NVSHMEM_DISABLE_NVLS=1"});
}

TEST_CASE("a worker process sees the veto in its environment") {
  setenv("NCCL_NVLS_ENABLE", "1", 1);
  setenv("OMPI_COMM_WORLD_SIZE", "4", 1);
  Shell shell("env >&3");
  const auto words = shell.words();
  unsetenv("NCCL_NVLS_ENABLE");
  unsetenv("OMPI_COMM_WORLD_SIZE");
  CHECK(words.find("NCCL_NVLS_ENABLE=0\n") != std::string::npos);
  CHECK(words.find("TORCH_SYMM_MEM_DISABLE_MULTICAST=1\n") != std::string::npos);
  CHECK(words.find("NVSHMEM_DISABLE_NVLS=1\n") != std::string::npos);
  CHECK(words.find("OMPI_") == std::string::npos);
}

TEST_CASE("a worker process holds five descriptors and no more, although its supervisor leaks") {
  const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd leaked(fcntl(null.get(), F_DUPFD, 150));  // not close-on-exec
  REQUIRE(leaked);
  Shell shell(
      "i=0; while [ $i -lt 200 ]; do if [ -e /proc/$$/fd/$i ]; then list=\"$list $i\"; fi; i=$((i+1)); done;"
      "echo $list >&3; readlink /proc/$$/fd/0 >&3");
  CHECK(shell.words() == "0 1 2 3 4\n/dev/null\n");
}

TEST_CASE("a worker process leads a process group of its own and has no signal blocked but those that end jobs") {
  sigset_t alarm, old;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  pthread_sigmask(SIG_BLOCK, &alarm, &old);
  // Two signals of the C library's own, 32 and 33, are nobody's to reset.
  Shell shell("grep -E 'SigBlk|SigIgn' /proc/self/status | tr 18 0 >&3; sleep 60");
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  CHECK(getpgid(shell.process.pid()) == shell.process.pid());
  char text[128] = {};
  REQUIRE(recv(shell.sockets.first.get(), text, sizeof text - 1, 0) > 0);
  // HUP, INT, QUIT (1 to 3), USR1 (10), USR2 (12) and TERM (15)
  CHECK(std::string(text) == "SigBlk:\t0000000000004a07\nSigIgn:\t0000000000000000\n");
}

TEST_CASE("a worker's end is told once and for all: by status, by signal, by our kill") {
  Shell seven("exit 7");
  CHECK(seven.end().kind == Kind::exited);
  CHECK(seven.process.poll().code == 7);

  Shell crash("kill -SEGV $$");
  CHECK(crash.end().kind == Kind::signalled);
  CHECK(crash.process.poll().code == SIGSEGV);

  Shell stopped("kill -STOP $$");
  CHECK(stopped.process.poll().kind == Kind::running);
  stopped.process.kill();
  CHECK(stopped.end().code == SIGKILL);
  stopped.process.kill();  // harmless
  CHECK(stopped.process.poll().kind == Kind::signalled);
}

TEST_CASE("what a worker started ends with it, however it ends") {
  Shell left("sleep 1000 & exit 7");
  CHECK(left.end().code == 7);
  CHECK(left.words().empty());  // nobody holds descriptor 3 any more

  Shell killed("sleep 1000 & echo >&3; sleep 1000");
  char byte = 0;
  REQUIRE(recv(killed.sockets.first.get(), &byte, 1, 0) == 1);
  killed.process.kill();
  CHECK(killed.end().code == SIGKILL);
  CHECK(killed.words().empty());
}

TEST_CASE("a worker that is still running ends with its handle, without a zombie") {
  pid_t pid = 0;
  {
    Shell shell("sleep 60");
    pid = shell.process.pid();
    CHECK(kill(pid, 0) == 0);
  }
  CHECK(kill(pid, 0) != 0);
}

TEST_CASE("a program that is not there fails at the start, with its errno") {
  const auto [a, b] = make_channel_sockets();
  const auto page = HeartbeatPage::create(5);
  const auto failure = failure_of([&] { WorkerProcess({"/no/such/program"}, a.get(), page.fd()); });
  CHECK(failure.call == "posix_spawn");
  CHECK(failure.code == ENOENT);
}

TEST_CASE("a worker may use all cpus although its supervisor is bound to one") {
  cpu_set_t old, one;
  REQUIRE(sched_getaffinity(0, sizeof old, &old) == 0);
  if (CPU_COUNT(&old) < 2) SKIP("needs two cpus");
  int first = 0;
  while (!CPU_ISSET(first, &old)) ++first;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  Shell shell("sleep 60");
  sched_setaffinity(0, sizeof old, &old);
  cpu_set_t workers;
  REQUIRE(sched_getaffinity(shell.process.pid(), sizeof workers, &workers) == 0);
  CHECK(CPU_COUNT(&workers) == CPU_COUNT(&old));
}

TEST_CASE("signals have names") {
  CHECK(signal_name(SIGSEGV) == "SIGSEGV");
  CHECK(signal_name(SIGKILL) == "SIGKILL");
  CHECK(signal_name(63) == "signal 63");
}

}  // namespace
}  // namespace symmbench
