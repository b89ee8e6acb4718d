#pragma once
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <string>

#include "device/stream.hpp"
#include "support/process_resources.hpp"

namespace symmbench {

/// Lines of /proc/self/maps for which `matches(begin, end, line)`.
template <class Matches>
int count_maps(Matches&& matches) {
  std::ifstream maps("/proc/self/maps");
  int count = 0;
  for (std::string line; std::getline(maps, line);) {
    std::size_t dash = 0;
    const std::uint64_t first = std::stoull(line, &dash, 16);
    const std::uint64_t last = std::stoull(line.substr(dash + 1), nullptr, 16);
    if (matches(first, last, line)) ++count;
  }
  return count;
}

inline bool address_space_used(DevicePtr address, std::uint64_t bytes) {
  return count_maps([&](auto first, auto last, const auto&) { return first < address + bytes && address < last; }) != 0;
}

/// Address space of this process, reserved or in use.
inline std::uint64_t address_space_bytes() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// Runs `body` in a forked child: 0 when it returned true, the signal number (negative) when one killed it, else 1.
template <class Body>
int run_in_child(Body&& body) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    bool good = false;
    try {
      good = body();
    } catch (...) {
    }
    ::_exit(good ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/// Whether touching the byte at `address` is a segmentation fault.
inline bool faults(DevicePtr address) {
  const int status = run_in_child([&] {
    ::signal(SIGSEGV, SIG_DFL);  // the test framework's and the sanitizers' handlers would report it
    auto* byte = static_cast<volatile char*>(to_pointer(address));
    *byte = *byte;
    return true;
  });
  REQUIRE((status == 0 || status == -SIGSEGV));
  return status == -SIGSEGV;
}

/// While it lives, this process can open no further descriptor.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const int lowest_free = ::dup(0);
    REQUIRE(lowest_free >= 0);
    ::close(lowest_free);
    const rlimit tight{.rlim_cur = static_cast<rlim_t>(lowest_free), .rlim_max = before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
  }
  ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace symmbench
