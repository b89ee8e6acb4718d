#include "app/console.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <utility>

#include "app/product.hpp"
#include "core/log.hpp"
#include "report/crossover_text.hpp"
#include "report/summary.hpp"
#include "report/text.hpp"

namespace symmbench {
namespace {

/// Events that a run takes in its stride: only --verbose tells of them, and the report.
constexpr std::array<std::string_view, 3> kMinorEvents{"worker_restarted", "batch_split", "fault_struck"};

}  // namespace

Console::Console(const RunConfig& config)
    : config_(config),
      terminal_(terminal_behind(STDOUT_FILENO)),
      colour_(shows_colour(terminal_, std::getenv("NO_COLOR"), std::getenv("TERM"))),
      table_(std::cout, {.width = line_width(terminal_, std::getenv("COLUMNS")),
                         .colour = colour_,
                         .verbose = config.verbose,
                         .figures = config.columns}),
      nccl_(std::cout),
      progress_(progress_place(config.quiet ? ProgressSetting::off : config.progress, rewrites_lines(terminal_),
                               rewrites_lines(terminal_behind(STDERR_FILENO)))) {}

void Console::append(const Json& record) {
  const auto type = type_of(record);
  progress_.clear();
  if (type == "rank") rank_facts_.push_back(record);
  if (type == "rank" || type == "run_started") add_record(known_, record);
  if (type == "run_started") {
    progress_.plan(record.at("planned_rows").size());
    head_ = report_head(record, rank_facts_);
    if (shows_results() && config_.format == OutputFormat::table) write_device_list(std::cout, head_);
  }
  if (type == "row") progress_.row_done();
  if (type == "event") say(record.value("what", std::string()), record.value("detail", std::string()));
  if (type == "failure") tell_failure(failure_record_from(record));
  std::cout.flush();
}

void Console::say(const std::string& what, const std::string& detail) {
  if (!config_.verbose && std::find(kMinorEvents.begin(), kMinorEvents.end(), what) != kMinorEvents.end()) return;
  // One disk holds the journals of many ranks; run.events names them all.
  if (what == kJournalIncomplete && std::exchange(journal_mentioned_, true)) return;
  log_line("symmbench: {}: {}", what, detail);
}

/// At once: the row comes when the case has been repeated under each of its allocators.
void Console::tell_failure(FailureRecord record) {
  locate(record.failure, known_);
  if (config_.format == OutputFormat::table && shows_results()) {
    std::cout << "# " << failure_line(record) << std::endl;
  } else {
    log_line("symmbench: {}", failure_line(record));
  }
}

CaseListener* Console::table() {
  if (!shows_results()) return nullptr;
  return config_.format == OutputFormat::nccl ? static_cast<CaseListener*>(&nccl_) : &table_;
}

void Console::on_plan(const RunStarted& started) {
  nccl_.set_head(head_);
  if (CaseListener* shown = table()) shown->on_plan(started);
}

void Console::on_case(const DecidedCase& decided) {
  CaseListener* shown = table();
  if (shown == nullptr) return;
  progress_.clear();
  shown->on_case(decided);
  std::cout.flush();
}

void Console::on_withdrawn(const Json& entry, const std::string& before) {
  progress_.clear();
  if (CaseListener* shown = table()) shown->on_withdrawn(entry, before);
}

void Console::on_end() {
  progress_.clear();
  if (CaseListener* shown = table()) shown->on_end();
}

bool Console::end(const Json& report, const std::vector<OutputFile>& stored) {
  progress_.finish();
  if (config_.format == OutputFormat::none) {
    if (report.at("run").at("complete").get<bool>()) return true;
    for (const Json& line : report.at("verdict").at("summary")) {
      log_line("symmbench run: {}", line.get<std::string>());
    }
    return true;
  }
  const bool nccl = config_.format == OutputFormat::nccl;
  const bool fits = rewrites_lines(terminal_) && !nccl;
  const VerdictLook look{
      .commented = nccl, .colour = colour_, .columns = fits ? line_width(terminal_, std::getenv("COLUMNS")) : 0};
  if (config_.quiet) {
    write_verdict_line(std::cout, report, look);
  } else {
    if (nccl) nccl_.end(report);
    write_crossover(std::cout, report, nccl);
    write_verdict(std::cout, report, stored, look);
  }
  if (product_arrived()) return true;
  log_line("symmbench run: stdout did not take the results");
  return false;
}

}  // namespace symmbench
