#pragma once
#include <span>
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "core/json.hpp"

namespace symmbench {

/// How one kind of output comes about: a row for each kind of the catalogue that this version can write.
struct OutputWriter {
  OutputFileKind kind;
  /// Writes the file once the run has ended and has its verdict. `family` names the devices: "host", "sm90", ...
  /// @throws Error when there is nothing to write, or it cannot be written
  void (*write)(const std::string& path, const Json& report, const std::string& family);
};

std::span<const OutputWriter> output_writers();

/// Before a run: that every output could be written. @throws Error{config, io_error} naming the path and the reason
void check_outputs(const std::vector<OutputFile>& outputs);

struct StoredOutputs {
  std::vector<OutputFile> stored;     ///< in the order in which they were asked for
  std::vector<std::string> problems;  ///< of the others, one each; the report's verdict is downgraded for them

  bool holds(OutputFileKind kind) const;
};

/// Writes what the run was asked for, the report last: its verdict tells of what the others lack.
StoredOutputs store_outputs(const std::vector<OutputFile>& outputs, Json& report, const std::string& family,
                            std::span<const OutputWriter> writers = output_writers());

}  // namespace symmbench
