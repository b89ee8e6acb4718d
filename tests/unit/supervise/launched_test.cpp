#include "supervise/launched.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <string>
#include <thread>

using namespace symmbench;

namespace {

constexpr const char* kNamespace = "PMIX_NAMESPACE=launched-test";

/// `cat` as rank 7 of a launch of its own, until it is killed.
class Rank7 {
 public:
  Rank7() {
    if (pipe(ends_) != 0) throw std::runtime_error("pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends_[0], STDIN_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends_[1]);
    char program[] = "cat", own[] = "-";
    char* words[] = {program, own, nullptr};
    std::string job = kNamespace, rank = "PMIX_RANK=7";
    char* environment[] = {job.data(), rank.data(), nullptr};
    if (posix_spawn(&pid_, "/bin/cat", &actions, nullptr, words, environment) != 0) throw std::runtime_error("spawn");
    posix_spawn_file_actions_destroy(&actions);
  }
  ~Rank7() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    close(ends_[0]), close(ends_[1]);
  }
  void stop() const {
    int status = 0;
    kill(pid_, SIGSTOP);
    waitpid(pid_, &status, WUNTRACED);
  }
  pid_t pid() const { return pid_; }

 private:
  int ends_[2] = {};
  pid_t pid_ = 0;
};

const char* told(const char* name) {
  const std::string_view wanted = name;
  if (wanted == "PMIX_NAMESPACE") return "launched-test";
  if (wanted == "PMIX_RANK") return "3";
  if (wanted == "OMPI_COMM_WORLD_SIZE") return "8";
  if (wanted == "OMPI_COMM_WORLD_LOCAL_SIZE") return "2";
  return nullptr;
}

}  // namespace

TEST_CASE("a launcher's environment tells a process its place, and nothing is made up without one") {
  const auto place = launch_place(told);
  REQUIRE(place);
  CHECK(place->rank == 3);
  CHECK(place->ranks == 8);
  CHECK(place->ranks_here == 2);
  CHECK_FALSE(launch_place([](const char*) -> const char* { return nullptr; }));
}

TEST_CASE("ranks of a launch are found by their environment, with what they run and whether they are stopped") {
  const auto place = launch_place(told);
  REQUIRE(place);
  CHECK(look_at_launch(*place).ranks.empty());
  const Rank7 rank;
  // posix_spawn returns once the old program is gone, which may be before the environment of the new one is there.
  LaunchView view = look_at_launch(*place);
  while (!view.ranks.contains(7)) view = look_at_launch(*place);
  const LaunchedRank& seen = view.ranks.at(7);
  CHECK(seen.pid == rank.pid());
  CHECK(seen.command == std::vector<std::string>{"cat", "-"});
  CHECK_FALSE(seen.arrived);
  CHECK_FALSE(seen.stopped);
  rank.stop();
  CHECK(look_at_launch(*place).ranks.at(7).stopped);
}
