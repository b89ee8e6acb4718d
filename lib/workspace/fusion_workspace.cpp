#include "workspace/fusion_workspace.hpp"

#include "workspace/fusion_capacity.hpp"
#include "workspace/lamport_workspace.hpp"

namespace symmbench {
namespace {

constexpr Difference kDifferences[] = {
    {"comm segment of W*M*H*2 bytes for every dtype", "the larger of that and two padded messages",
     "an fp32 two-shot of two ranks writes past the end"},
    {"Lamport fill by dtype: 0x8000 per 16-bit lane, 0x80000000 per word for fp32",
     "0x80000000 per word for every dtype",
     "one workspace serves all dtypes, and a fill of the other kind reads as data that arrived"},
    {"one Lamport slot holds W messages, clamped to 2046 MiB with a warning",
     "at least two padded messages as well; a call that does not fit is skipped with the figures",
     "the two-shot here sends Lamport packets too"},
    {"flags are cleared with symm_device_memory only", "cleared with every allocator",
     "newer torch leaves the data area as it was, so barrier flags begin as garbage"},
    {"device synchronize before the barrier with symm_device_memory only; the barrier may be of another group",
     "synchronize, then the barrier of exactly the ranks that exchanged handles",
     "a peer may start before this rank's fill has run"},
    {"sizes in 32-bit words of the control block", "64-bit sizes and an abort word",
     "index times slot size overflows from 1 GiB per slot on, and waits had no end"},
    {"one buffer after the other is created, exchanged and mapped",
     "all three go through each step together, each in its own order of calls",
     "the ranks exchange handles and vote once for a step instead of three times"},
    {"group size and rank are taken from the caller", "compared with the communicator before anything is allocated",
     "peer pointers of another group are other ranks' memory"},
    {"no look at the memory before use", "ownership test over all pairs of ranks and a scan of all patterns",
     "a wrong rank order or a wrong fill shows only as wrong sums, sometimes"},
    {"regions end where the allocation happens to end", "a canary zone behind each segment, checked at close",
     "a write past the end lands in the next rank's memory, silently, where ranks are contiguous"},
    {"one-shot rounds to the element type after each addition unless fp32_acc is given", "sums in fp32, one rounding",
     "the result does not depend on how many ranks there are"},
    {"one-shot sends to the own slot as well and reads it back", "the own part stays in registers",
     "1/W of the stores and of the polling for nothing"},
    {"one-shot works whole tokens, a cluster each", "the packets of a message are split over all blocks",
     "a few long tokens would leave most of the device idle"},
    {"two-shot: plain stores, a barrier of flags before and after, and everything is read",
     "two_shot_barrier is that algorithm; "
     "two_shot is not: it sends Lamport packets in both steps, without barriers",
     "compare two_shot_barrier with upstream's figures"},
    {"the flags of the two-shot's barrier go round 0, 1, 2, and a wait ends on any value but the last one",
     "a generation that only grows; a wait ends when it is reached", "garbage in the flags would pass the barrier"},
    {"kernels load the peers' addresses from a table on the device",
     "the table is there, and kernels have the addresses as parameters",
     "two dependent loads less before the first store"},
    {"one-shot up to payloads of 128, 8 and 2.625 MiB on 2, 4 and 8 ranks, two-shot above; no rule for 16",
     "--algorithm auto follows a tuning table of measured crossings, each algorithm can be asked for at any size that "
     "fits",
     "where the crossing lies is what is to be measured"},
    {"destroy frees nothing, the control block leaks", "close() gives everything back, from any half-built state",
     "every workspace made and destroyed costs its memory until the process ends"},
};

}  // namespace

std::span<const Difference> fusion_differences() { return kDifferences; }

std::unique_ptr<Workspace> make_fusion_workspace(const PhaseContext& context, Allocator& allocator, Driver& driver,
                                                 Stream& stream, KernelSet& kernels, const WorkspaceSpec& spec) {
  constexpr int kUses[] = {WorkspaceView::kComm, WorkspaceView::kFlags, WorkspaceView::kLamport};
  return make_lamport_workspace(context, allocator, driver, stream, kernels, spec,
                                {.segments = fusion_segments(spec.capacity),
                                 .uses = kUses,
                                 .slot_bytes = fusion_layout(spec.capacity).slot_bytes()});
}

}  // namespace symmbench
