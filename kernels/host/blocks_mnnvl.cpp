#include "kernels/host/host_blocks.hpp"

namespace symmbench::host {

std::span<const BlockRow> mnnvl_rows() {
  static constexpr auto kUnicast =
      joined(kTokenRows<HostOps, Fp16>, kTokenRows<HostOps, Bf16>, kTokenRows<HostOps, float>);
  // The same code: where the view has a multicast address, HostOps stores through that.
  static constexpr auto kMulticast = [] {
    auto rows = kUnicast;
    for (auto& row : rows) row.key.transport = TransportKind::multicast;
    return rows;
  }();
  static constexpr auto kRows = joined(kUnicast, kMulticast);
  return kRows;
}

}  // namespace symmbench::host
