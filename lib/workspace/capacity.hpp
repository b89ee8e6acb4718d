#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kernels/kernel_set.hpp"
#include "kernels/protocol/fusion_layout.hpp"
#include "memory/shared_memory.hpp"

namespace symmbench {

inline constexpr std::uint64_t kCanaryBytes = 4096;  ///< behind the used bytes of each segment
inline constexpr int kSegments = 3;

/// One symmetric allocation of the workspace: the used bytes and the canary zone behind them.
struct SegmentRequest {
  std::string_view name;
  std::uint64_t used_bytes = 0;
  std::uint64_t requested_bytes() const { return used_bytes + kCanaryBytes; }
};

/// comm, flags, lamport: in the order in which they are allocated. (FI 4.1)
std::array<SegmentRequest, kSegments> segment_requests(const FusionLayout& layout);

/// Physical bytes that one rank's workspace takes with `allocator`, control block and tables not counted.
std::uint64_t workspace_bytes(const FusionLayout& layout, const Allocator& allocator, std::uint64_t granularity);

/// Why no workspace can have this layout, or nullopt.
std::optional<std::string> layout_problem(const FusionLayout& layout);

/// Why a call of `shape` does not fit a workspace of this layout, with the figures, or nullopt. Sizes only: whether the
/// kernels know the shape at all is KernelSet::unsupported().
std::optional<std::string> capacity_problem(const FusionLayout& layout, const CallShape& shape);

}  // namespace symmbench
