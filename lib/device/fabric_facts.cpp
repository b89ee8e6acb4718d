#include "device/fabric_facts.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/names.hpp"

namespace symmbench {
namespace {

constexpr auto kFabricStates = name_table<int>(
    {{kFabricNotSupported, "not_supported"}, {1, "not_started"}, {2, "in_progress"}, {kFabricCompleted, "completed"}});

}  // namespace

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
