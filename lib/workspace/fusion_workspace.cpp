#include "workspace/fusion_workspace.hpp"

#include "workspace/fusion_capacity.hpp"

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

std::span<const Difference> fusion_differences() { return kDifferences; }

std::unique_ptr<Workspace> make_fusion_workspace(const PhaseContext& context, Allocator& allocator, Driver& driver,
                                                 Stream& stream, KernelSet& kernels, const WorkspaceSpec& spec) {
  auto workspace = std::make_unique<FusionWorkspace>(context.comm, driver, stream, kernels, spec);
  workspace->create(context, allocator, spec.handle);
  return workspace;
}

FusionWorkspace::FusionWorkspace(const Communicator& comm, Driver& driver, Stream& stream, KernelSet& kernels,
                                 const WorkspaceSpec& spec)
    : driver_(driver),
      stream_(stream),
      give_up_(spec.give_up),
      world_ranks_(world_ranks_of(comm)),
      slot_bytes_(fusion_layout(spec.capacity).slot_bytes()),
      segments_("workspace", comm, driver, stream, kernels, fusion_segments(spec.capacity),
                {.allocate = [this] { allocate_local(); },
                 .enqueue_start = [this] { enqueue_start(); },
                 .close = [this] { close_local(); }}) {
  view_.rank = comm.rank();
  view_.world_size = comm.size();
}

void FusionWorkspace::create(const PhaseContext& context, Allocator& allocator, HandleType handle) {
  segments_.create(context, allocator, handle);
}

void FusionWorkspace::allocate_local() {
  control_ = LocalBuffer(driver_, sizeof(ControlBlock));
  pointer_table_ = LocalBuffer(driver_, (segments_.size() * world_ranks_.size() + 1) * sizeof(std::uint64_t));
}

void FusionWorkspace::fill_view() {
  pointer_table_start_.clear();
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    view_.segment[i] = segments_.view(i);
    for (int r = 0; r < view_.world_size; ++r) pointer_table_start_.push_back(view_.segment[i].base[r]);
  }
  pointer_table_start_.push_back(control_.address());
  view_.control = control_.address();
  view_.pointer_table = pointer_table_.address();
  view_.give_up = give_up_.record;
  view_.wait_limit_ns = static_cast<std::uint64_t>(give_up_.wait_limit.count());
  view_.slot_bytes = slot_bytes_;
  control_start_.slot_bytes = slot_bytes_;
}

void FusionWorkspace::enqueue_start() {
  fill_view();
  stream_.copy(to_pointer(control_.address()), &control_start_, sizeof(control_start_));
  stream_.copy(to_pointer(pointer_table_.address()), pointer_table_start_.data(),
               pointer_table_start_.size() * sizeof(std::uint64_t));
  give_up_.clear();
}

void FusionWorkspace::close_local() {
  pointer_table_.close();
  control_.close();
}

}  // namespace symmbench
