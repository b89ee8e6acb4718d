#include "memory/shared_memory.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "core/error.hpp"

namespace symmbench {

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
