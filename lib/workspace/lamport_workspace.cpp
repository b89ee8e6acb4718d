#include "workspace/lamport_workspace.hpp"

#include "memory/local_buffer.hpp"

namespace symmbench {
namespace {

/// Segments, and beside them a control block and the table of all addresses.
class LamportWorkspace final : public Workspace {
 public:
  LamportWorkspace(const Communicator& comm, Driver& driver, Stream& stream, KernelSet& kernels,
                   const WorkspaceSpec& spec, const LamportParts& parts);
  /// Collective: as Workspace::create.
  void create(const PhaseContext& context, Allocator& allocator, HandleType handle);

  const WorkspaceView& view() const override { return view_; }
  std::vector<SegmentFacts> facts() const override { return segments_.facts(); }
  std::optional<Failure> gave_up() const override { return give_up_.failure(world_ranks_); }
  void check_canaries() override { segments_.check_canaries(); }
  void reset(const PhaseContext& context) override { segments_.reset(context); }
  void reattach(const PhaseContext& context, Allocator& allocator) override {
    segments_.reattach(context, allocator, handle_);
  }
  void close(const PhaseContext& context) override { segments_.close(context); }

 private:
  void allocate_local();
  void fill_view();
  void enqueue_start();
  void close_local();

  Driver& driver_;
  Stream& stream_;
  GiveUp give_up_;
  std::vector<int> world_ranks_;  ///< index = group rank
  std::vector<int> uses_;         ///< index = segment
  std::uint64_t slot_bytes_;
  HandleType handle_;
  WorkspaceView view_;
  // Sources of asynchronous copies.
  ControlBlock control_start_{};
  std::vector<std::uint64_t> pointer_table_start_;
  LocalBuffer control_, pointer_table_;
  SegmentSet segments_;  ///< last: it waits for work that still uses what is above
};

LamportWorkspace::LamportWorkspace(const Communicator& comm, Driver& driver, Stream& stream, KernelSet& kernels,
                                   const WorkspaceSpec& spec, const LamportParts& parts)
    : driver_(driver),
      stream_(stream),
      give_up_(spec.give_up),
      world_ranks_(world_ranks_of(comm)),
      uses_(parts.uses.begin(), parts.uses.end()),
      slot_bytes_(parts.slot_bytes),
      handle_(spec.handle),
      segments_("workspace", comm, driver, stream, kernels, parts.segments,
                {.allocate = [this] { allocate_local(); },
                 .enqueue_start = [this] { enqueue_start(); },
                 .close = [this] { close_local(); }}) {
  view_.rank = comm.rank();
  view_.world_size = comm.size();
}

void LamportWorkspace::create(const PhaseContext& context, Allocator& allocator, HandleType handle) {
  segments_.create(context, allocator, handle);
}

void LamportWorkspace::allocate_local() {
  control_ = LocalBuffer(driver_, sizeof(ControlBlock));
  pointer_table_ = LocalBuffer(driver_, (segments_.size() * world_ranks_.size() + 1) * sizeof(std::uint64_t));
}

void LamportWorkspace::fill_view() {
  pointer_table_start_.clear();
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const SegmentView segment = segments_.view(i);
    view_.segment[uses_[i]] = segment;
    for (int r = 0; r < view_.world_size; ++r) pointer_table_start_.push_back(segment.base[r]);
  }
  pointer_table_start_.push_back(control_.address());
  view_.control = control_.address();
  view_.pointer_table = pointer_table_.address();
  view_.give_up = give_up_.record;
  view_.wait_limit_ns = static_cast<std::uint64_t>(give_up_.wait_limit.count());
  view_.slot_bytes = slot_bytes_;
  control_start_.slot_bytes = slot_bytes_;
}

void LamportWorkspace::enqueue_start() {
  fill_view();
  stream_.copy(to_pointer(control_.address()), &control_start_, sizeof(control_start_));
  stream_.copy(to_pointer(pointer_table_.address()), pointer_table_start_.data(),
               pointer_table_start_.size() * sizeof(std::uint64_t));
  give_up_.clear();
}

void LamportWorkspace::close_local() {
  pointer_table_.close();
  control_.close();
}

}  // namespace

std::unique_ptr<Workspace> make_lamport_workspace(const PhaseContext& context, Allocator& allocator, Driver& driver,
                                                  Stream& stream, KernelSet& kernels, const WorkspaceSpec& spec,
                                                  const LamportParts& parts) {
  auto workspace = std::make_unique<LamportWorkspace>(context.comm, driver, stream, kernels, spec, parts);
  workspace->create(context, allocator, spec.handle);
  return workspace;
}

}  // namespace symmbench
