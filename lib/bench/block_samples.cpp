#include "bench/block_samples.hpp"

#include <algorithm>
#include <cstring>

namespace symmbench {

SlowdownWatch::SlowdownWatch(const Ask& slowed_down) : slowed_down_(slowed_down) {
  if (slowed_down_) before_ = slowed_down_();
}

std::optional<bool> SlowdownWatch::answer() const {
  if (!slowed_down_) return std::nullopt;
  const auto now = slowed_down_();
  if (before_.value_or(false) || now.value_or(false)) return true;
  return before_ || now ? std::optional(false) : std::nullopt;
}

std::optional<std::vector<int>> slowed_ranks(Communicator& comm, std::optional<bool> mine) {
  enum class Word : std::uint8_t { not_told, no, yes };
  const Word word = !mine ? Word::not_told : *mine ? Word::yes : Word::no;
  const auto all = comm.allgather("slowed", std::as_bytes(std::span(&word, 1)));
  check_blob_sizes(comm, "slowed", all, sizeof(Word));
  std::optional<std::vector<int>> slowed;
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    const auto said = static_cast<Word>(all[rank].front());
    if (said == Word::not_told) continue;
    if (!slowed) slowed.emplace();
    if (said == Word::yes) slowed->push_back(comm.world_rank(static_cast<int>(rank)));
  }
  return slowed;
}

SampleBlock gather_block(Communicator& comm, SampleBlock which, std::span<const double> mine,
                         std::vector<double>& rank_total_us) {
  const auto all = comm.allgather("samples", std::as_bytes(mine));
  check_blob_sizes(comm, "samples", all, mine.size_bytes());
  which.batch_us.assign(mine.size(), 0.0);
  rank_total_us.resize(all.size(), 0.0);
  std::vector<double> theirs(mine.size());
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    std::memcpy(theirs.data(), all[rank].data(), all[rank].size());
    for (std::size_t batch = 0; batch < theirs.size(); ++batch) {
      which.batch_us[batch] = std::max(which.batch_us[batch], theirs[batch]);
      rank_total_us[rank] += theirs[batch];
    }
  }
  return which;
}

}  // namespace symmbench
