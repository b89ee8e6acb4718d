#include "workspace/trtllm_workspace.hpp"

#include "workspace/lamport_workspace.hpp"
#include "workspace/trtllm_capacity.hpp"

namespace symmbench {
namespace {

constexpr Difference kTrtllmDifferences[] = {
    {"cudaMalloc and IPC handles up to 2025, torch symmetric memory from 0.6.9 on", "every allocator",
     "allocators are what is compared"},
    {"sizes of the largest tokens and the hidden size given", "of the largest message and the widest row that run",
     "the same where these are of one shape"},
    {"the Lamport fill covers half of each buffer: a count of elements is divided by their size twice",
     "0x80000000 in every word of all three", "a scan holds all of a buffer to one pattern"},
    {"flags are not cleared: memory is taken to be zeroed", "cleared, with every allocator",
     "newer torch leaves the data area as it was"},
    {"the flag is an argument of the call, one count for all that a caller does",
     "counts in the control block, one of calls by flags and one of Lamport calls",
     "a graph is replayed, and a count in common takes a Lamport buffer that is not clean"},
    {"the second comm buffer is never used", "even calls have the first, odd ones the second",
     "a rank that is ahead overwrites what a peer still reads"},
    {"rows of flags lie by the size of the grid, and a wait ends on the very flag",
     "by that of the largest grid, and a wait ends when the flag is reached",
     "a call of another grid takes a row of the other parity, and its flag is never seen"},
    {"push: sums start at another rank on each rank, and read buffers of others", "in rank order, from the own buffer",
     "ranks may differ in the last bit"},
    {"push sends to the own buffer as well", "the own message stays where it is", "1/W of the stores for nothing"},
    {"sums are rounded to the element type after each addition", "in fp32, one rounding; --accumulate storage rounds",
     "the result does not depend on how many ranks there are"},
    {"Lamport sums start at the own rank", "in rank order", "ranks may differ in the last bit"},
    {"a payload that is -0 is sent as it is: its receivers wait for ever", "the word 0x80000000 becomes 0",
     "every payload arrives"},
    {"the Lamport clear is of the present shape", "of what the call before wrote",
     "shapes may change from call to call"},
    {"Lamport rows whose warps a cluster does not divide lose elements", "refused with the numbers",
     "as upstream's users had them, no result is right"},
    {"residual_rmsnorm of more than 16 tokens, in fp32 or by two-shot has kernels of its own, and a form with a norm "
     "before "
     "the residual",
     "residual_rmsnorm by Lamport packets only", "what small messages are run with"},
    {"a two-shot by push, and a copy by the driver before a one-shot", "two_shot_barrier pulls; no copy before a call",
     "the usual forms"},
    {"peer addresses are host arrays handed to each call", "a table on the device, and addresses as parameters",
     "as every workspace has them here"},
    {"no deadline in a wait", "an abort word in the control block", "a lost peer ends a run with its name"},
    {"the barrier after creation is of WORLD unless a group is given, and the group given to destroy is ignored",
     "exactly the ranks that exchanged handles, after a synchronize",
     "a peer may start before this rank's fill has run"},
    {"no look at the memory before use", "ownership test over all pairs of ranks and a scan of all patterns",
     "a wrong rank order or a wrong fill shows only as wrong sums, sometimes"},
};

}  // namespace

std::span<const Difference> trtllm_differences() { return kTrtllmDifferences; }

std::unique_ptr<Workspace> make_trtllm_workspace(const PhaseContext& context, Allocator& allocator, Driver& driver,
                                                 Stream& stream, KernelSet& kernels, const WorkspaceSpec& spec) {
  using View = WorkspaceView;
  constexpr int kUses[] = {View::kComm,    View::kSecondComm,    View::kFlags,       View::kSecondFlags,
                           View::kLamport, View::kSecondLamport, View::kThirdLamport};
  return make_lamport_workspace(context, allocator, driver, stream, kernels, spec,
                                {.segments = trtllm_segments(spec.capacity),
                                 .uses = kUses,
                                 .slot_bytes = trtllm_layout(spec.capacity).lamport_bytes()});
}

}  // namespace symmbench
