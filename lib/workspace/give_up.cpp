#include "workspace/give_up.hpp"

#include <fmt/format.h>

#include <atomic>
#include <string>
#include <string_view>

#include "device/stream.hpp"

namespace symmbench {
namespace {

struct WaitName {
  std::string_view call, step;
};

WaitName name_of_wait(WaitTag tag) {
  switch (tag) {
    case WaitTag::one_shot:
      return {"one_shot", "one_shot"};
    case WaitTag::two_shot_reduce:
      return {"two_shot", "two_shot, reduce step"};
    case WaitTag::two_shot_gather:
      return {"two_shot", "two_shot, gather step"};
    case WaitTag::barrier:
      return {"barrier", "barrier"};
    case WaitTag::none:
      break;
  }
  return {"", "unknown wait"};
}

/// A record is written by a kernel of a job in trouble: a rank in it may be anything.
std::optional<int> world_rank_of(int group_rank, std::span<const int> world_ranks) {
  if (group_rank < 0 || group_rank >= static_cast<int>(world_ranks.size())) return std::nullopt;
  return world_ranks[group_rank];
}

std::string rank_text(std::optional<int> world_rank, int group_rank) {
  return world_rank ? fmt::format("rank {}", *world_rank) : fmt::format("rank ? (recorded as {})", group_rank);
}

}  // namespace

std::optional<Failure> explain_give_up(const GiveUpRecord& record, std::span<const int> world_ranks,
                                       std::chrono::nanoseconds wait_limit) {
  const auto tag = static_cast<WaitTag>(record.tag);
  if (tag == WaitTag::none) return std::nullopt;
  const auto name = name_of_wait(tag);
  const auto rank = world_rank_of(record.rank, world_ranks);
  const auto peer = world_rank_of(record.peer, world_ranks);
  const auto who = fmt::format("{} waited {:.1f} s for", rank_text(rank, record.rank),
                               std::chrono::duration<double>(wait_limit).count());
  std::string detail;
  if (tag == WaitTag::barrier) {
    detail = fmt::format("{} row {} of {} (barrier, call {}): expected generation {}, saw {}", who, record.packet,
                         rank_text(peer, record.peer), record.call, record.expected, record.seen);
  } else {
    const auto seen = static_cast<std::uint32_t>(record.seen) == kSentinel ? std::string("the sentinel")
                                                                           : fmt::format("{:#x}", record.seen);
    detail = fmt::format("{} packet {} of {} ({}, slot {}, call {}): expected data, saw {}", who, record.packet,
                         rank_text(peer, record.peer), name.step, record.slot, record.call, seen);
  }
  return Failure{.layer = Layer::kernel,
                 .reason = Reason::timed_out,
                 .call = std::string(name.call),
                 .detail = detail,
                 .rank = rank,
                 .peer = peer};
}

GiveUpRecord* GiveUp::on_host() const {
  return record_on_host ? record_on_host : static_cast<GiveUpRecord*>(to_pointer(record));
}

void GiveUp::clear() const {
  if (auto* place = on_host()) *place = GiveUpRecord{};
}

std::optional<Failure> GiveUp::failure(std::span<const int> world_ranks) const {
  auto* place = on_host();
  if (place == nullptr) return std::nullopt;
  // The kernel writes the tag last, so the rest is complete once it shows.
  if (std::atomic_ref(place->tag).load(std::memory_order_acquire) == 0) return std::nullopt;
  return explain_give_up(*place, world_ranks, wait_limit);
}

}  // namespace symmbench
