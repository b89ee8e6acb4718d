#pragma once
#include <algorithm>
#include <span>
#include <string_view>

#include "catalog/patterns.hpp"

namespace symmbench {

inline constexpr std::string_view kNormParameters[] = {"weight_bias", "epsilon"};
inline constexpr std::string_view kFp8Parameters[] = {"weight_bias", "epsilon", "quant_scale"};
inline constexpr std::string_view kNvfp4Parameters[] = {"weight_bias", "epsilon", "global_scale", "scale_layout"};
inline constexpr std::string_view kMxfp8Parameters[] = {"weight_bias", "epsilon", "scale_layout"};
inline constexpr std::string_view kGroupParameters[] = {"weight_bias", "epsilon", "quant_group"};
inline constexpr std::string_view kReductionParameters[] = {"weight_bias", "epsilon", "experts"};
inline constexpr std::string_view kFinalizeParameters[] = {"weight_bias", "epsilon", "top_k", "routed_scaling"};

/// Of PatternParameters those that a pattern takes, by name; the others say nothing about it.
constexpr std::span<const std::string_view> parameters_of(Pattern pattern) {
  switch (pattern) {
    case Pattern::allreduce:
      return {};
    case Pattern::residual_rmsnorm:
    case Pattern::residual_rmsnorm_dynamic_fp8:
    case Pattern::residual_rmsnorm_out_dynamic_fp8:
      return kNormParameters;
    case Pattern::residual_rmsnorm_fp8:
    case Pattern::residual_rmsnorm_out_fp8:
      return kFp8Parameters;
    case Pattern::residual_rmsnorm_nvfp4:
    case Pattern::residual_rmsnorm_out_nvfp4:
      return kNvfp4Parameters;
    case Pattern::residual_rmsnorm_mxfp8:
    case Pattern::residual_rmsnorm_out_mxfp8:
      return kMxfp8Parameters;
    case Pattern::residual_rmsnorm_group_fp8:
    case Pattern::residual_rmsnorm_out_group_fp8:
      return kGroupParameters;
    case Pattern::moe_reduction_residual_rmsnorm:
      return kReductionParameters;
    case Pattern::moe_finalize_residual_rmsnorm:
      return kFinalizeParameters;
  }
  return {};
}

constexpr bool takes_parameter(Pattern pattern, std::string_view parameter) {
  return std::ranges::find(parameters_of(pattern), parameter) != parameters_of(pattern).end();
}

}  // namespace symmbench
