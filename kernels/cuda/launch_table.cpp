#include "kernels/cuda/launch_table.hpp"

#include <vector>

#include "kernels/protocol/number.hpp"

namespace symmbench::cuda {
namespace {

template <LaunchUnit kUnit, class... T>
void add_types(std::vector<LaunchRow>& rows) {
  for (const auto part : {rows_of_unit<kUnit, T>()...}) rows.insert(rows.end(), part.begin(), part.end());
}
template <LaunchUnit kUnit>
void add_unit(std::vector<LaunchRow>& rows) {
  add_types<kUnit, Fp16, Bf16, float>(rows);
}

}  // namespace

std::span<const LaunchRow> launch_table() {
  static const std::vector<LaunchRow> rows = [] {
    std::vector<LaunchRow> all;
    add_unit<LaunchUnit::plain>(all);
    add_unit<LaunchUnit::fused>(all);
    add_unit<LaunchUnit::fused_fp8>(all);
    add_unit<LaunchUnit::fused_dynamic_fp8>(all);
    add_unit<LaunchUnit::fused_group_fp8>(all);
    add_unit<LaunchUnit::fused_mxfp8>(all);
    add_types<LaunchUnit::fused_nvfp4, Fp16, Bf16>(all);
    add_unit<LaunchUnit::fused_experts>(all);
    add_unit<LaunchUnit::barrier>(all);
    add_unit<LaunchUnit::mnnvl_plain>(all);
    add_unit<LaunchUnit::mnnvl_fused>(all);
    add_unit<LaunchUnit::mnnvl_scales>(all);
    add_unit<LaunchUnit::mnnvl_experts>(all);
    add_unit<LaunchUnit::trtllm_plain>(all);
    add_types<LaunchUnit::trtllm_fused, Fp16, Bf16>(all);
    add_unit<LaunchUnit::configurable>(all);
    add_types<LaunchUnit::configurable_scales, Fp16, Bf16>(all);
    add_types<LaunchUnit::configurable_experts, Fp16, Bf16>(all);
    return all;
  }();
  return rows;
}

}  // namespace symmbench::cuda
