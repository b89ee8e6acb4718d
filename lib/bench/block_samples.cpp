#include "bench/block_samples.hpp"

#include <algorithm>
#include <cstring>

namespace symmbench {
namespace {

// How a rank says whether its GPU was slowed down, behind its times.
constexpr double kNotSlowed = 0, kSlowed = 1, kNotTold = 2;

double word_of(std::optional<bool> slowed) {
  if (!slowed) return kNotTold;
  return *slowed ? kSlowed : kNotSlowed;
}

}  // namespace

SlowdownWatch::SlowdownWatch(const std::function<DeviceSlowdown()>& slowdown) : slowdown_(slowdown) {
  if (slowdown_) before_ = slowdown_();
}

std::optional<bool> SlowdownWatch::answer() const {
  if (!slowdown_) return std::nullopt;
  const DeviceSlowdown now = slowdown_();
  if (before_.in_force.value_or(false) || now.in_force.value_or(false)) return true;
  const bool counted = before_.total_ns && now.total_ns;
  if (counted && *now.total_ns > *before_.total_ns) return true;
  return before_.in_force || now.in_force || counted ? std::optional(false) : std::nullopt;
}

SampleBlock gather_block(Communicator& comm, SampleBlock which, std::span<const double> mine,
                         std::optional<bool> slowed, std::vector<double>& rank_total_us) {
  std::vector<double> message(mine.begin(), mine.end());
  message.push_back(word_of(slowed));
  const auto all = comm.allgather("samples", std::as_bytes(std::span(message)));
  check_blob_sizes(comm, "samples", all, message.size() * sizeof(double));
  which.batch_us.assign(mine.size(), 0.0);
  rank_total_us.resize(all.size(), 0.0);
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    std::memcpy(message.data(), all[rank].data(), all[rank].size());
    for (std::size_t batch = 0; batch < mine.size(); ++batch) {
      which.batch_us[batch] = std::max(which.batch_us[batch], message[batch]);
      rank_total_us[rank] += message[batch];
    }
    if (message.back() == kNotTold) continue;
    if (!which.slowed_ranks) which.slowed_ranks.emplace();
    if (message.back() == kSlowed) which.slowed_ranks->push_back(comm.world_rank(static_cast<int>(rank)));
  }
  return which;
}

}  // namespace symmbench
