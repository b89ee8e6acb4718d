#include "report/outputs.hpp"

#include <algorithm>
#include <iterator>

#include "report/tune.hpp"
#include "report/verdict.hpp"
#include "report/write.hpp"

namespace symmbench {
namespace {

constexpr OutputWriter kWriters[] = {
    {OutputFileKind::report,
     [](const std::string& path, const Json& report, const std::string&) { write_report(path, report); }},
    {OutputFileKind::tuning, write_tuning},
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

StoredOutputs store_outputs(const std::vector<OutputFile>& outputs, Json& report, const std::string& family,
                            std::span<const OutputWriter> writers) {
  StoredOutputs result;
  const auto store = [&](const OutputFile& output) {
    const auto writer =
        std::find_if(writers.begin(), writers.end(), [&](const auto& each) { return each.kind == output.kind; });
    try {
      writer->write(output.path, report, family);
      return true;
    } catch (const Error& error) {
      const Failure& failure = error.failure();
      result.problems.push_back(failure.reason == Reason::io_error ? error.what() : failure.detail);
    } catch (const std::exception& error) {
      result.problems.emplace_back(error.what());
    }
    downgrade(report, result.problems.back());
    return false;
  };
  std::vector<bool> done(outputs.size(), false);
  for (const bool reports : {false, true}) {
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if ((outputs[i].kind == OutputFileKind::report) == reports) done[i] = store(outputs[i]);
    }
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (done[i]) result.stored.push_back(outputs[i]);
  }
  return result;
}

}  // namespace symmbench
