#include "bench/emulated_rank.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "comm/rank_host.hpp"
#include "config/fabric_profile.hpp"
#include "core/text.hpp"

namespace symmbench {
namespace {

ClusterUuid cluster_of(std::string_view profile, int domain) {
  ClusterUuid uuid{};
  const auto name = fmt::format("{} domain {}", profile, domain);
  const std::uint64_t halves[] = {fnv1a(name), fnv1a(name + "'")};
  for (std::size_t i = 0; i < uuid.size(); ++i) uuid[i] = static_cast<std::uint8_t>(halves[i / 8] >> (i % 8 * 8));
  uuid[0] |= 1;  // a first byte of zero reads as no cluster
  return uuid;
}

int state_of(const std::string& name) {
  int state = kFabricNotSupported;
  while (fabric_state_name(state) != name) ++state;  // the profile has one of the names
  return state;
}

/// `host`: its number; `local`: the GPU's among those of its host.
HostDriverOptions options_of(const FabricProfile& profile, int host, int local) {
  const int hosts_of_domain = profile.gpus_per_domain / profile.gpus_per_host;
  const int domain = host / hosts_of_domain;
  FabricFacts fabric{.state = state_of(profile.state), .clique_id = profile.clique_id};
  if (fabric.state == kFabricCompleted) fabric.status = profile.status;
  if (profile.cluster) fabric.cluster_uuid = cluster_of(profile.name, domain);
  if (fabric.state == kFabricCompleted) fabric.health_summary = profile.health_summary;
  const auto uuid = cluster_uuid_text(fabric.cluster_uuid).value_or(fmt::format("domain {}", domain));
  return {
      .minimum_granularity = profile.minimum_granularity,
      .recommended_granularity = profile.recommended_granularity,
      .posix_fd_supported = profile.posix_fd,
      .fabric_supported = profile.fabric,
      .ipc_supported = profile.cuda_ipc,
      .multicast_supported = profile.multicast,
      .place = {.domain = fnv1a(fmt::format("{}/{}", uuid, profile.clique_id)),
                .host = static_cast<std::uint32_t>(host),
                .imex_channel = profile.imex_channel,
                .imex_daemon = profile.imex_daemon},
      .fabric = fabric,
      .uuid = fmt::format("GPU-emulated-host{}-{}", host, local),
      .name = profile.product,
      .sm_version = profile.sm_version,
      .driver_version = profile.driver_version,
      .confidential_computing = profile.confidential_computing,
      .multicast = {.granularity = profile.multicast_minimum, .recommended_granularity = profile.multicast_recommended},
      .gpu_direct_rdma_supported = profile.gpu_direct_rdma,
      .ordinal = local};
}

}  // namespace

HostDriverOptions emulated_rank(const std::optional<Emulation>& emulation, int world_rank) {
  if (!emulation) return {.multicast_supported = true};
  const int host = virtual_host_of(world_rank, emulation->hosts, emulation->world_size);
  if (emulation->hosts > 1) live_on_virtual_host(host);
  if (emulation->fabric.is_null()) return {.multicast_supported = true};
  int local = 0;
  while (local < world_rank && virtual_host_of(world_rank - local - 1, emulation->hosts, emulation->world_size) == host)
    ++local;
  return options_of(FabricDocument::of_value(emulation->fabric).on_host(host), host, local);
}

}  // namespace symmbench
