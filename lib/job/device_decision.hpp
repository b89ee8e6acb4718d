#pragma once
#include <optional>
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "core/json.hpp"

namespace symmbench {

/// The device of a run, decided from what every rank's preflight worker said.
struct DeviceDecision {
  std::string kind;  ///< "host" only where it was asked for, else "cuda"
  bool emulated = true;
  std::string family;                  ///< "host", "sm90", ...; empty where GPUs differ or did not say
  std::string reason;                  ///< why this one, for the report
  std::optional<std::string> profile;  ///< of the fabric: asked for, or on cuda the one that all GPUs look like
  std::optional<std::string> problem;  ///< machine facts forbid the run (exit 3): rank, host and reason
  bool no_gpu = false;                 ///< with a problem of `auto`: no rank sees a driver or a GPU
};
/// `auto` is cuda: emulation never answers for hardware, so where a rank cannot use a GPU of its own there is a problem
/// and no device. `rank_facts`: one RankFacts record per rank. Pure.
DeviceDecision decide_device(const RunConfig& config, const std::vector<Json>& rank_facts, int world_size);

/// The configuration once the device is known: `--tuning auto` becomes the shipped table of the device's family, or
/// "computed" where there is none.
RunConfig config_for(const RunConfig& config, const DeviceDecision& device);
/// A table that the user gave and that was made for another kind of device, in words; it is followed all the same.
std::optional<std::string> tuning_concern(const RunConfig& config, const DeviceDecision& device);

/// One record per rank, the latest: a preflight that was started again reports again.
std::vector<Json> latest_facts(const std::vector<Json>& records);

/// What a rank's preflight said of a device kind: its entry in "devices", or null. `record` is a RankFacts record.
Json device_entry(const Json& record, const std::string& kind);

}  // namespace symmbench
