#pragma once
#include <concepts>

#include "kernels/protocol/ops.hpp"
#include "kernels/protocol/partition.hpp"

namespace symmbench {

/// What is done with each packet of the sum. A protocol calls, for the packets of a thread:
///   prepare(ops, row, lane, ref)        before the wait for the previous kernel: constants and prefetches only
///   load_residual(ops, row, lane, ref)  after it has sent its own packets: what an earlier kernel wrote
///   begin(row)                          for each tile, then for every packet of it
///   take(ops, row, lane, ref, sum)      in any order
///   finish(ops, row, tile, alive)       after the last; false: this thread or another of the row lacks its sum
/// Row<Partition> is what a thread retains meanwhile.
///
/// kRows: needs whole rows, so a two-shot must give it the local share together with the rest (Pending = AllShares)
/// instead of at once (Pending = RemoteShares). kGroupPackets: so many neighbouring packets of a row are always handled
/// by one warp, a power of two up to 32; 1 where no packet needs its neighbours.
template <class E>
concept PacketEpilogue = requires(const E& epilogue, archetypes::LocalMemory& ops,
                                  typename E::template Row<archetypes::Retaining>& row, const PacketRef& ref,
                                  const Packet& sum, const archetypes::Tile& tile) {
  { E::kRows } -> std::convertible_to<bool>;
  { E::kGroupPackets } -> std::convertible_to<int>;
  typename E::Pending;
  epilogue.prepare(ops, row, 0, ref);
  epilogue.load_residual(ops, row, 0, ref);
  epilogue.begin(row);
  epilogue.take(ops, row, 0, ref, sum);
  { epilogue.finish(ops, row, tile, true) } -> std::same_as<bool>;
};

}  // namespace symmbench
