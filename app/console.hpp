#pragma once
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "core/json.hpp"

namespace symmbench {

/// What rank 0 shows while a run goes on: the ranks first, a line per case as it finishes, progress with the time left
/// on a terminal, then the verdict. Results go to stdout; progress and events to stderr.
class Console {
 public:
  Console(const RunConfig& config, int world_size);

  /// After the preflight; `rank_facts` are the rank records.
  void begin(const std::string& device, bool emulated, const std::string& reason, const std::vector<Json>& rank_facts);
  /// Every record of the run, as it comes in.
  void heard(const Json& record);
  /// The verdict block, and with --format nccl the whole table.
  void end(const Json& report);

 private:
  const RunConfig& config_;
  int world_size_;
};

}  // namespace symmbench
