#include "report/outputs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "report/second_place.hpp"
#include "report/tune.hpp"
#include "report/verdict.hpp"
#include "report/write.hpp"

namespace symmbench {
namespace {

constexpr OutputWriter kWriters[] = {
    {.kind = OutputFileKind::report,
     .at_end = [](const std::string& path, const Json& report, const std::string&) { write_report(path, report); }},
    {.kind = OutputFileKind::tuning, .at_end = write_tuning},
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

/// Takes `step` unless something went wrong before, and keeps what goes wrong in it.
template <class Step>
void OutputFiles::attempt(File& file, Step&& step) {
  if (file.problem) return;
  try {
    step();
  } catch (const Error& error) {
    const Failure& failure = error.failure();
    file.of_place = failure.reason == Reason::io_error;
    file.problem = file.of_place ? error.what() : failure.detail;
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
  const auto path = write_elsewhere(file.asked, output_dir_, [&](const std::string& place) {
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
  for (const bool reports : {false, true}) {
    for (File& file : files_) {
      if ((file.asked.kind == OutputFileKind::report) != reports) continue;
      if (file.writer->at_end != nullptr) attempt(file, [&] { write(file, file.asked.path, report, family); });
      if (!file.problem) continue;
      downgrade(report, *file.problem);
      result.problems.push_back(*file.problem);
      if (file.of_place && store_elsewhere(file, report, family)) file.problem.reset();
    }
  }
  for (const File& file : files_) {
    if (!file.problem) result.stored.push_back(file.asked);
  }
  return result;
}

}  // namespace symmbench
