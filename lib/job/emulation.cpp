#include "job/emulation.hpp"

#include <fmt/format.h>

#include "config/fabric_profile.hpp"
#include "config/option_value.hpp"

namespace symmbench {

std::optional<Emulation> emulation_of(const RunConfig& config, int world_size) {
  if (config.device != DeviceChoice::host) return std::nullopt;
  if (config.virtual_hosts > world_size) {
    fail_config(fmt::format("--virtual-hosts '{}': must not exceed the ranks of the job, {}", config.virtual_hosts,
                            world_size));
  }
  if (config.fabric.is_null()) {
    if (config.virtual_hosts <= 1) return std::nullopt;
    return Emulation{.fabric = nullptr, .hosts = config.virtual_hosts, .world_size = world_size};
  }
  const FabricProfile profile = FabricDocument::of_value(config.fabric).profile();
  const int needed = usual_hosts(profile, world_size);
  const int hosts = config.virtual_hosts == 0 ? needed : config.virtual_hosts;
  const int most_ranks = (world_size + hosts - 1) / hosts;
  if (most_ranks > profile.gpus_per_host) {
    fail_config(
        fmt::format("--virtual-hosts '{}': would put {} ranks on a host, and one of {} has {} GPUs; must be at "
                    "least {} for {} ranks",
                    hosts, most_ranks, profile.name, profile.gpus_per_host, needed, world_size));
  }
  return Emulation{.fabric = config.fabric, .hosts = hosts, .world_size = world_size};
}

}  // namespace symmbench
