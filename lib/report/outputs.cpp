#include "report/outputs.hpp"

#include <algorithm>
#include <iterator>

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
    file.problem = failure.reason == Reason::io_error ? error.what() : failure.detail;
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

OutputFiles::OutputFiles(std::vector<OutputFile> asked, std::span<const OutputWriter> writers) {
  for (OutputFile& output : asked) {
    const auto writer =
        std::find_if(writers.begin(), writers.end(), [&](const auto& each) { return each.kind == output.kind; });
    files_.push_back({.asked = std::move(output), .writer = &*writer});
    File& file = files_.back();
    if (writer->per_case != nullptr) attempt(file, [&] { file.listener = writer->per_case(file.asked.path); });
  }
}

void OutputFiles::on_plan(const RunStarted& started) {
  each_listener([&](CaseListener& listener) { listener.on_plan(started); });
}

void OutputFiles::on_case(const DecidedCase& decided) {
  each_listener([&](CaseListener& listener) { listener.on_case(decided); });
}

void OutputFiles::on_end() {
  each_listener([](CaseListener& listener) { listener.on_end(); });
}

StoredOutputs OutputFiles::store(Json& report, const std::string& family) {
  StoredOutputs result;
  for (const bool reports : {false, true}) {
    for (File& file : files_) {
      if ((file.asked.kind == OutputFileKind::report) != reports) continue;
      if (file.writer->at_end != nullptr) attempt(file, [&] { file.writer->at_end(file.asked.path, report, family); });
      if (!file.problem) continue;
      downgrade(report, *file.problem);
      result.problems.push_back(*file.problem);
    }
  }
  for (const File& file : files_) {
    if (!file.problem) result.stored.push_back(file.asked);
  }
  return result;
}

}  // namespace symmbench
