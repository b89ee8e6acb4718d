#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "report/case_feed.hpp"

namespace symmbench {

/// When an output is written after the run: what failed before then is in its verdict.
enum class OutputStage {
  results,  ///< tells no verdict
  verdict,  ///< tells it, and is written again where an output of this stage or the report fails after it
  report,   ///< last
};

/// How one kind of output comes about: a row for each kind of the catalogue that this version can write, with one of
/// the two functions. Both may throw Error: what was asked for and cannot be written downgrades the
/// verdict.
struct OutputWriter {
  OutputFileKind kind;
  OutputStage stage = OutputStage::results;
  /// Writes the file once the run has ended and has its verdict. `family` names the devices: "host", "sm90", ...
  void (*at_end)(const std::string& path, const Json& report, const std::string& family) = nullptr;
  /// Opens the file before the run; the listener writes it case by case.
  std::unique_ptr<CaseListener> (*per_case)(const std::string& path) = nullptr;
};

std::span<const OutputWriter> output_writers();

/// Before a run: that every output could be written. @throws Error{config, io_error} naming the path and the reason
void check_outputs(const std::vector<OutputFile>& outputs);

struct StoredOutputs {
  std::vector<OutputFile> stored;     ///< where they are, in the order in which they were asked for
  std::vector<std::string> problems;  ///< of those not where they were asked for; the verdict is downgraded for each

  bool holds(OutputFileKind kind) const;
};

/// The files that a run was asked for, on rank 0. As a listener of the case feed it hands cases on to the outputs that
/// are written while the run goes on; it does not throw.
class OutputFiles final : public CaseListener {
 public:
  /// `output_dir`: of the run, if it was given one. @pre `writers` has a row for each kind that is asked for
  explicit OutputFiles(std::vector<OutputFile> asked, std::optional<std::string> output_dir = std::nullopt,
                       std::span<const OutputWriter> writers = output_writers());

  void on_plan(const RunStarted& started) override;
  void on_case(const DecidedCase& decided) override;
  void on_end() override;

  /// After on_end(): writes the rest, the report last, for its verdict tells of what the others lack. What a file system
  /// refuses is tried again elsewhere (report/second_place.hpp), and the verdict says where it is.
  StoredOutputs store(Json& report, const std::string& family);

 private:
  struct File {
    OutputFile asked;
    const OutputWriter* writer = nullptr;
    std::unique_ptr<CaseListener> listener;  ///< of a per-case output, until it fails
    std::optional<std::string> problem;
    bool of_place = false;  ///< the problem is where the file is, not what would be in it
  };

  template <class Step>
  void attempt(File& file, Step&& step);
  bool unanswered(const std::filesystem::path& folder) const;
  /// All of the file at once, to `path`.
  void write(const File& file, const std::string& path, const Json& report, const std::string& family) const;
  bool store_elsewhere(File& file, Json& report, const std::string& family) const;
  template <class Step>
  void each_listener(Step&& step);
  bool any_listener() const;

  std::vector<File> files_;
  std::optional<std::string> output_dir_;
  std::vector<std::filesystem::path> unanswered_;  ///< folders whose file system did not answer
  /// What the listeners heard, to begin again elsewhere; kept where there are listeners.
  RunStarted started_;
  std::vector<DecidedCase> decided_;
};

}  // namespace symmbench
