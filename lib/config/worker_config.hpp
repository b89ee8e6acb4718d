#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "catalog/torch_layouts.hpp"
#include "core/deadlines.hpp"
#include "core/json.hpp"

namespace symmbench {

enum class CheckMode { off, on };

/// What the emulated device of a job pretends to be.
struct Emulation {
  Json fabric;         ///< as FabricDocument::of_value() reads it; null: no profile, a device that offers no FABRIC
  int hosts = 1;       ///< over which the ranks are spread: virtual_host_of()
  int world_size = 0;  ///< of the job
};
Json to_json(const Emulation& emulation);
/// @throws Json::exception when it is not what to_json() wrote
Emulation emulation_from(const Json& json);

/// What every worker of a run goes by, whatever its cases are: the part of RunConfig that is handed to it, resolved.
struct WorkerConfig {
  CheckMode check = CheckMode::on;
  double ci_width = 0.05;     ///< asked width of the 95 % interval of the mean, as a fraction of it
  double case_time_s = 0.25;  ///< cap of sampling per case and allocator, when iters is not given
  double timeout_s = 20;      ///< --timeout: of every wait between ranks, but for work; kernels give up at half of it
  double deadline_scale = 1;  ///< multiplies every deadline: as asked, and by how busy the machines are
  double setup_s = 0;         ///< what one step of bringing up may take for its bytes, assumed; 0: not known
  std::uint64_t seed = 1;
  std::uint64_t placements = 8;  ///< of the workspaces in memory, over which allocators are compared
  TorchLayout torch_layout = TorchLayout::v2_14;
  std::vector<std::string> inject;     ///< faults to provoke, as lib/fault reads them
  std::optional<Emulation> emulation;  ///< nullopt: a device without a profile on this host
};

/// As it travels from supervisor to worker.
Json to_json(const WorkerConfig& config);
/// @throws Error{worker, invalid_argument} when it is not what to_json() wrote
WorkerConfig worker_config_from(const Json& json);

/// Of a run, or of a worker.
constexpr Deadlines deadlines_of(const WorkerConfig& config) {
  return deadlines_of(config.timeout_s, config.deadline_scale, config.setup_s);
}

}  // namespace symmbench
