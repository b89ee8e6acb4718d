// A store to all that reaches the own segment too, as one through a multicast address does.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "kernels/host/host_blocks.hpp"
#include "support/flat_ranks.hpp"

using namespace symmbench;
using namespace symmbench::test;

namespace {

struct StoresToItselfToo : HostOps {
  using HostOps::HostOps;
  static bool writes_own() { return true; }
  template <class World>
  void send_to_all(const Targets<World>& targets, std::uint64_t slot_offset, const Packet& packet) {
    HostOps::send_to_all(targets, slot_offset, packet);
    HostOps::send(target(view_.rank, targets.offset), slot_offset, packet);
  }
};

template <WorkspaceKind kWorkspace, Algorithm kAlgorithm>
void launch(FlatRanks& ranks, int rank, const AllreduceCall& call) {
  ranks.stream(rank).launch(2, [call, view = ranks.view(rank)](std::uint32_t block) {
    host::kRowOfAny<StoresToItselfToo, Bf16, Pattern::allreduce, kAlgorithm, kWorkspace>.run(call, view, block, 2);
  });
}

/// Words of all slots but the one written last that are not clean.
std::uint64_t stale_words(FlatRanks& ranks, const FusionLayout& layout) {
  std::uint64_t words = 0;
  for (int r = 0; r < ranks.size(); ++r) {
    const std::uint64_t last = (ranks.control(r).slot + kLamportSlots - 1) % kLamportSlots;
    for (std::uint64_t w = 0; w < layout.lamport_bytes() / 4; ++w) {
      if (w / (layout.slot_bytes() / 4) != last && ranks.lamport(r).word(w) != kSentinel) ++words;
    }
  }
  return words;
}

}  // namespace

TEST_CASE("Where a store to all writes the own segment too, the clear takes the own regions along") {
  using enum WorkspaceKind;
  const auto workspace = GENERATE(trtllm_fusion, mnnvl);
  const auto algorithm = GENERATE(Algorithm::one_shot, Algorithm::two_shot);
  const CallShape shape{.workspace = workspace,
                        .algorithm = algorithm,
                        .dtype = DType::bf16,
                        .world_size = 4,
                        .tokens = 5,
                        .hidden = 256};
  FlatRanks ranks(layout_for(shape));
  const bool one_shot = algorithm == Algorithm::one_shot;
  const Launch run =
      workspace == mnnvl
          ? (one_shot ? launch<mnnvl, Algorithm::one_shot> : launch<mnnvl, Algorithm::two_shot>)
          : (one_shot ? launch<trtllm_fusion, Algorithm::one_shot> : launch<trtllm_fusion, Algorithm::two_shot>);
  CHECK(all_right(run_and_check(ranks, shape, InputKind::random, 7, 0, run), shape, 7));
  CHECK(stale_words(ranks, layout_for(shape)) == 0);
}
