#include "workspace/mnnvl_workspace.hpp"

#include <utility>

#include "workspace/lamport_workspace.hpp"
#include "workspace/mnnvl_capacity.hpp"

namespace symmbench {
namespace {

constexpr Difference kMnnvlDifferences[] = {
    {"multicast only, wherever the device attribute says so; a null multicast address is an error",
     "transport multicast only with --multicast, and vetoed by any of three variables on any rank; otherwise transport "
     "unicast, which is not FlashInfer's: one store per peer",
     "multicast set-up can take GPUs out of service for everybody"},
    {"plain 16-byte stores to the multicast address", "multimem stores",
     "the memory model has no plain stores there, and data were lost across hosts (vllm#53000)"},
    {"memory by SymmDeviceMemory with multicast and signal pads",
     "every allocator that can, the Lamport segment alone with multicast; no kernel uses the pads",
     "allocators are what is compared"},
    {"one-shot sums squares of values rounded to the element type, two-shot in fp32", "fp32 squares in both",
     "the norm does not depend on the algorithm, and is the nearer one"},
    {"dynamic FP8 scales the norm as it is in fp32", "the norm rounded to the element type first, as in every format",
     "codes and scales are those of trtllm_fusion, bit for bit"},
    {"16-bit lanes that are -0 become +0", "the word 0x80000000 alone becomes 0: all that a receiver takes for empty",
     "every other payload travels as it is"},
    {"the own message goes to the own buffer as well and is read back, up to 8 ranks from registers",
     "the own part stays in registers", "1/W of the stores and of the polling for nothing"},
    {"the stages of a two-shot lie in either half of a buffer, with a count of bytes to clear for each",
     "the second lies right behind the first, one count of rows for both", "one clear for any mix of calls"},
    {"a fused two-shot is two kernels, the second with the norm", "one kernel",
     "a rank goes on to the norm as soon as its rows are there"},
    {"buffers of a two-shot of the largest message and a one-shot of 1 MiB over all ranks",
     "the same, and the whole message where one_shot itself is asked for",
     "what upstream's force_oneshot_support gives"},
    {"allocations rounded up, each buffer a third of what came of it", "buffers of what is needed, to 32 bytes",
     "a canary stands behind the last one"},
    {"one-shot up to 1 MiB over all ranks, two-shot above",
     "--algorithm auto follows measured crossings, each algorithm can be asked for at any size that fits",
     "where the crossing lies is what is to be measured"},
    {"2 to 64 ranks, powers of two", "any number for plain messages", "nothing in the protocol needs it"},
    {"state in nine 32-bit words, dirty sizes in bytes", "the control block of every workspace, with an abort word",
     "waits had no end"},
    {"the group given is not handed on: ranks are those of COMM_WORLD",
     "exactly the ranks that exchanged handles, compared before anything is allocated",
     "peer addresses of another group are other ranks' memory"},
    {"no look at the memory before use", "ownership test over all pairs of ranks and a scan of all patterns",
     "a wrong rank order or a wrong fill shows only as wrong sums, sometimes"},
    {"destroy fails on a half-built object", "close() gives everything back, from any half-built state",
     "a failed bring-up must not leak"},
};

}  // namespace

std::span<const Difference> mnnvl_differences() { return kMnnvlDifferences; }

std::unique_ptr<Workspace> make_mnnvl_workspace(const PhaseContext& context, Allocator& allocator, Driver& driver,
                                                Stream& stream, KernelSet& kernels, const WorkspaceSpec& spec) {
  constexpr int kUses[] = {WorkspaceView::kLamport};
  auto segments = mnnvl_segments(spec.capacity);
  segments.front().multicast = spec.transport == TransportKind::multicast;
  return make_lamport_workspace(
      context, allocator, driver, stream, kernels, spec,
      {.segments = std::move(segments), .uses = kUses, .slot_bytes = mnnvl_buffer_bytes(spec.capacity)});
}

}  // namespace symmbench
