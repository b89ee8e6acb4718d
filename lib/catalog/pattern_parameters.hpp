#pragma once
#include <cstdint>
#include <string_view>

#include "catalog/scale_layouts.hpp"

namespace symmbench {

/// What a pattern can be told beside its shape; each takes those that its PatternSpec names. A parameter is one member
/// here and one line of visit(): option, case id, row key and the copies on the way to a kernel follow from it.
struct PatternParameters {
  float weight_bias = 0.0f;  ///< added to gamma; 1: Gemma style
  float epsilon = 1e-6f;
  float quant_scale = 0.01f;                            ///< of static FP8: what a code of 1 stands for
  float global_scale = 512.0f;                          ///< of NVFP4: what the scales of groups are multiplied by
  std::uint32_t quant_group = 128;                      ///< elements that share a scale in the group_fp8 patterns
  ScaleLayout scale_layout = ScaleLayout::tiles_128x4;  ///< of NVFP4 and MXFP8
  std::uint32_t experts = 8;                            ///< of a rank, in moe_reduction
  std::uint32_t top_k = 8;                              ///< experts per token, in moe_finalize
  float routed_scaling = 1.0f;                          ///< of moe_finalize: of all but the shared expert

  /// f(name, short_name, member) for each, in the order of case ids. `name` is that of the option and the row
  /// key, `short_name` stands in case ids.
  template <class F>
  static constexpr void visit(F&& f) {
    f(std::string_view("weight_bias"), std::string_view("wb"), &PatternParameters::weight_bias);
    f(std::string_view("epsilon"), std::string_view("eps"), &PatternParameters::epsilon);
    f(std::string_view("quant_scale"), std::string_view("qs"), &PatternParameters::quant_scale);
    f(std::string_view("global_scale"), std::string_view("gs"), &PatternParameters::global_scale);
    f(std::string_view("quant_group"), std::string_view("qg"), &PatternParameters::quant_group);
    f(std::string_view("scale_layout"), std::string_view("sl"), &PatternParameters::scale_layout);
    f(std::string_view("experts"), std::string_view("ex"), &PatternParameters::experts);
    f(std::string_view("top_k"), std::string_view("tk"), &PatternParameters::top_k);
    f(std::string_view("routed_scaling"), std::string_view("rs"), &PatternParameters::routed_scaling);
  }
};

}  // namespace symmbench
