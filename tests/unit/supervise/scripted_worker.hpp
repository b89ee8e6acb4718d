#pragma once
#include <string>
#include <vector>

#include "supervise/supervisor.hpp"
#include "supervise/work.hpp"

namespace symmbench::test {

/// What a rank of a scripted worker does instead of its work, at an item (or, item "", before the first one) under an
/// allocator ("": any).
struct Misdeed {
  int rank = 0;  ///< world rank
  std::string item, allocator;
  /// "segv", "exit 7", "stop" (SIGSTOP), "spin" (no heartbeat), "throw", "leave" (returns early), "tell environment"
  std::string what;
  int until_attempt = 1 << 30;  ///< from this attempt on it behaves
};

/// A request whose workers go through its items, round by round, and append one row for each.
WorkRequest scripted_request(const std::string& label, const std::vector<WorkItem>& items,
                             const std::vector<Misdeed>& misdeeds = {});

/// The task of scripted workers.
void scripted_task(WorkerContext& context);

/// How to start one: this test program again, at the hidden test case that is the worker's main.
std::vector<std::string> scripted_worker_argv();

}  // namespace symmbench::test
