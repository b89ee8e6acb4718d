// A program that ThreadSanitizer must report: the barrier two-shot with relaxed flags instead of release and acquire.
// On x86 the results stay right, so no check of data can see it. Run it under the thread preset only; ctest expects its
// report:
//   cmake --preset host-tsan && cmake --build --preset host-tsan --target tsan_weak_barrier && ctest -L tsan
// With the argument "right" it runs the shipped order, which must stay silent.
#include <cstdio>
#include <cstring>

#include "kernels/host/host_blocks.hpp"
#include "kernels/pattern_code.hpp"
#include "support/flat_ranks.hpp"

using namespace symmbench;
using namespace symmbench::test;

namespace {

struct RelaxedFlags : HostOps {
  using HostOps::HostOps;
  void signal(int rank, std::uint64_t offset, std::uint32_t value) {
    relaxed(*pointer<std::uint32_t>(view_.flags()[rank] + offset)).store(value, std::memory_order_relaxed);
  }
  std::uint32_t observe(std::uint64_t offset) {
    return relaxed(*pointer<std::uint32_t>(view_.flags()[view_.rank] + offset)).load(std::memory_order_relaxed);
  }
};

template <class Ops>
void launch(FlatRanks& ranks, int rank, const AllreduceCall& call) {
  ranks.stream(rank).launch(2, [call, view = ranks.view(rank)](std::uint32_t block) {
    Ops ops(view);
    host::run_block<Ops, Bf16, PatternCode<Pattern::allreduce>, Algorithm::two_shot_barrier>(ops, FixedWorld<4>{}, call,
                                                                                             view, block, 2);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const bool right = argc > 1 && std::strcmp(argv[1], "right") == 0;
  const CallShape shape{
      .algorithm = Algorithm::two_shot_barrier, .dtype = DType::bf16, .world_size = 4, .tokens = 4, .hidden = 256};
  FlatRanks ranks(layout_for(shape));
  const auto reports =
      run_and_check(ranks, shape, InputKind::exact, 3, 0, right ? launch<HostOps> : launch<RelaxedFlags>);
  std::printf("%s order: %llu wrong elements\n", right ? "release/acquire" : "relaxed",
              static_cast<unsigned long long>(wrong_elements(reports)));
  return 0;
}
