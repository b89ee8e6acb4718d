#include "report/host_rows.hpp"

#include <algorithm>
#include <utility>

#include "report/pick.hpp"

namespace symmbench {
namespace {

constexpr const char* kAvailable = "memory_available_bytes";

Json modules_json(const Json& system) {
  const Json& given = member_of(system, "modules");
  if (!given.is_array()) return nullptr;
  Json modules = Json::array();
  for (const Json& entry : given) {
    modules.push_back({{"name", pick_text(entry, "name")}, {"version", pick_text(entry, "version")}});
  }
  return modules;
}

Json unknown_json(const Json& system) {
  Json unknown = Json::array();
  const Json& given = member_of(system, "unknown");
  for (const Json& entry : given.is_array() ? given : Json::array()) {
    unknown.push_back({{"fact", pick_text(entry, "fact")}, {"why", pick_text(entry, "why")}});
  }
  return unknown;
}

Json host_json(const Json& facts) {
  const Json& system = member_of(facts, "system");
  return {{"host", pick_text(facts, "host")},
          {"boot_id", pick_text(facts, "boot_id")},
          {"ranks", Json::array()},
          {"os", pick_text(system, "os")},
          {"kernel", pick_text(system, "kernel")},
          {"architecture", pick_text(system, "architecture")},
          {"cpu_model", pick_text(system, "cpu_model")},
          {"memory_total_bytes", pick_integer(system, "memory_total_bytes")},
          {kAvailable, pick_integer(system, kAvailable)},
          {"container", texts_or_null(system, "container")},
          {"kernel_driver", pick_text(system, "kernel_driver")},
          {"modules", modules_json(system)},
          {"unknown", unknown_json(system)}};
}

}  // namespace

Json fold_hosts(const RecordSet& records) {
  Json hosts = Json::array();
  std::vector<Json> kept;  // each entry as it is compared
  for (const auto& [rank, facts] : records.rank_facts) {
    if (!member_of(facts, "system").is_object()) continue;
    Json entry = host_json(facts);
    Json compared = entry;
    compared[kAvailable] = nullptr;
    auto at = static_cast<std::size_t>(std::ranges::find(kept, compared) - kept.begin());
    if (at == kept.size()) {
      kept.push_back(std::move(compared));
      hosts.push_back(std::move(entry));
    }
    hosts[at]["ranks"].push_back(rank);
  }
  return hosts;
}

}  // namespace symmbench
