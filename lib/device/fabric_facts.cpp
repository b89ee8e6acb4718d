#include "device/fabric_facts.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/names.hpp"

namespace symmbench {
namespace {

constexpr auto kFabricStates = name_table<int>(
    {{kFabricNotSupported, "not_supported"}, {1, "not_started"}, {2, "in_progress"}, {kFabricCompleted, "completed"}});

constexpr auto kCliqueTypes = name_table<int>({{0, "unicast_pointer"},
                                               {1, "multicast_pointer"},
                                               {2, "unicast_logical_endpoint"},
                                               {3, "multicast_logical_endpoint"}});
constexpr int kWorstHealth = 3;
// Degraded bandwidth, route recovery, route unhealthy, access timeout recovery: two bits each, of which 3 means nothing.
constexpr int kHealthFields = 4;

}  // namespace

std::string clique_type_name(int type) {
  const std::string_view name = kCliqueTypes.name(type);
  return name == "?" ? fmt::format("type {}", type) : std::string(name);
}

std::vector<std::string> nonsense_in(const FabricFacts& fabric) {
  std::vector<std::string> nonsense;
  if (kFabricStates.name(fabric.state) == "?") nonsense.push_back(fmt::format("fabric state {}", fabric.state));
  if (const int health = fabric.health_summary.value_or(0); health < 0 || health > kWorstHealth) {
    nonsense.push_back(fmt::format("fabric health summary {}", health));
  }
  for (int field = 0; field < kHealthFields; ++field) {
    if ((fabric.health_mask.value_or(0) >> (2 * field) & 3u) != 3) continue;
    nonsense.push_back(fmt::format("fabric health mask {:#x}: bits {} and {} are both set", *fabric.health_mask,
                                   2 * field, 2 * field + 1));
  }
  return nonsense;
}

std::string_view fabric_state_name(int state) { return kFabricStates.name(state); }

std::optional<std::string> cluster_uuid_text(const ClusterUuid& uuid) {
  if (std::all_of(uuid.begin(), uuid.end(), [](std::uint8_t byte) { return byte == 0; })) return std::nullopt;
  std::string text;
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", uuid[i]);
  }
  return text;
}

std::string fabric_text(const FabricFacts& fabric) {
  std::string text(fabric_state_name(fabric.state));
  if (text == "?") text = fmt::format("state {}", fabric.state);
  if (fabric.state != kFabricCompleted) return text;
  if (fabric.status.value_or(0) != 0) text += fmt::format(" with NVML status {}", *fabric.status);
  const auto cluster = cluster_uuid_text(fabric.cluster_uuid);
  if (!cluster) return text + ", no cluster";
  return text + fmt::format(", cluster {}, clique {}", *cluster, fabric.clique_id);
}

}  // namespace symmbench
