#include "app/console.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <iostream>
#include <utility>

#include "app/product.hpp"
#include "core/log.hpp"
#include "report/crossover_text.hpp"
#include "report/nccl_table.hpp"
#include "report/text.hpp"

namespace symmbench {
namespace {

/// "1:05" or "12 s".
std::string duration(double seconds) {
  const auto whole = std::lround(seconds);
  return whole < 60 ? fmt::format("{} s", whole) : fmt::format("{}:{:02} min", whole / 60, whole % 60);
}

}  // namespace

Console::Console(const RunConfig& config)
    : config_(config), on_terminal_(::isatty(STDERR_FILENO) != 0), table_(std::cout) {}

void Console::append(const Json& record) {
  const auto type = type_of(record);
  clear_progress();
  if (type == "rank") rank_facts_.push_back(record);
  if (type == "run_started") {
    rows_planned_ = record.at("planned_rows").size();
    if (config_.format != OutputFormat::none) write_device_list(std::cout, report_head(record, rank_facts_));
  }
  if (type == "row") {
    if (rows_done_++ == 0) first_row_at_ = Clock::now();
  }
  if (type == "event") say(record.value("what", std::string()), record.value("detail", std::string()));
  std::cout.flush();
  show_progress();
}

void Console::say(const std::string& what, const std::string& detail) {
  // One disk holds the journals of many ranks; run.events names them all.
  if (what == kJournalIncomplete && std::exchange(journal_mentioned_, true)) return;
  log_line("symmbench: {}: {}", what, detail);
}

void Console::on_plan(const RunStarted& started) { table_.on_plan(started); }

void Console::on_case(const DecidedCase& decided) {
  if (config_.format != OutputFormat::table) return;
  clear_progress();
  table_.on_case(decided);
  std::cout.flush();
  show_progress();
}

void Console::on_end() {
  clear_progress();
  if (config_.format == OutputFormat::table) table_.on_end();
}

bool Console::end(const Json& report, const std::vector<OutputFile>& stored) {
  clear_progress();
  if (config_.format == OutputFormat::none) {
    if (report.at("run").at("complete").get<bool>()) return true;
    for (const Json& line : report.at("verdict").at("summary")) {
      log_line("symmbench run: {}", line.get<std::string>());
    }
    return true;
  }
  const bool nccl = config_.format == OutputFormat::nccl;
  if (nccl) write_nccl(std::cout, report);
  write_crossover(std::cout, report, nccl);
  write_verdict(std::cout, report, stored, nccl);
  if (product_arrived()) return true;
  log_line("symmbench run: stdout did not take the results");
  return false;
}

void Console::show_progress() {
  if (!on_terminal_ || rows_done_ == 0 || rows_done_ >= rows_planned_) return;
  const double spent_s = microseconds_since(first_row_at_) / 1e6;
  const double left_s = spent_s / static_cast<double>(rows_done_) * static_cast<double>(rows_planned_ - rows_done_);
  log_text(fmt::format("{} of {} rows, about {} left", rows_done_, rows_planned_, duration(left_s)));
}

void Console::clear_progress() {
  if (on_terminal_) log_text("\r\033[K");
}

}  // namespace symmbench
