#pragma once
#include <string>
#include <vector>

#include "app/progress.hpp"
#include "app/terminal.hpp"
#include "config/run_config.hpp"
#include "journal/records.hpp"
#include "report/nccl_table.hpp"
#include "report/record_set.hpp"
#include "report/table.hpp"

namespace symmbench {

/// What rank 0 shows while a run goes on: the ranks first, a line per case as it finishes, progress with the time left,
/// then the verdict; with --quiet the verdict's first line alone, with --verbose
/// every event. Results go to stdout; progress and events to stderr.
class Console final : public RecordSink, public CaseListener {
 public:
  explicit Console(const RunConfig& config);

  /// Every record of the run, as it comes in.
  void append(const Json& record) override;
  /// From the case feed: a line per case, as --format has it.
  void on_plan(const RunStarted& started) override;
  void on_case(const DecidedCase& decided) override;
  void on_withdrawn(const Json& entry, const std::string& before) override;
  void on_end() override;
  /// What is left of the table; the crossover, the verdict with the files that were written. A run that could
  /// not go on says why on stderr where nothing else is shown. False, and a line on stderr, when stdout did not take all
  /// of what was shown since the start.
  bool end(const Json& report, const std::vector<OutputFile>& stored);

 private:
  void say(const std::string& what, const std::string& detail);
  bool shows_results() const { return config_.format != OutputFormat::none && !config_.quiet; }
  void tell_failure(FailureRecord record);
  /// What shows the cases; nullptr: nothing does.
  CaseListener* table();

  const RunConfig& config_;
  const Terminal terminal_;  ///< behind stdout
  const bool colour_;
  TableWriter table_;
  NcclWriter nccl_;
  std::vector<Json> rank_facts_;
  Json head_ = Json::object();  ///< report_head() of the run
  RecordSet known_;             ///< who the ranks are
  Progress progress_;
  bool journal_mentioned_ = false;
};

}  // namespace symmbench
