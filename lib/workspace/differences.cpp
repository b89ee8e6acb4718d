#include "workspace/differences.hpp"

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
    {"group size and rank are taken from the caller", "compared with the communicator before anything is allocated",
     "peer pointers of another group are other ranks' memory"},
    {"no look at the memory before use", "ownership test over all pairs of ranks and a scan of all patterns",
     "a wrong rank order or a wrong fill shows only as wrong sums, sometimes"},
    {"regions end where the allocation happens to end", "a canary zone behind each segment, checked at close",
     "a write past the end lands in the next rank's memory, silently, where ranks are contiguous"},
    {"destroy frees nothing, the control block leaks", "close() gives everything back, from any half-built state",
     "every workspace made and destroyed costs its memory until the process ends"},
};

}  // namespace

std::span<const Difference> workspace_differences() { return kDifferences; }

}  // namespace symmbench
