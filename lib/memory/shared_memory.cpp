#include "memory/shared_memory.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/error.hpp"
#include "memory/keep_going.hpp"

namespace symmbench {

void SharedMemory::close(const PhaseContext& context) {
  SharedMemory* const alone = this;
  close_together(context, std::span(&alone, 1));
}

std::vector<AddressRange> SharedMemory::detach() {
  give_back(nullptr);
  return {};
}

void close_together(const PhaseContext& context, std::span<SharedMemory* const> memory) {
  const auto is_open = [](const SharedMemory* each) { return each != nullptr && !each->closed(); };
  if (std::none_of(memory.begin(), memory.end(), is_open)) return;
  // Clean up even when a peer never came to the barrier: an import keeps the peer's view of these bytes alive.
  collective_phase(context, Phase::close, [&] {
    KeepGoing keep_going;
    bool met = false;
    keep_going([&] {
      barrier(context.comm, "close: nobody uses the memory any more");
      met = true;
    });
    for (SharedMemory* each : memory) {
      if (is_open(each)) keep_going([&] { each->give_back(met ? &context.comm : nullptr); });
    }
    keep_going.rethrow();
  });
}

void MemoryRequest::about(const std::function<void()>& step) const {
  try {
    step();
  } catch (const Error& error) {
    if (name.empty()) throw;
    Failure failure = error.failure();
    failure.detail = fmt::format("segment {}: {}", name, failure.detail);
    throw Error(std::move(failure));
  }
}

std::unique_ptr<SharedMemory> Allocator::allocate(const PhaseContext& context, Driver& driver, std::uint64_t bytes,
                                                  HandleType handle) {
  const MemoryRequest request{.bytes = bytes};
  return std::move(allocate_all(context, driver, std::span(&request, 1), handle).front());
}

std::string travels_by(AllocatorKind kind) {
  std::vector<std::string_view> types;
  for (const auto type : row_of(kAllocators, kind).handles) types.push_back(name_of(type));
  return fmt::format("{} travels by {} only", name_of(kind), fmt::join(types, " or "));
}

void require_possible(AllocatorKind kind, std::uint64_t requested_bytes, HandleType handle) {
  constexpr std::uint64_t kMost = 1ull << 47;  // what a process can address
  const auto refuse = [](std::string why) {
    throw Error({.layer = Layer::memory, .reason = Reason::invalid_argument, .detail = std::move(why)});
  };
  if (requested_bytes == 0 || requested_bytes > kMost) {
    refuse(fmt::format("symmetric memory of {} bytes: 1 to {} are possible", requested_bytes, kMost));
  }
  if (!can_travel_by(kind, handle)) refuse(fmt::format("{}: {}", name_of(handle), travels_by(kind)));
}

void require_block(int group_rank, int ranks, bool closed) {
  if (!closed && group_rank >= 0 && group_rank < ranks) return;
  throw Error({.layer = Layer::memory,
               .reason = closed ? Reason::illegal_state : Reason::invalid_argument,
               .detail = fmt::format("block of group rank {} asked from symmetric memory {} {} ranks", group_rank,
                                     closed ? "already closed, of" : "of", ranks)});
}

}  // namespace symmbench
