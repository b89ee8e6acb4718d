#include "memory/rendezvous.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "comm/fd_exchange.hpp"
#include "comm/rank_host.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "memory/rank_text.hpp"

namespace symmbench {
namespace {

constexpr const char* kAllowOverlap = "TORCH_SYMM_MEM_ALLOW_OVERLAPPING_DEVICES";

struct Place {
  int world_rank;
  const RendezvousPlace& place;
};

/// Cluster and clique as a pair: unrelated racks share clique numbers.
std::string clique_text(const FabricFacts& fabric) {
  return fmt::format("clique {} of {}", fabric.clique_id,
                     cluster_uuid_text(fabric.cluster_uuid).value_or("no cluster"));
}

void require_one_clique(std::span<const Place> places) {
  std::vector<int> world_ranks;
  std::vector<std::string> cliques;
  for (const auto& [world_rank, place] : places) {
    if (!place.fabric || place.fabric->state == kFabricNotSupported) continue;
    world_ranks.push_back(world_rank);
    cliques.push_back(clique_text(*place.fabric));
  }
  if (std::all_of(cliques.begin(), cliques.end(), [&](const auto& clique) { return clique == cliques[0]; })) return;
  const auto odd = odd_one_out(cliques);
  throw Error({.layer = Layer::memory,
               .reason = Reason::disagreement,
               .detail = fmt::format("ranks are in different parts of the NVLink fabric: {}",
                                     holders_by_value(world_ranks, cliques)),
               .peer = odd ? std::optional(world_ranks[*odd]) : std::nullopt});
}

void require_own_devices(std::span<const Place> places) {
  if (std::all_of(places.begin(), places.end(), [](const Place& each) { return each.place.devices_may_overlap; })) {
    return;
  }
  for (auto later = places.begin(); later != places.end(); ++later) {
    const RendezvousPlace& place = later->place;
    if (place.device[0] == 0) continue;
    const auto earlier = std::find_if(places.begin(), later, [&](const Place& each) {
      return each.place.host == place.host && each.place.device == place.device;
    });
    if (earlier == later) continue;
    throw Error({.layer = Layer::memory,
                 .reason = Reason::not_supported,
                 .detail = fmt::format("ranks {} and {} are on one GPU, {} of {}: upstream refuses that unless {}=1",
                                       earlier->world_rank, later->world_rank, place.device.data(),
                                       place.host_name.data(), kAllowOverlap)});
  }
}

void require_same_request(const Communicator& comm, std::span<const RendezvousRequest> all) {
  const std::vector<int> world_ranks = world_ranks_of(comm);
  const auto require_same = [&](std::string_view what, const auto& text_of) {
    std::vector<std::string> values;
    for (const auto& each : all) values.push_back(text_of(each));
    if (std::all_of(values.begin(), values.end(), [&](const auto& value) { return value == values[0]; })) return;
    const auto odd = odd_one_out(values);
    throw Error({.layer = Layer::memory,
                 .reason = Reason::disagreement,
                 .detail = fmt::format("ranks differ in {}: {}", what, holders_by_value(world_ranks, values)),
                 .peer = odd ? std::optional(world_ranks[*odd]) : std::nullopt});
  };
  // The cause before its consequences: a different request also gives a different block.
  require_same("handle type", [](const auto& r) { return std::string(name_of(r.handle)); });
  std::vector<Place> places;
  for (int r = 0; r < comm.size(); ++r) {
    if (all[r].place) places.push_back({comm.world_rank(r), *all[r].place});
  }
  if (all[comm.rank()].handle == HandleType::fabric) require_one_clique(places);
  require_own_devices(places);
  require_same("requested bytes", [](const auto& r) { return std::to_string(r.requested_bytes); });
  require_same("granularity", [](const auto& r) { return std::to_string(r.granularity_bytes); });
  require_same("data offset", [](const auto& r) { return std::to_string(r.data_offset); });
  require_same("block bytes", [](const auto& r) { return std::to_string(r.block_bytes); });
}

}  // namespace

HandleTable gather_handles(Communicator& comm, std::vector<ShareableHandle> mine) {
  HandleTable handles(comm.size());
  const auto gather = [&]<class Handle>(const Handle&) {
    std::vector<Handle> sent;
    for (auto& handle : mine) sent.push_back(std::get<Handle>(std::move(handle)));
    if constexpr (std::is_trivially_copyable_v<Handle>) {
      const auto step = fmt::format("exchange: {} handles", name_of(type_of(mine.front())));
      const auto blobs = comm.allgather(step, std::as_bytes(std::span<const Handle>(sent)));
      check_blob_sizes(comm, step, blobs, sent.size() * sizeof(Handle));
      for (std::size_t r = 0; r < blobs.size(); ++r) {
        for (std::size_t i = 0; i < sent.size(); ++i) {
          Handle handle;
          std::memcpy(&handle, blobs[r].data() + i * sizeof handle, sizeof handle);
          handles[r].emplace_back(handle);
        }
      }
    } else {
      auto all = FdExchange().exchange(comm, "handles", sent);
      for (std::size_t r = 0; r < all.size(); ++r) {
        for (auto& handle : all[r]) handles[r].emplace_back(std::move(handle));
      }
    }
  };
  std::visit(gather, mine.front());
  return handles;
}

RendezvousPlace place_of(const DeviceFacts& device) {
  const char* overlap = std::getenv(kAllowOverlap);
  const RankHost host = host_of_this_rank();
  RendezvousPlace place{.host = fnv1a(host.identity.boot_id),
                        .fabric = device.fabric,
                        .devices_may_overlap = overlap != nullptr && std::string_view(overlap) == "1"};
  host.name.copy(place.host_name.data(), place.host_name.size() - 1);
  const std::string uuid = device.uuid.value_or("");
  uuid.copy(place.device.data(), place.device.size() - 1);
  return place;
}

RendezvousRequest request_of(const SharedMemoryFacts& facts, HandleType handle) {
  return {.requested_bytes = facts.requested_bytes,
          .block_bytes = facts.allocated_bytes,
          .granularity_bytes = facts.granularity_bytes,
          .data_offset = facts.data_offset,
          .handle = handle};
}

void require_agreement(Communicator& comm, std::span<const RendezvousRequest> mine,
                       std::span<const MemoryRequest> names) {
  constexpr std::string_view kStep = "exchange: agreement";
  const auto blobs = comm.allgather(kStep, std::as_bytes(mine));
  check_blob_sizes(comm, kStep, blobs, mine.size_bytes());
  for (std::size_t i = 0; i < mine.size(); ++i) {
    std::vector<RendezvousRequest> all(blobs.size());
    for (std::size_t r = 0; r < blobs.size(); ++r) {
      std::memcpy(&all[r], blobs[r].data() + i * sizeof all[r], sizeof all[r]);
    }
    names[i].about([&] { require_same_request(comm, all); });
  }
}

HandleTable exchange_handles(const PhaseContext& context, std::span<const RendezvousRequest> requests,
                             std::span<const MemoryRequest> names, std::vector<ShareableHandle> mine) {
  HandleTable handles;
  collective_phase(context, Phase::exchange, [&] {
    require_agreement(context.comm, requests, names);
    handles = gather_handles(context.comm, std::move(mine));
  });
  return handles;
}

void share_memory(const PhaseContext& context, Driver& driver, std::span<const RendezvousRequest> requests,
                  std::span<const MemoryRequest> names, std::span<Blocks> blocks) {
  auto& comm = context.comm;
  std::vector<ShareableHandle> mine;
  collective_phase(context, Phase::export_handle, [&] {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      names[i].about([&] { mine.push_back(blocks[i].memory[comm.rank()].export_handle()); });
    }
  });
  auto handles = exchange_handles(context, requests, names, std::move(mine));

  collective_phase(context, Phase::import_handle, [&] {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      for (int r = 0; r < comm.size(); ++r) {
        const ShareableHandle handle = std::move(handles[r][i]);  // closed at the end of this turn
        if (r == comm.rank()) continue;
        const auto import_block = [&] {
          blocks[i].memory[r] = PhysicalMemory::import_from(driver, requests[i].block_bytes, handle);
        };
        names[i].about([&] { about_peer(comm, r, import_block); });
      }
    }
  });
}

void about_peer(const Communicator& comm, int group_rank, const std::function<void()>& step) {
  try {
    step();
  } catch (const Error& error) {
    Failure failure = error.failure();
    if (group_rank != comm.rank()) failure.peer = comm.world_rank(group_rank);
    throw Error(std::move(failure));
  }
}

}  // namespace symmbench
