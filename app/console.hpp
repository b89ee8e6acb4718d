#pragma once
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "core/clock.hpp"
#include "journal/records.hpp"
#include "report/table.hpp"

namespace symmbench {

/// What rank 0 shows while a run goes on: the ranks first, a line per case as it finishes, progress with the time left
/// on a terminal, then the verdict. Results go to stdout; progress and events to stderr.
class Console final : public RecordSink, public CaseListener {
 public:
  explicit Console(const RunConfig& config);

  /// Every record of the run, as it comes in.
  void append(const Json& record) override;
  /// From the case feed: with --format table a line per case.
  void on_plan(const RunStarted& started) override;
  void on_case(const DecidedCase& decided) override;
  void on_end() override;
  /// With --format nccl the whole table; the crossover, the verdict with the files that were written. A run that could
  /// not go on says why on stderr where nothing else is shown. False, and a line on stderr, when stdout did not take all
  /// of what was shown since the start.
  bool end(const Json& report, const std::vector<OutputFile>& stored);

 private:
  void say(const std::string& what, const std::string& detail);
  void show_progress();
  void clear_progress();

  const RunConfig& config_;
  const bool on_terminal_;
  TableWriter table_;
  std::vector<Json> rank_facts_;
  Clock::time_point first_row_at_{};
  std::size_t rows_planned_ = 0, rows_done_ = 0;
  bool journal_mentioned_ = false;
};

}  // namespace symmbench
