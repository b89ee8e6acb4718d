#include "kernels/host/host_kernels.hpp"

#include <algorithm>
#include <vector>

#include "core/error.hpp"
#include "core/round.hpp"
#include "device/host/host_stream.hpp"
#include "kernels/call_rules.hpp"
#include "kernels/host/faulty_launch_table.hpp"
#include "kernels/host/host_ops.hpp"
#include "kernels/host/host_partition.hpp"
#include "kernels/host/launch_table.hpp"
#include "kernels/pattern_code.hpp"
#include "kernels/patterns.hpp"
#include "kernels/protocol/barrier.hpp"
#include "kernels/protocol/fill.hpp"
#include "kernels/visit_dtype.hpp"

namespace symmbench {
namespace {

/// Few: ranks outnumber cores, and a block more is a thread more that spins.
constexpr std::uint32_t kBlocks = 2;
constexpr std::uint64_t kPacketsPerBlock = 64;

static_assert(ReportOps<HostOps>);

HostStream& host_stream(Stream& stream) {
  auto* of_host = dynamic_cast<HostStream*>(&stream.undecorated());
  if (of_host == nullptr) {
    throw Error({.layer = Layer::kernel,
                 .reason = Reason::invalid_argument,
                 .call = "HostKernels",
                 .detail = "the stream belongs to another device"});
  }
  return *of_host;
}

std::uint32_t blocks_for(std::uint64_t units, std::uint64_t units_per_block) {
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(ceil_div(units, units_per_block), 1, kBlocks));
}

std::uint64_t iteration_of(const BatchView& batch) {
  return reinterpret_cast<const BatchState*>(batch.state)->iteration;
}

/// The fill and check texts touch local memory only, so their ops need no real workspace.
HostOps local_ops() {
  static ControlBlock none{};
  static const WorkspaceView view = [] {
    WorkspaceView made;
    made.control = reinterpret_cast<std::uint64_t>(&none);
    return made;
  }();
  return HostOps(view);
}

class HostKernels final : public KernelSet {
 public:
  explicit HostKernels(std::span<const host::BlockRow> rows) : rows_(rows) {}

  std::optional<std::string> unsupported(const CallShape& shape) const override {
    if (auto problem = call_problem(shape)) return problem;
    if (shape.trigger == TriggerPoint::end) {
      return "trigger end: the emulated device has no programmatic dependent launch, hence nothing to trigger";
    }
    if (row_for(rows_, shape) == nullptr) return no_kernel_for(shape);
    return std::nullopt;
  }

  LaunchShape launch_shape(const CallShape& shape) const override {
    const std::uint32_t chosen =
        needs_whole_rows(shape) ? blocks_for(shape.tokens, 1) : blocks_for(shape.packets(), kPacketsPerBlock);
    return {.blocks = shape.blocks != 0 ? shape.blocks : chosen, .threads = 1};
  }

  void allreduce(Stream& stream, const AllreduceCall& call) override {
    if (const auto problem = unsupported(call.shape)) {
      throw Error({.layer = Layer::kernel, .reason = Reason::not_supported, .call = "allreduce", .detail = *problem});
    }
    if (const auto problem = address_problem(call)) {
      throw Error(
          {.layer = Layer::kernel, .reason = Reason::invalid_argument, .call = "allreduce", .detail = *problem});
    }
    const std::uint32_t blocks = launch_shape(call.shape).blocks;
    // The view is copied, as a kernel's arguments are.
    const host::RunBlock run = row_for(rows_, call.shape)->run;
    host_stream(stream).launch(
        blocks, [run, call, view = *call.view, blocks](std::uint32_t block) { run(call, view, block, blocks); });
  }

  void device_barrier(Stream& stream, const RankView& view, const SegmentView& flags) override {
    WorkspaceView meeting{{view}};
    meeting.segment[WorkspaceView::kFlags] = flags;
    host_stream(stream).launch(1, [meeting](std::uint32_t block) {
      HostOps ops(meeting);
      symmbench::device_barrier(ops, host::BlockPartition(block, 1), meeting);
    });
  }

  void fill_inputs(Stream& stream, const BatchView& batch, const CheckCall& call) override {
    host_stream(stream).launch(kBlocks, [batch, call](std::uint32_t block) {
      HostOps ops = local_ops();
      visit_dtype(call.shape.dtype, [&]<class T>() {
        symmbench::fill_inputs<T>(ops, host::BlockPartition(block, kBlocks), batch, iteration_of(batch),
                                  call.iterations, call.rank, exact_summands(call.shape));
      });
    });
  }

  void fill_constants(Stream& stream, const BatchView& batch, const CheckCall& call) override {
    if (spec_of(call.shape.pattern).constants.empty()) return;
    host_stream(stream).launch(kBlocks, [batch, call](std::uint32_t block) {
      HostOps ops = local_ops();
      visit_dtype(call.shape.dtype, [&]<class T>() {
        symmbench::fill_constants<T>(ops, host::BlockPartition(block, kBlocks), batch, constant_values(call.shape));
      });
    });
  }

  void check(Stream& stream, const BatchView& batch, const CheckCall& call, std::uint64_t advance) override {
    host_stream(stream).launch(kBlocks, [batch, call](std::uint32_t block) {
      HostOps ops = local_ops();
      const host::BlockPartition partition(block, kBlocks);
      const CheckArgs args = check_args(batch, call);
      const std::uint64_t first = iteration_of(batch);
      visit_dtype(call.shape.dtype, [&]<class T>() {
        for_each_check(call, [&](const auto& pass) { pass.template run<T>(ops, partition, args, first); });
      });
    });
    host_stream(stream).launch(
        1, [batch, advance](std::uint32_t) { reinterpret_cast<BatchState*>(batch.state)->iteration += advance; });
  }

  void scan(Stream& stream, DevicePtr data, std::uint64_t words, std::uint32_t pattern, DevicePtr count) override {
    host_stream(stream).launch(kBlocks, [=](std::uint32_t block) {
      const auto* word = reinterpret_cast<const std::uint32_t*>(data);
      const host::Piece piece = host::piece_of(words, block, kBlocks);
      const auto differing = std::count_if(word + piece.first, word + piece.end, [&](auto w) { return w != pattern; });
      local_ops().add64(reinterpret_cast<std::uint64_t*>(count), static_cast<std::uint64_t>(differing));
    });
  }

  void write_word(Stream& stream, DevicePtr to, std::uint32_t value) override {
    host_stream(stream).launch(1, [=](std::uint32_t) {
      std::atomic_ref(*reinterpret_cast<std::uint32_t*>(to)).store(value, std::memory_order_relaxed);
    });
  }

  void read_words(Stream& stream, std::span<const DevicePtr> from, DevicePtr to) override {
    host_stream(stream).launch(1, [sources = std::vector<DevicePtr>(from.begin(), from.end()), to](std::uint32_t) {
      auto* out = reinterpret_cast<std::uint32_t*>(to);
      for (const DevicePtr source : sources) {
        *out++ = std::atomic_ref(*reinterpret_cast<std::uint32_t*>(source)).load(std::memory_order_relaxed);
      }
    });
  }

 private:
  std::span<const host::BlockRow> rows_;
};

}  // namespace

std::unique_ptr<KernelSet> make_host_kernels(std::optional<ProtocolFault> fault) {
  return std::make_unique<HostKernels>(fault ? host::faulty_launch_table(*fault) : host::launch_table());
}

}  // namespace symmbench
