#include "memory/rendezvous.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>

#include "comm/fd_exchange.hpp"
#include "core/error.hpp"
#include "memory/rank_text.hpp"

namespace symmbench {
namespace {

/// A descriptor is handed over by the operating system, a handle that is bytes by the communicator.
std::vector<ShareableHandle> gather_handles(Communicator& comm, const ShareableHandle& mine) {
  std::vector<ShareableHandle> handles;
  const auto gather = [&]<class Handle>(const Handle& handle) {
    if constexpr (std::is_trivially_copyable_v<Handle>) {
      const auto step = fmt::format("exchange: {} handles", name_of(type_of(mine)));
      for (const auto& each : allgather_value(comm, step, handle)) handles.emplace_back(each);
    } else {
      for (auto& each : FdExchange().exchange(comm, "handles", handle)) handles.emplace_back(std::move(each));
    }
  };
  std::visit(gather, mine);
  return handles;
}

}  // namespace

RendezvousRequest request_of(const SharedMemoryFacts& facts, HandleType handle) {
  return {.requested_bytes = facts.requested_bytes,
          .block_bytes = facts.allocated_bytes,
          .granularity_bytes = facts.granularity_bytes,
          .data_offset = facts.data_offset,
          .handle = handle};
}

void require_agreement(Communicator& comm, const RendezvousRequest& mine) {
  const auto all = allgather_value(comm, "exchange: agreement", mine);
  std::vector<int> world_ranks;
  for (int r = 0; r < comm.size(); ++r) world_ranks.push_back(comm.world_rank(r));
  const auto require_same = [&](std::string_view what, const auto& text_of) {
    std::vector<std::string> values;
    for (const auto& each : all) values.push_back(text_of(each));
    if (std::all_of(values.begin(), values.end(), [&](const auto& value) { return value == values[0]; })) return;
    throw Error({.layer = Layer::memory,
                 .reason = Reason::disagreement,
                 .detail = fmt::format("ranks differ in {}: {}", what, holders_by_value(world_ranks, values))});
  };
  // The cause before its consequences: a different request also gives a different block.
  require_same("handle type", [](const auto& r) { return std::string(name_of(r.handle)); });
  require_same("requested bytes", [](const auto& r) { return std::to_string(r.requested_bytes); });
  require_same("granularity", [](const auto& r) { return std::to_string(r.granularity_bytes); });
  require_same("data offset", [](const auto& r) { return std::to_string(r.data_offset); });
  require_same("block bytes", [](const auto& r) { return std::to_string(r.block_bytes); });
}

std::vector<ShareableHandle> exchange_handles(const PhaseContext& context, const RendezvousRequest& request,
                                              const ShareableHandle& mine) {
  std::vector<ShareableHandle> handles;
  collective_phase(context, Phase::exchange, [&] {
    require_agreement(context.comm, request);
    handles = gather_handles(context.comm, mine);
  });
  return handles;
}

void share_memory(const PhaseContext& context, Driver& driver, const RendezvousRequest& request,
                  std::vector<PhysicalMemory>& memory) {
  auto& comm = context.comm;
  ShareableHandle mine;
  collective_phase(context, Phase::export_handle, [&] { mine = memory[comm.rank()].export_handle(); });
  auto handles = exchange_handles(context, request, mine);
  mine = ShareableHandle();

  collective_phase(context, Phase::import_handle, [&] {
    for (int r = 0; r < comm.size(); ++r) {
      const ShareableHandle handle = std::move(handles[r]);  // closed at the end of this turn
      if (r == comm.rank()) continue;
      about_peer(comm, r, [&] { memory[r] = PhysicalMemory::import_from(driver, request.block_bytes, handle); });
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
