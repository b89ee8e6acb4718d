#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "kernels/call_shape.hpp"

namespace symmbench {

struct WorldRange {
  int first, last;
  constexpr bool contains(int ranks) const { return first <= ranks && ranks <= last; }
};

/// Whether how a kernel adds and when it lets the next one start are compiled in or set at launch.
enum class KernelForm : std::uint8_t {
  fixed,         ///< sums in fp32, early trigger: what its code says
  configurable,  ///< either, set at launch
};

/// Which calls an instantiated kernel serves. A kernel set's table of rows with a key and a function *is* what it can
/// run; of several rows that serve a call the first one runs.
struct LaunchKey {
  WorkspaceKind workspace;
  TransportKind transport;
  Algorithm algorithm;
  Pattern pattern;
  DType dtype;
  WorldRange worlds;
  std::uint64_t from_bytes = 0;  ///< of the message
  KernelForm form = KernelForm::fixed;

  static constexpr bool wants_fixed(const CallShape& shape) {
    return !shape.rounds_each_addition() && shape.trigger == TriggerPoint::early;
  }
  constexpr bool serves(const CallShape& shape) const {
    return workspace == shape.workspace && transport == shape.transport && algorithm == shape.algorithm &&
           pattern == shape.pattern && dtype == shape.dtype && worlds.contains(shape.world_size) &&
           from_bytes <= shape.message_bytes() && (form == KernelForm::configurable || wants_fixed(shape));
  }
};

/// The row that runs `shape`, or nullptr.
template <class Row>
const Row* row_for(std::span<const Row> rows, const CallShape& shape) {
  for (const Row& row : rows) {
    if (row.key.serves(shape)) return &row;
  }
  return nullptr;
}

/// What to say where row_for() found none.
std::string no_kernel_for(const CallShape& shape);

}  // namespace symmbench
