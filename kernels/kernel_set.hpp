#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "device/stream.hpp"
#include "kernels/call_shape.hpp"
#include "kernels/protocol/batch.hpp"
#include "kernels/protocol/view.hpp"

namespace symmbench {

struct LaunchShape {
  std::uint32_t blocks = 0, threads = 0, cluster = 1;
  bool pdl = false;  ///< programmatic dependent launch
};

/// One asynchronous allreduce (sum) of tokens x hidden elements, row-major.
/// Collective: every rank launches the same sequence of calls with the same shapes.
struct AllreduceCall {
  CallShape shape;
  const WorkspaceView* view = nullptr;
  DevicePtr input = 0;
  OutputAddresses outputs;      ///< of the kinds that the pattern has; in place, one equals the input
  ConstantAddresses constants;  ///< of the kinds that the pattern reads
};

/// Parameters that the check kernels need beside the batch.
struct CheckCall {
  CallShape shape;
  int rank = 0;
  std::uint32_t iterations = 0;  ///< the last `iterations` of the batch are still in the ring and are checked
};

/// Seam 2: the kernels of one device. All calls are asynchronous on `stream`; failures show at synchronize().
class KernelSet {
 public:
  virtual ~KernelSet() = default;

  /// Why this shape cannot run here at all, or nullopt.
  virtual std::optional<std::string> unsupported(const CallShape& shape) const = 0;
  /// The launch that allreduce() would use.
  virtual LaunchShape launch_shape(const CallShape& shape) const = 0;

  virtual void allreduce(Stream& stream, const AllreduceCall& call) = 0;

  /// All ranks' streams meet here, over row 0 of `flags`, a segment of kBarrierRows rows of one 32-bit word per rank;
  /// bounded like every in-kernel wait. Collective.
  virtual void device_barrier(Stream& stream, const RankView& view, const SegmentView& flags) = 0;

  /// Writes the inputs of iterations state.iteration ... + iterations - 1 of `rank`, poisons those output buffers
  /// and sets their guards. The constants of the pattern are written once by fill_constants.
  virtual void fill_inputs(Stream& stream, const BatchView& batch, const CheckCall& call) = 0;
  virtual void fill_constants(Stream& stream, const BatchView& batch, const CheckCall& call) = 0;

  /// Recomputes what iterations state.iteration ... + iterations - 1 must have given, adds to the VerifyReport, then
  /// advances state.iteration by `advance`.
  virtual void check(Stream& stream, const BatchView& batch, const CheckCall& call, std::uint64_t advance) = 0;

  /// Adds to *count (device memory) how many of `words` 32-bit words differ from `pattern`.
  virtual void scan(Stream& stream, DevicePtr data, std::uint64_t words, std::uint32_t pattern, DevicePtr count) = 0;

  /// Ownership test: writes value `mine` to the first word of `own`; read_words copies the first word of each address.
  virtual void write_word(Stream& stream, DevicePtr to, std::uint32_t value) = 0;
  virtual void read_words(Stream& stream, std::span<const DevicePtr> from, DevicePtr to) = 0;
};

}  // namespace symmbench
