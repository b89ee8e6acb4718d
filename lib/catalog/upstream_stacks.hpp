#pragma once
#include <cstdint>

#include "catalog/catalog.hpp"

namespace symmbench {

/// Software that chooses a workspace, an allocator and an algorithm for an allreduce by itself.
enum class UpstreamStack : std::uint8_t { flashinfer, sglang, vllm };

/// A rule as it stood in one version. What is not known of it is empty, and null in a report.
struct UpstreamStackRow {
  UpstreamStack value;
  std::string_view name;
  std::string_view about;
  std::string_view version;  ///< of the release that the rule was read in
  std::string_view change;   ///< that made the rule
  std::string_view date;     ///< of that change
  bool now = true;
};

inline constexpr UpstreamStackRow kUpstreamStacks[] = {
    {UpstreamStack::flashinfer, "flashinfer",
     "create_allreduce_fusion_workspace(backend=\"auto\"): mnnvl where all ranks have multicast, else trtllm_fusion up "
     "to 16 ranks",
     "0.7.4", "flashinfer#3745", "2026-07-09"},
    {UpstreamStack::sglang, "sglang",
     "trtllm_fusion within a host, mnnvl over several with SM100 and SM103; an error over several with SM90", "",
     "sglang#28789", "2026-06-20"},
    {UpstreamStack::vllm, "vllm",
     "mnnvl, within a host without multicast trtllm_fusion; NCCL above a payload that is known for SM103", "",
     "vllm#47219, vllm#53318", "2026-08-21"},
};
static_assert(in_enum_order(kUpstreamStacks));

}  // namespace symmbench
