#include "job/memory_problem.hpp"

#include <fmt/format.h>

#include <map>

#include "bench/batch_ring.hpp"
#include "core/counted.hpp"
#include "core/text.hpp"
#include "plan/estimate.hpp"

namespace symmbench {

std::optional<std::string> memory_problem(const Plan& plan, const DeviceDecision& device,
                                          const std::vector<Json>& rank_facts) {
  const auto ring = [&](const Case& bench_case) { return ring_bytes(bench_case, device.emulated); };
  const std::uint64_t rank_bytes = plan_memory(plan, kUsualGranularity, ring).rank_bytes();
  // Emulated devices share their host's memory; a GPU is one rank's own.
  std::map<std::string, std::uint64_t> ranks_sharing;
  const auto place_of = [&](const Json& record) {
    const Json& facts = record.at("facts");
    return device.emulated ? facts.value("machine", facts.value("boot_id", std::string()))
                           : fmt::format("rank {}", record.at("rank").get<int>());
  };
  for (const auto& record : rank_facts) ++ranks_sharing[place_of(record)];
  for (const auto& record : rank_facts) {
    const Json entry = device_entry(record, device.kind);
    const auto free_bytes = entry.at("free_bytes").get<std::uint64_t>();
    const std::uint64_t needed_bytes = rank_bytes * ranks_sharing.at(place_of(record));
    if (needed_bytes <= free_bytes) continue;
    return fmt::format(
        "not enough memory on rank {} ({}): {} needed by {} there, {} free; ask for smaller messages "
        "(--maxbytes), fewer allocators at a time (--allocator), fewer workspaces at once (--concurrent), or fewer "
        "ranks",
        record.at("rank").get<int>(), record.at("facts").at("host").get<std::string>(), format_bytes(needed_bytes),
        counted(ranks_sharing.at(place_of(record)), "rank"), format_bytes(free_bytes));
  }
  return std::nullopt;
}

}  // namespace symmbench
