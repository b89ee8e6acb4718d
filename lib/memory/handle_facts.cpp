#include "memory/handle_facts.hpp"

#include "comm/rank_host.hpp"
#include "core/text.hpp"

namespace symmbench {

FactText fact_text(std::string_view text) {
  FactText fact{};
  text.copy(fact.data(), fact.size() - 1);
  return fact;
}

std::string fabric_text(const HandleFacts& rank) {
  if (rank.fabric) return "fabric " + fabric_text(*rank.fabric);
  const std::string why = rank.fabric_unknown.data();
  return why.empty() ? "fabric state unknown" : "fabric state unknown: " + why;
}

HandleFacts local_handle_facts(Driver& driver, int world_rank) {
  const auto device = driver.facts();
  const RankHost host = host_of_this_rank();
  const HostIdentity& identity = host.identity;
  HandleFacts facts{.world_rank = world_rank,
                    .posix_fd_supported = device.posix_fd_supported,
                    .fabric_supported = device.fabric_supported,
                    .ipc_supported = device.ipc_supported,
                    .machine = fnv1a(identity.boot_id),
                    .os_image = fnv1a(identity.boot_id + "/" + identity.network_namespace),
                    .fabric = device.fabric,
                    .fabric_unknown = fact_text(device.fabric_unknown)};
  host.name.copy(facts.host_name.data(), facts.host_name.size() - 1);
  if (device.nvml_by_ordinal && !device.nvml_by_ordinal->same_device) {
    facts.ordinal_is_another = true;
    facts.fabric_by_ordinal = device.nvml_by_ordinal->fabric;
  }
  if (device.first_device_test) {
    facts.first_device_test = device.first_device_test->passed;
    facts.first_device_failure = fact_text(device.first_device_test->failure);
  }
  return facts;
}

HandleFacts without_lookups(HandleFacts rank) {
  rank.ordinal_is_another = false;
  rank.first_device_test.reset();
  return rank;
}

bool offers(const HandleFacts& rank, HandleType type) {
  switch (type) {
    case HandleType::posix_fd:
      return rank.posix_fd_supported;
    case HandleType::fabric:
      return rank.fabric_supported;
    case HandleType::cuda_ipc:
      return rank.ipc_supported;
  }
  return false;
}

}  // namespace symmbench
