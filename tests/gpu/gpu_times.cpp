// `gpu_kernels [timing]`: event, graph launch, event; median over replays of the maximum over ranks.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "gpu/gpu_ranks.hpp"

namespace symmbench {
namespace {

using test::all_right;
using test::GpuBatch;
using test::GpuRank;
using test::gpus;
using test::run_gpu_ranks;

struct Timed {
  CallShape shape;
  double us = 0;
  bool right = false;
};

void time_shape(GpuRank& rank, Timed& timed) {
  const std::uint64_t bytes = timed.shape.message_bytes();
  const int launches = bytes <= 2 << 20 ? 50 : bytes <= 16 << 20 ? 20 : bytes <= 64 << 20 ? 10 : 5;
  const std::uint32_t buffers = bytes <= 1 << 20 ? 5 : 2;
  GpuBatch batch(rank, timed.shape, InputKind::random, buffers, 0);
  rank.stream.synchronize();
  const auto from = rank.stream.make_event(), to = rank.stream.make_event();
  const auto graph = rank.stream.capture([&] {
    for (int i = 0; i < launches; ++i) batch.launch(static_cast<std::uint64_t>(i));
  });
  std::vector<double> times;
  for (int replay = 0; replay < 12; ++replay) {
    barrier(rank.comm, "replay");
    rank.stream.record(*from);
    graph->launch();
    rank.stream.record(*to);
    rank.stream.synchronize();
    double longest = 0;
    for (const double us : allgather_value(rank.comm, "time", rank.stream.elapsed_us(*from, *to))) {
      longest = std::max(longest, us);
    }
    if (replay >= 3) times.push_back(longest / launches);
  }
  std::sort(times.begin(), times.end());
  const bool right = all_right(batch.check(), timed.shape, buffers);
  if (rank.rank == 0) {
    timed.us = times[times.size() / 2];
    timed.right = right;
  }
}

TEST_CASE("times", "[.][timing]") {
  constexpr std::uint64_t kHidden = 8192;
  std::printf("%6s %10s %-9s %-17s %8s %8s %7s %10s\n", "ranks", "bytes", "algorithm", "pattern", "blocks", "threads",
              "cluster", "us");
  for (const int ranks : {4, 2}) {
    if (ranks > gpus()) continue;  // a shared GPU's times mean nothing
    std::vector<Timed> all;
    for (const auto pattern : {Pattern::allreduce, Pattern::residual_rmsnorm}) {
      for (std::uint64_t bytes = 16 << 10; bytes <= 256 << 20; bytes *= 2) {
        for (const auto algorithm : {Algorithm::one_shot, Algorithm::two_shot}) {
          if (algorithm == Algorithm::one_shot && bytes > (ranks == 2 ? 64ull << 20 : 2ull << 20)) continue;
          if (bytes > 8 << 20 && bytes != 16 << 20 && bytes != 64 << 20 && bytes != 256 << 20) continue;
          const CallShape shape{.algorithm = algorithm,
                                .pattern = pattern,
                                .world_size = ranks,
                                .tokens = bytes / 2 / kHidden,
                                .hidden = kHidden};
          const auto first_threads = make_cuda_kernels(0)->launch_shape(shape).threads;
          all.push_back({shape});
          for (const std::uint32_t threads : {32u, 64u, 128u, 256u, 512u}) {
            auto other = shape;
            other.threads = threads;
            if (threads != first_threads && !make_cuda_kernels(0)->unsupported(other)) all.push_back({other});
          }
        }
      }
    }
    run_gpu_ranks({.ranks = ranks, .message_bytes = 256 << 20}, [&](GpuRank& rank) {
      for (auto& timed : all) {
        time_shape(rank, timed);
        if (rank.rank != 0) continue;
        const LaunchShape launch = rank.kernels.launch_shape(timed.shape);
        std::printf("%6d %10llu %-9s %-17s %8u %8u %7u %10.3f%s%s\n", ranks,
                    static_cast<unsigned long long>(timed.shape.message_bytes()),
                    std::string(name_of(timed.shape.algorithm)).c_str(),
                    std::string(name_of(timed.shape.pattern)).c_str(), launch.blocks, launch.threads, launch.cluster,
                    timed.us, timed.right ? "" : " WRONG", timed.shape.threads == 0 ? " *" : "");
        std::fflush(stdout);
      }
    });
  }
}

}  // namespace
}  // namespace symmbench
