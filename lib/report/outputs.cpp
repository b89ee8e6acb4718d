#include "report/outputs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <utility>

#include "report/csv.hpp"
#include "report/json_lines.hpp"
#include "report/junit.hpp"
#include "report/prometheus.hpp"
#include "report/second_place.hpp"
#include "report/tune.hpp"
#include "report/verdict.hpp"
#include "report/write.hpp"

namespace symmbench {
namespace {

/// An output that is a text made out of the report.
template <std::string (*text_of)(const Json& report)>
void write_text_of(const std::string& path, const Json& report, const std::string&) {
  write_file(path, text_of(report));
}

constexpr OutputWriter kWriters[] = {
    {.kind = OutputFileKind::report,
     .stage = OutputStage::report,
     .at_end = [](const std::string& path, const Json& report, const std::string&) { write_report(path, report); }},
    {.kind = OutputFileKind::tuning, .at_end = write_tuning},
    {.kind = OutputFileKind::csv, .at_end = write_text_of<results_csv>},
    {.kind = OutputFileKind::jsonl,
     .per_case = [](const std::string& path) -> std::unique_ptr<CaseListener> {
       return std::make_unique<JsonLines>(path);
     }},
    {.kind = OutputFileKind::junit, .stage = OutputStage::verdict, .at_end = write_text_of<junit_xml>},
    {.kind = OutputFileKind::prometheus, .stage = OutputStage::verdict, .at_end = write_text_of<prometheus_text>},
};

static_assert(std::all_of(std::begin(kOutputFiles), std::end(kOutputFiles), [](const OutputFileRow& row) {
  const auto writers = std::count_if(std::begin(kWriters), std::end(kWriters),
                                     [&](const OutputWriter& writer) { return writer.kind == row.value; });
  return writers == (row.now ? 1 : 0);
}));

}  // namespace

std::span<const OutputWriter> output_writers() { return kWriters; }

void check_outputs(const std::vector<OutputFile>& outputs) {
  for (const OutputFile& output : outputs) check_writable(output.path);
}

bool StoredOutputs::holds(OutputFileKind kind) const {
  return std::any_of(stored.begin(), stored.end(), [&](const OutputFile& output) { return output.kind == kind; });
}

bool OutputFiles::unanswered(const std::filesystem::path& folder) const {
  return std::find(unanswered_.begin(), unanswered_.end(), folder) != unanswered_.end();
}

/// Takes `step` unless something went wrong before, and keeps what goes wrong in it. A folder that did not answer once is
/// not asked again: each time costs the wait.
template <class Step>
void OutputFiles::attempt(File& file, Step&& step) {
  if (file.problem) return;
  const auto folder = std::filesystem::path(file.asked.path).parent_path();
  try {
    if (unanswered(folder)) {
      throw Error({.layer = Layer::report,
                   .reason = Reason::io_error,
                   .detail = fmt::format("cannot write '{}': its file system does not answer", file.asked.path),
                   .code = ETIMEDOUT});
    }
    step();
  } catch (const Error& error) {
    const Failure& failure = error.failure();
    file.of_place = failure.reason == Reason::io_error;
    file.problem = file.of_place ? error.what() : failure.detail;
    if (file.of_place && failure.code == ETIMEDOUT) unanswered_.push_back(folder);
  } catch (const std::exception& error) {
    file.problem = error.what();
  }
}

template <class Step>
void OutputFiles::each_listener(Step&& step) {
  for (File& file : files_) {
    if (file.listener) attempt(file, [&] { step(*file.listener); });
  }
}

OutputFiles::OutputFiles(std::vector<OutputFile> asked, std::optional<std::string> output_dir,
                         std::span<const OutputWriter> writers)
    : output_dir_(std::move(output_dir)) {
  for (OutputFile& output : asked) {
    const auto writer =
        std::find_if(writers.begin(), writers.end(), [&](const auto& each) { return each.kind == output.kind; });
    files_.push_back({.asked = std::move(output), .writer = &*writer});
    File& file = files_.back();
    if (writer->per_case != nullptr) attempt(file, [&] { file.listener = writer->per_case(file.asked.path); });
  }
}

bool OutputFiles::any_listener() const {
  return std::any_of(files_.begin(), files_.end(), [](const File& file) { return file.writer->per_case != nullptr; });
}

void OutputFiles::on_plan(const RunStarted& started) {
  if (any_listener()) started_ = started;
  each_listener([&](CaseListener& listener) { listener.on_plan(started); });
}

void OutputFiles::on_case(const DecidedCase& decided) {
  if (any_listener()) decided_.push_back(decided);
  each_listener([&](CaseListener& listener) { listener.on_case(decided); });
}

void OutputFiles::on_end() {
  each_listener([](CaseListener& listener) { listener.on_end(); });
}

void OutputFiles::write(const File& file, const std::string& path, const Json& report,
                        const std::string& family) const {
  if (file.writer->at_end != nullptr) return file.writer->at_end(path, report, family);
  const auto listener = file.writer->per_case(path);
  listener->on_plan(started_);
  for (const DecidedCase& decided : decided_) listener->on_case(decided);
  listener->on_end();
}

bool OutputFiles::store_elsewhere(File& file, Json& report, const std::string& family) const {
  Json told;
  const auto dir = output_dir_ && !unanswered(*output_dir_) ? output_dir_ : std::nullopt;
  const auto path = write_elsewhere(file.asked, dir, [&](const std::string& place) {
    told = report;  // also the report's own text says where it is
    told.at("verdict").at("summary").push_back(
        fmt::format("{}: in '{}' instead", row_of(kOutputFiles, file.asked.kind).name, place));
    write(file, place, told, family);
  });
  if (!path) return false;
  report = std::move(told);
  file.asked.path = *path;
  return true;
}

StoredOutputs OutputFiles::store(Json& report, const std::string& family) {
  StoredOutputs result;
  const auto store_all_of = [&](OutputStage stage, bool again = false) {
    for (File& file : files_) {
      if (file.writer->stage != stage || (again && file.problem)) continue;
      if (file.writer->at_end != nullptr) attempt(file, [&] { write(file, file.asked.path, report, family); });
      if (!file.problem) continue;
      downgrade(report, *file.problem);
      result.problems.push_back(*file.problem);
      if (file.of_place && store_elsewhere(file, report, family)) file.problem.reset();
    }
  };
  store_all_of(OutputStage::results);
  const auto known = result.problems.size();
  store_all_of(OutputStage::verdict);
  store_all_of(OutputStage::report);
  // A verdict that was written before a later problem is not the run's any more.
  if (result.problems.size() > known) store_all_of(OutputStage::verdict, true);
  for (const File& file : files_) {
    if (!file.problem) result.stored.push_back(file.asked);
  }
  return result;
}

}  // namespace symmbench
