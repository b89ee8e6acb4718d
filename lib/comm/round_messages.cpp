#include "comm/round_messages.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "comm/wire.hpp"
#include "core/text.hpp"

namespace symmbench {
namespace {

constexpr std::uint32_t kMaxRanks = 1U << 20;

void write_id(WireWriter& writer, const RoundId& id) {
  writer.u32(id.scope.group);
  writer.u32(id.scope.attempt);
  writer.u64(id.scope.lineage);
  writer.u32(id.scope.first_rank);
  writer.u32(id.scope.size);
  writer.u32(static_cast<std::uint32_t>(id.scope.members.size()));
  for (const std::uint32_t rank : id.scope.members) writer.u32(rank);
  writer.u32(id.epoch);
  writer.u32(id.index);
}

RoundId read_id(WireReader& reader) {
  RoundId id;
  id.scope.group = reader.u32();
  id.scope.attempt = reader.u32();
  id.scope.lineage = reader.u64();
  id.scope.first_rank = reader.u32();
  id.scope.size = reader.u32();
  const std::uint32_t listed = reader.u32();
  if (listed != 0 && (listed != id.scope.size || listed > kMaxRanks)) {
    reader.malformed(fmt::format("{} of {} ranks listed", listed, id.scope.size));
  }
  for (std::uint32_t i = 0; i < listed; ++i) id.scope.members.push_back(reader.u32());
  id.epoch = reader.u32();
  id.index = reader.u32();
  if (id.scope.size == 0 || id.scope.size > kMaxRanks || id.scope.first_rank > kMaxRanks) {
    reader.malformed(fmt::format("{} ranks from {}", id.scope.size, id.scope.first_rank));
  }
  return id;
}

}  // namespace

RoundId RoundCursor::next(std::string_view step) {
  if (!is_vote(step)) return {.scope = scope_, .epoch = epoch_, .index = index_++};
  index_ = 0;
  return {.scope = scope_, .epoch = epoch_++, .index = kVoteIndex};
}

std::optional<std::uint32_t> RoundScope::index_of(int world_rank) const {
  const auto rank = static_cast<std::uint32_t>(world_rank);
  if (world_rank < 0) return std::nullopt;
  if (members.empty()) return rank - first_rank < size ? std::optional(rank - first_rank) : std::nullopt;
  const auto at = std::lower_bound(members.begin(), members.end(), rank);
  if (at == members.end() || *at != rank) return std::nullopt;
  return static_cast<std::uint32_t>(at - members.begin());
}

RoundScope RoundCursor::among(int world_rank, std::span<const int> group_ranks, std::uint64_t which) const {
  RoundScope part = scope_;
  part.members.clear();
  int before = -1;
  for (const int rank : group_ranks) {
    if (rank <= before || static_cast<std::uint32_t>(rank) >= scope_.size) break;
    part.members.push_back(static_cast<std::uint32_t>(scope_.rank_at(static_cast<std::uint32_t>(rank))));
    before = rank;
  }
  part.size = static_cast<std::uint32_t>(part.members.size());
  if (part.members.empty() || part.size != group_ranks.size() || !part.has(world_rank)) {
    throw Error({.layer = Layer::comm,
                 .reason = Reason::invalid_argument,
                 .call = "among",
                 .detail = fmt::format("ranks {} of a group of {} do not ascend, or are not this rank's",
                                       fmt::join(group_ranks, ", "), scope_.size),
                 .rank = world_rank});
  }
  part.first_rank = part.members.front();
  part.lineage = fnv1a(fmt::format("{}/among/{}", scope_.lineage, which));
  return part;
}

RoundScope RoundCursor::split(int world_rank, int group_size) {
  const auto size = static_cast<std::uint32_t>(group_size);
  const auto offset = scope_.index_of(world_rank).value() / size * size;
  RoundScope part = scope_;
  if (!scope_.members.empty()) {
    const auto begin = scope_.members.begin() + offset;
    part.members.assign(begin, begin + size);
  }
  part.first_rank = static_cast<std::uint32_t>(scope_.rank_at(offset));
  part.size = size;
  // A second split into the same ranks must not share rounds with the first, nor with its parent.
  part.lineage = fnv1a(fmt::format("{}/{}", scope_.lineage, ++splits_));
  return part;
}

std::vector<Blob> blobs_or_throw(RoundOutcome outcome, int own_world_rank) {
  if (auto* failure = std::get_if<Failure>(&outcome)) {
    if (!failure->rank) failure->rank = own_world_rank;
    throw Error(std::move(*failure));
  }
  return std::get<std::vector<Blob>>(std::move(outcome));
}

void check_split(Communicator& comm, int group_size) {
  // Gathered before it is judged: a rank that asks for something else must not leave the others waiting.
  const auto sizes = allgather_value(comm, "split", group_size);
  const int own = comm.world_rank(comm.rank());
  for (int i = 0; i < comm.size(); ++i) {
    if (sizes[i] == sizes[0]) continue;
    throw Error({.layer = Layer::comm,
                 .reason = Reason::disagreement,
                 .call = "split",
                 .detail = fmt::format("rank {} asks for groups of {}, rank {} for groups of {}", comm.world_rank(0),
                                       sizes[0], comm.world_rank(i), sizes[i]),
                 .rank = own});
  }
  if (group_size < 1 || comm.size() % group_size != 0) {
    throw Error({.layer = Layer::comm,
                 .reason = Reason::invalid_argument,
                 .call = "split",
                 .detail = fmt::format("groups of {} do not divide {} ranks", group_size, comm.size()),
                 .rank = own});
  }
}

Blob encode(const Contribution& contribution) {
  WireWriter writer;
  write_id(writer, contribution.round);
  writer.i32(contribution.rank);
  writer.text(contribution.step);
  writer.bytes(contribution.payload);
  return writer.take();
}

Contribution decode_contribution(std::span<const std::byte> message) {
  WireReader reader(message, "round contribution");
  Contribution contribution;
  contribution.round = read_id(reader);
  contribution.rank = reader.i32();
  if (!contribution.round.scope.has(contribution.rank)) {
    reader.malformed(fmt::format("rank {} is not a member of its round", contribution.rank));
  }
  contribution.step = reader.text();
  contribution.payload = reader.bytes();
  reader.expect_end();
  return contribution;
}

Blob encode(const RoundResult& result) {
  WireWriter writer;
  write_id(writer, result.round);
  const auto* blobs = std::get_if<std::vector<Blob>>(&result.outcome);
  writer.u8(blobs ? 1 : 0);
  if (blobs) {
    for (const Blob& blob : *blobs) writer.bytes(blob);
  } else {
    write_failure(writer, std::get<Failure>(result.outcome));
  }
  return writer.take();
}

RoundResult decode_result(std::span<const std::byte> message) {
  WireReader reader(message, "round result");
  RoundResult result;
  result.round = read_id(reader);
  if (reader.u8() != 0) {
    std::vector<Blob> blobs;
    for (std::uint32_t i = 0; i < result.round.scope.size; ++i) blobs.push_back(reader.bytes());
    result.outcome = std::move(blobs);
  } else {
    result.outcome = read_failure(reader);
  }
  reader.expect_end();
  return result;
}

}  // namespace symmbench
