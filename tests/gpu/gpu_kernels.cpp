// Seam 2 on the GPUs of this machine: ranks are threads, with a GPU each or sharing them. Exits with 77 without a GPU.
// `gpu_kernels [timing]` prints times instead of testing (gpu_times.cpp); `gpu_kernels [small]` is for compute-sanitizer.
#include <atomic>
#include <catch2/catch_session.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "gpu/gpu_ranks.hpp"

namespace symmbench {
namespace {

using test::all_right;
using test::GpuBatch;
using test::GpuRank;
using test::gpus;
using test::ranks_here;
using test::run_gpu_ranks;

constexpr int kSkipped = 77;
constexpr Algorithm kAlgorithms[] = {Algorithm::one_shot, Algorithm::two_shot, Algorithm::two_shot_barrier};
constexpr ScaleLayout kAnyLayout = PatternParameters{}.scale_layout;
constexpr DType kTypes[] = {DType::fp16, DType::bf16, DType::fp32};

std::string text(const CallShape& shape) {
  return std::string(name_of(shape.algorithm)) + " " + std::string(name_of(shape.pattern)) + " " +
         std::string(name_of(shape.dtype)) + " " + std::to_string(shape.tokens) + " x " + std::to_string(shape.hidden) +
         " on " + std::to_string(shape.world_size) + ", blocks " + std::to_string(shape.blocks) + ", threads " +
         std::to_string(shape.threads) + (shape.in_place ? ", in place" : "");
}

/// Shapes that were run, and that were not because ranks share a GPU on which their blocks may not all run at once.
std::atomic<int> g_run{0}, g_left_out{0};

/// `calls` launches over a ring of 5, prime to the three Lamport slots; all in the ring checked, digests compared.
void require_right(GpuRank& rank, const CallShape& shape, InputKind kind, std::uint64_t first,
                   std::uint64_t calls = 10) {
  if (!rank.fits(shape)) {
    if (rank.rank == 0) ++g_left_out;
    return;
  }
  if (rank.rank == 0) ++g_run;
  constexpr std::uint32_t kBuffers = 5;
  GpuBatch batch(rank, shape, kind, kBuffers, first);
  barrier(rank.comm, "filled");
  for (std::uint64_t i = 0; i < (shape.in_place ? kBuffers : calls); ++i) batch.launch(i);
  barrier(rank.comm, "launched");
  const VerifyReport report = batch.check();
  if (const auto failure = rank.workspace.gave_up()) throw Error(*failure);
  test::require(all_right(report, shape, kBuffers),
                text(shape) + ": " + std::to_string(report.wrong_elements) + " wrong, " +
                    std::to_string(report.unwritten_elements) + " unwritten, " +
                    std::to_string(report.checked_elements) + " checked, " +
                    std::to_string(report.guard_words_overwritten) + " guard words, first at " +
                    std::to_string(report.mismatch[0].index) + " got " + std::to_string(report.mismatch[0].got) +
                    " expected " + std::to_string(report.mismatch[0].expected));
  for (const auto digest : allgather_value(rank.comm, "digest", report.digest)) {
    test::require(digest == report.digest, text(shape) + ": ranks have different bits");
  }
}

TEST_CASE("every algorithm, type and pattern is right on GPUs, also with tails and rows cut by shares") {
  for (const int ranks : {2, 3, 4, 8}) {
    const bool shared = ranks > gpus();  // few packets, so that all ranks' kernels fit
    run_gpu_ranks({.ranks = ranks, .message_bytes = 4 << 20}, [shared](GpuRank& rank) {
      std::uint64_t first = 0;
      for (const auto algorithm : kAlgorithms) {
        for (const auto dtype : kTypes) {
          for (const auto kind : {InputKind::exact, InputKind::random}) {
            for (const std::uint64_t packets : {1, 3, 67, 1024, 5000, 70001}) {
              if (shared && packets > 1024) continue;
              const CallShape shape{.algorithm = algorithm,
                                    .dtype = dtype,
                                    .world_size = rank.size(),
                                    .tokens = 1,
                                    .hidden = packets * 16 / element_bytes(dtype)};
              require_right(rank, shape, kind, first++);
            }
            if (rank.size() != 2 && rank.size() != 4 && rank.size() != 8) continue;
            for (const std::uint64_t hidden : {72, 2880, 5120, 7168, 8192}) {
              for (const std::uint64_t tokens : {1, 3, 6, 61}) {
                if (shared && tokens > 1 && (tokens > 6 || hidden > 72)) continue;
                const CallShape shape{.algorithm = algorithm,
                                      .pattern = Pattern::residual_rmsnorm,
                                      .dtype = dtype,
                                      .world_size = rank.size(),
                                      .tokens = tokens,
                                      .hidden = hidden};
                require_right(rank, shape, kind, first++);
              }
            }
          }
        }
      }
    });
  }
}

/// Values of the parameters of a pattern that take other code on the way: each is run at every shape in turn.
std::vector<PatternParameters> parameters_of(const PatternSpec& spec) {
  std::vector<PatternParameters> all;
  const auto layouts = spec.layouts.empty() ? std::span<const ScaleLayout>(&kAnyLayout, 1) : spec.layouts;
  for (const ScaleLayout layout : layouts) {
    for (const float bias : {0.0f, 1.0f}) {
      auto& parameters = all.emplace_back();
      parameters.scale_layout = layout;
      parameters.weight_bias = bias;
      parameters.quant_group = bias == 0.0f ? 128 : 64;
    }
  }
  return all;
}

void every_fused_pattern(GpuRank& rank, WorkspaceKind workspace, std::span<const std::uint64_t> hiddens,
                         std::span<const std::uint64_t> tokens) {
  std::uint64_t first = 0;
  for (const PatternSpec& spec : pattern_specs()) {
    if (!spec.by_rows()) continue;
    const auto parameters = parameters_of(spec);
    for (const auto algorithm : kAlgorithms) {
      for (const auto dtype : spec.dtypes) {
        for (const std::uint64_t hidden : hiddens) {
          for (const std::uint64_t rows : tokens) {
            CallShape shape{.workspace = workspace, .algorithm = algorithm, .pattern = spec.pattern, .dtype = dtype};
            shape.world_size = rank.size();
            shape.tokens = rows;
            shape.hidden = hidden;
            shape.parameters = parameters[first % parameters.size()];
            if (rank.kernels.unsupported(shape)) continue;
            const auto kind = first / parameters.size() % 2 == 0 ? InputKind::exact : InputKind::random;
            require_right(rank, shape, kind, first++, 6);
          }
        }
      }
    }
  }
}

TEST_CASE("every fused pattern of every type is right, with warps that a row does not fill") {
  constexpr std::uint64_t kHiddens[] = {384, 2944, 8192}, kTokens[] = {1, 3, 17};
  for (const int ranks : {2, 4, 8}) {
    run_gpu_ranks({.ranks = ranks, .message_bytes = 8 << 20},
                  [&](GpuRank& rank) { every_fused_pattern(rank, WorkspaceKind::trtllm_fusion, kHiddens, kTokens); });
  }
}

TEST_CASE("every fused pattern of every type is right over an mnnvl workspace") {
  constexpr std::uint64_t kHiddens[] = {384, 2944}, kTokens[] = {1, 3, 17};
  for (const int ranks : {2, 4, 8}) {
    run_gpu_ranks({.ranks = ranks, .message_bytes = 8 << 20, .workspace = WorkspaceKind::mnnvl},
                  [&](GpuRank& rank) { every_fused_pattern(rank, WorkspaceKind::mnnvl, kHiddens, kTokens); });
  }
}

/// For compute-sanitizer, under which every launch takes long.
TEST_CASE("every fused pattern once, two ranks, small", "[.][small]") {
  constexpr std::uint64_t kHiddens[] = {384}, kTokens[] = {3};
  for (const auto workspace : {WorkspaceKind::trtllm_fusion, WorkspaceKind::mnnvl}) {
    run_gpu_ranks(
        {.ranks = 2, .message_bytes = 1 << 20, .workspace = workspace, .wait_limit = std::chrono::seconds(60)},
        [&](GpuRank& rank) { every_fused_pattern(rank, workspace, kHiddens, kTokens); });
  }
}

TEST_CASE("messages that are cut by tokens are right over an mnnvl workspace, plain and normalised") {
  for (const int ranks : {2, 3, 4, 8}) {
    run_gpu_ranks({.ranks = ranks, .message_bytes = 8 << 20, .workspace = WorkspaceKind::mnnvl}, [](GpuRank& rank) {
      std::uint64_t first = 0;
      for (const auto pattern : {Pattern::allreduce, Pattern::residual_rmsnorm}) {
        for (const auto algorithm : {Algorithm::one_shot, Algorithm::two_shot}) {
          for (const auto dtype : kTypes) {
            for (const std::uint64_t hidden : {72, 2880, 8192}) {
              for (const std::uint64_t tokens : {1, 3, 17}) {
                CallShape shape{.workspace = WorkspaceKind::mnnvl,
                                .algorithm = algorithm,
                                .pattern = pattern,
                                .dtype = dtype,
                                .world_size = rank.size(),
                                .tokens = tokens,
                                .hidden = hidden};
                if (rank.kernels.unsupported(shape)) continue;
                for (const auto kind : {InputKind::exact, InputKind::random}) require_right(rank, shape, kind, first++);
              }
            }
          }
        }
      }
    });
  }
}

TEST_CASE("sums that round at each addition and a trigger at the end are right in every algorithm, pattern and type") {
  run_gpu_ranks({.ranks = ranks_here(), .message_bytes = 8 << 20}, [](GpuRank& rank) {
    std::uint64_t first = 0;
    for (const PatternSpec& spec : pattern_specs()) {
      for (const auto algorithm : kAlgorithms) {
        for (const auto dtype : spec.dtypes) {
          for (const auto accumulation : {Accumulation::fp32, Accumulation::storage}) {
            for (const auto trigger : {TriggerPoint::early, TriggerPoint::end}) {
              CallShape shape{
                  .algorithm = algorithm, .pattern = spec.pattern, .dtype = dtype, .world_size = rank.size()};
              shape.tokens = 3;
              shape.hidden = 2944;
              shape.accumulation = accumulation;
              shape.trigger = trigger;
              if (rank.kernels.unsupported(shape)) continue;
              require_right(rank, shape, InputKind::random, first++, 6);
            }
          }
        }
      }
    }
  });
}

TEST_CASE("sizes, launches, algorithms and patterns may change from call to call in one workspace") {
  for (const int ranks : {2, std::max(gpus(), 4)}) {
    const bool shared = ranks > gpus();
    run_gpu_ranks({.ranks = ranks, .message_bytes = 8 << 20}, [shared](GpuRank& rank) {
      std::uint64_t random = 12345, first = 0;
      const auto draw = [&](std::uint64_t below) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        return (random >> 33) % below;
      };
      const bool fused_too = rank.size() == 2 || rank.size() == 4 || rank.size() == 8;
      for (int batch = 0; batch < 300; ++batch) {
        CallShape shape{.algorithm = kAlgorithms[draw(3)], .dtype = kTypes[draw(3)], .world_size = rank.size()};
        shape.tokens = 1 + draw(shared ? 2 : draw(2) == 0 ? 256 : 8);
        shape.hidden = 8 * (1 + draw(1000));
        shape.threads = static_cast<std::uint32_t>(draw(3) == 0 ? 32 * (4 + draw(12)) : 0);
        if (fused_too && draw(3) == 0) shape.pattern = Pattern::residual_rmsnorm;
        shape.in_place = spec_of(shape.pattern).in_place && draw(4) == 0;
        const auto kind = draw(2) == 0 ? InputKind::exact : InputKind::random;
        const std::uint64_t calls = 5 + draw(20);
        if (rank.kernels.unsupported(shape)) continue;
        require_right(rank, shape, kind, first++, calls);
      }
    });
  }
}

TEST_CASE("a captured graph goes on where its last launch ended") {
  run_gpu_ranks({.ranks = ranks_here(), .message_bytes = 1 << 20}, [](GpuRank& rank) {
    const CallShape shape{.algorithm = Algorithm::two_shot, .world_size = rank.size(), .tokens = 3, .hidden = 8192};
    GpuBatch batch(rank, shape, InputKind::random, 5, 0);
    rank.stream.synchronize();
    const auto graph = rank.stream.capture([&] {
      for (std::uint64_t i = 0; i < 10; ++i) batch.launch(i);
    });
    barrier(rank.comm, "captured");
    for (int replay = 0; replay < 20; ++replay) graph->launch();
    barrier(rank.comm, "launched");
    test::require(all_right(batch.check(), shape, 5));
  });
}

TEST_CASE("device barriers and collectives follow each other in any order") {
  run_gpu_ranks({.ranks = ranks_here(), .message_bytes = 1 << 20}, [](GpuRank& rank) {
    for (std::uint64_t round = 0; round < 20; ++round) {
      barrier(rank.comm, "memory of the round before freed");  // which waits for the whole GPU
      for (std::uint64_t i = 0; i <= round % 3; ++i)
        rank.kernels.device_barrier(rank.stream, rank.workspace.view(), rank.workspace.view().flags());
      barrier(rank.comm, "launched");
      rank.stream.synchronize();
      barrier(rank.comm, "met");
      const CallShape shape{
          .algorithm = kAlgorithms[round % 3], .world_size = rank.size(), .tokens = 1, .hidden = 4096};
      require_right(rank, shape, InputKind::exact, round);
    }
  });
}

TEST_CASE("a rank that never comes is named by all that waited for it, and nobody hangs") {
  for (const auto algorithm : kAlgorithms) {
    for (const auto pattern : {Pattern::allreduce, Pattern::residual_rmsnorm}) {
      const int ranks = gpus() >= 4 ? 4 : 2;
      run_gpu_ranks(
          {.ranks = ranks, .message_bytes = 1 << 20, .wait_limit = std::chrono::milliseconds(300)}, [&](GpuRank& rank) {
            const CallShape shape{
                .algorithm = algorithm, .pattern = pattern, .world_size = rank.size(), .tokens = 16, .hidden = 8192};
            GpuBatch batch(rank, shape, InputKind::exact, 5, 0);
            rank.stream.synchronize();
            barrier(rank.comm, "filled");
            if (rank.rank != 1) {
              for (std::uint64_t i = 0; i < 5; ++i) batch.launch(i);
              rank.stream.synchronize();
              const auto failure = rank.workspace.gave_up();
              test::require(failure.has_value(), text(shape) + ": did not give up");
              test::require(failure->rank == rank.rank, failure->detail);
              test::require(algorithm == Algorithm::two_shot || failure->peer == 1, failure->detail);
            }
            barrier(rank.comm, "gave up");
          });
    }
  }
}

TEST_CASE("NaNs, infinities, negative zeros and sentinels travel without a hang") {
  run_gpu_ranks({.ranks = 2, .message_bytes = 1 << 20}, [](GpuRank& rank) {
    const std::uint32_t words[] = {0x80000000, 0x80008000, 0x00008000, 0x80010000, 0x807F807F, 0x00018001,
                                   0x7F80FF80, 0x7FC07FF7, 0xFFFFFFFF, 0x00000000, 0x80000001, 0xFF80FF80};
    for (const auto algorithm : kAlgorithms) {
      const CallShape shape{.algorithm = algorithm, .world_size = 2, .tokens = 1, .hidden = 96};
      GpuBatch batch(rank, shape, InputKind::random, 1, 0);
      std::vector<std::uint32_t> input(48, 0x80000000), output(48);
      if (rank.rank == 1) {
        for (std::size_t i = 0; i < 48; ++i) input[i] = words[i % 12];
      }
      rank.stream.copy(to_pointer(batch.view().input(0)), input.data(), 192);
      rank.stream.synchronize();
      barrier(rank.comm, "filled");
      for (int call = 0; call < 4; ++call) batch.launch(0);
      barrier(rank.comm, "launched");
      rank.stream.copy(output.data(), to_pointer(batch.view().output(OutputKind::allreduce, 0)), 192);
      rank.stream.synchronize();
      for (std::size_t e = 0; e < 96; ++e) {
        const std::uint32_t sent = words[e / 2 % 12] >> (e % 2 * 16) & 0xFFFF;
        const std::uint32_t got = output[e / 2] >> (e % 2 * 16) & 0xFFFF;
        const bool right = (sent & 0x7FFF) > 0x7F80 ? got == 0x7FFF
                           : (sent & 0x7FFF) == 0   ? (got & 0x7FFF) == 0
                                                    : got == sent;
        test::require(right, text(shape) + ": element " + std::to_string(e));
      }
    }
  });
}

TEST_CASE("calls that cannot run are refused before they are launched") {
  const auto kernels = make_cuda_kernels(0);
  const CallShape good{.world_size = 4, .tokens = 1, .hidden = 8192};
  CHECK_FALSE(kernels->unsupported(good));
  auto shape = good;
  shape.threads = 33;
  CHECK(kernels->unsupported(shape));
  shape.threads = 1024;
  CHECK(kernels->unsupported(shape));
  shape = good;
  shape.blocks = 1;
  CHECK(kernels->unsupported(shape));
  shape.blocks = 7;
  CHECK_FALSE(kernels->unsupported(shape));
  shape = good;
  shape.pattern = Pattern::residual_rmsnorm;
  shape.hidden = 8 * 512 * 8 + 8;
  CHECK(kernels->unsupported(shape));
}

}  // namespace
}  // namespace symmbench

int main(int argc, char** argv) {
  // Code that is loaded at its first launch may wait for a kernel that waits for this launch.
  setenv("CUDA_MODULE_LOADING", "EAGER", 1);
  setenv("CUDA_DEVICE_MAX_CONNECTIONS", "32", 1);  // ranks that share a GPU must not share a queue
  if (symmbench::test::gpus() < 1) {
    std::printf("skipped: no GPU\n");
    return symmbench::kSkipped;
  }
  const int result = Catch::Session().run(argc, argv);
  std::printf(
      "%d shapes run, %d left out because the blocks of ranks that share a GPU may not all fit on it; GPUs: %d\n",
      symmbench::g_run.load(), symmbench::g_left_out.load(), symmbench::test::gpus());
  return result;
}
