#pragma once
#include <cstdint>

#include "catalog/catalog.hpp"

namespace symmbench {

enum class Pattern : std::uint8_t {
  allreduce,
  residual_rmsnorm,
  residual_rmsnorm_fp8,
  residual_rmsnorm_nvfp4,
  residual_rmsnorm_out_fp8,
  residual_rmsnorm_out_nvfp4,
  residual_rmsnorm_dynamic_fp8,
  residual_rmsnorm_out_dynamic_fp8,
  residual_rmsnorm_group_fp8,
  residual_rmsnorm_out_group_fp8,
  moe_reduction_residual_rmsnorm,
  moe_finalize_residual_rmsnorm,
  residual_rmsnorm_mxfp8,
  residual_rmsnorm_out_mxfp8,
};

struct PatternRow {
  Pattern value;
  std::string_view name;
  std::string_view about;
  bool now = true;
};

inline constexpr PatternRow kPatterns[] = {
    {Pattern::allreduce, "allreduce", "sum over ranks"},
    {Pattern::residual_rmsnorm, "residual_rmsnorm", "sum, add the residual, RMSNorm; writes residual_out and norm_out"},
    {Pattern::residual_rmsnorm_fp8, "residual_rmsnorm_fp8",
     "the same, but quant_out in place of norm_out: FP8 E4M3 by one scale"},
    {Pattern::residual_rmsnorm_nvfp4, "residual_rmsnorm_nvfp4", "NVFP4: FP4 E2M1 and a scale per 16 elements"},
    {Pattern::residual_rmsnorm_out_fp8, "residual_rmsnorm_out_fp8", "the same, with quant_out beside norm_out"},
    {Pattern::residual_rmsnorm_out_nvfp4, "residual_rmsnorm_out_nvfp4", "NVFP4 beside norm_out"},
    {Pattern::residual_rmsnorm_dynamic_fp8, "residual_rmsnorm_dynamic_fp8", "FP8 with a scale per token"},
    {Pattern::residual_rmsnorm_out_dynamic_fp8, "residual_rmsnorm_out_dynamic_fp8",
     "FP8 with a scale per token, beside norm_out"},
    {Pattern::residual_rmsnorm_group_fp8, "residual_rmsnorm_group_fp8",
     "FP8 with packed UE8M0 scales per group of elements"},
    {Pattern::residual_rmsnorm_out_group_fp8, "residual_rmsnorm_out_group_fp8",
     "FP8 with packed UE8M0 scales per group, beside norm_out"},
    {Pattern::moe_reduction_residual_rmsnorm, "moe_reduction_residual_rmsnorm",
     "the sum over a rank's experts, then as residual_rmsnorm"},
    {Pattern::moe_finalize_residual_rmsnorm, "moe_finalize_residual_rmsnorm",
     "each token's permuted expert rows, weighted, and the shared expert, then as residual_rmsnorm"},
    {Pattern::residual_rmsnorm_mxfp8, "residual_rmsnorm_mxfp8", "MXFP8: FP8 and a UE8M0 scale per 32 elements"},
    {Pattern::residual_rmsnorm_out_mxfp8, "residual_rmsnorm_out_mxfp8", "MXFP8 beside norm_out"},
};
static_assert(in_enum_order(kPatterns));

constexpr std::string_view name_of(Pattern pattern) { return row_of(kPatterns, pattern).name; }
constexpr std::optional<Pattern> pattern_from(std::string_view name) { return value_named(kPatterns, name); }

}  // namespace symmbench
