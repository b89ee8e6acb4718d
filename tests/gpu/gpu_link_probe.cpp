// The link probe on the GPUs of this machine.
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <string>

#include "gpu/gpu_ranks.hpp"
#include "kernels/cuda/cuda_link_probe.hpp"

namespace symmbench {
namespace {

using test::GpuRank;
using test::gpus;
using test::ranks_here;
using test::run_gpu_ranks;

/// A rank's probe, and its comm segment filled with the sentinel as far as `bytes`.
std::unique_ptr<LinkProbe> prepared_probe(GpuRank& rank, std::uint64_t bytes) {
  const WorkspaceView& view = rank.workspace.view();
  rank.stream.fill(view.comm()[view.rank], kSentinel, bytes / 4);
  rank.stream.synchronize();
  barrier(rank.comm, "prepared");
  return make_cuda_link_probe(rank.rank % gpus());
}

/// How many words of the own comm segment's first `bytes` are not the sentinel any more; waits.
std::uint64_t words_written(GpuRank& rank, std::uint64_t bytes) {
  const LocalBuffer count(rank.driver, 8);
  rank.stream.fill(count.address(), 0, 2);
  rank.kernels.scan(rank.stream, rank.workspace.view().comm()[rank.rank], bytes / 4, kSentinel, count.address());
  std::uint64_t words = 0;
  rank.stream.copy(&words, to_pointer(count.address()), sizeof(words));
  rank.stream.synchronize();
  if (const auto failure = rank.workspace.gave_up()) throw Error(*failure);
  return words;
}

TEST_CASE("peer writes of the link probe fill a rank's part at each peer and nothing else") {
  run_gpu_ranks({.ranks = ranks_here(), .message_bytes = 1 << 20}, [](GpuRank& rank) {
    constexpr std::uint32_t kBlocks = 3;
    const std::uint64_t bytes = rank.workspace.view().comm().bytes;
    const auto probe = prepared_probe(rank, bytes);
    probe->write_peers(rank.stream, rank.workspace.view(), rank.workspace.view().comm(), kBlocks);
    rank.stream.synchronize();
    barrier(rank.comm, "written");
    const std::uint64_t peers = static_cast<std::uint64_t>(rank.size() - 1);
    test::require(words_written(rank, bytes) == peers * kBlocks * LinkProbe::kBlockBytes / 4, "words written");
    const LocalBuffer sink(rank.driver, 4);
    probe->read_peers(rank.stream, rank.workspace.view(), rank.workspace.view().comm(), kBlocks, sink.address());
    probe->write_peers(rank.stream, rank.workspace.view(), rank.workspace.view().comm(),
                       4000);  // more than a part holds: it goes round
    rank.stream.synchronize();
    barrier(rank.comm, "written again");
    rank.workspace.check_canaries();
  });
}

TEST_CASE("flag barriers of the link probe leave their rows as they found them, in graphs too") {
  run_gpu_ranks({.ranks = ranks_here(), .message_bytes = 1 << 20}, [](GpuRank& rank) {
    const WorkspaceView& view = rank.workspace.view();
    const std::uint64_t bytes = LinkProbe::flag_barrier_bytes(rank.size());
    const auto probe = prepared_probe(rank, bytes);
    const auto graph = rank.stream.capture([&] {
      for (std::uint32_t i = 0; i < 50; ++i) probe->flag_barrier(rank.stream, view, view.comm(), i % 2);
    });
    barrier(rank.comm, "captured");
    for (int replay = 0; replay < 10; ++replay) graph->launch();
    test::require(words_written(rank, bytes) == 0, "rows cleared");
  });
}

TEST_CASE("two readings of a peer's clock agree within what their round trips allow") {
  run_gpu_ranks({.ranks = ranks_here(), .message_bytes = 1 << 20}, [](GpuRank& rank) {
    constexpr std::uint32_t kRounds = 32;
    const auto ranks = static_cast<std::size_t>(rank.size());
    const LocalBuffer found(rank.driver, ranks * sizeof(ClockReading));
    std::vector<ClockReading> readings[2];
    for (auto& reading : readings) {
      reading.resize(ranks);
      const auto probe = prepared_probe(rank, LinkProbe::ping_bytes(rank.size(), kRounds));
      probe->ping(rank.stream, rank.workspace.view(), rank.workspace.view().comm(), kRounds, found.address());
      rank.stream.copy(reading.data(), to_pointer(found.address()), ranks * sizeof(ClockReading));
      rank.stream.synchronize();
      if (const auto failure = rank.workspace.gave_up()) throw Error(*failure);
      barrier(rank.comm, "pinged");
    }
    for (std::size_t peer = 1; rank.rank == 0 && peer < ranks; ++peer) {
      const ClockReading &first = readings[0][peer], &second = readings[1][peer];
      const double moved = std::abs(static_cast<double>(second.offset_ns - first.offset_ns));
      const double apart = static_cast<double>(second.at_ns - first.at_ns);
      const double error = static_cast<double>(first.round_trip_ns + second.round_trip_ns) / 2 + 128;
      // Drifts of 4-9 us per second were seen on H200s.
      test::require(moved <= error + apart * 50e-6, "offsets of peer " + std::to_string(peer) + " moved by " +
                                                        std::to_string(moved) + " ns, round trips " +
                                                        std::to_string(first.round_trip_ns));
    }
  });
}

}  // namespace
}  // namespace symmbench
