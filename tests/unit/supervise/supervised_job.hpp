#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "scripted_worker.hpp"
#include "supervise/supervisor.hpp"

namespace symmbench::test {

class RecordList final : public RecordSink {
 public:
  void append(const Json& record) override { records.push_back(record); }
  std::vector<Json> records;
};

/// A whole job in this process: ranks are threads, workers are real processes.
struct SupervisedJob {
  int ranks = 2;
  int group_size = 2;
  double round_s = 20, watchdog_s = 30, settle_s = 2, time_limit_s = 300;
  bool isolate = true;
  /// Runs on rank 0's thread while run() is under way, called from a thread of its own.
  std::function<void()> meanwhile = [] {};

  // Afterwards:
  RunOutcome outcome{};
  bool orderly = false;
  std::vector<int> exit_codes{};       ///< by rank
  std::vector<RecordList> journals{};  ///< by rank
  RecordList all{};

  void run(const std::vector<WorkRequest>& work, int exit_code = 0);

  std::vector<Json> of_type(const std::string& type) const;
  /// The only failure record. Fails the test when there is not exactly one.
  FailureRecord only_failure() const;
  /// "x:a,b y:a" with "!" for alone: the rows, in order.
  std::string rows() const;
};

/// Children of this process that are alive or not reaped.
std::vector<int> children();

}  // namespace symmbench::test
