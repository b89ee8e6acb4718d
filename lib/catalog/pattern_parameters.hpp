#pragma once
#include <string_view>

namespace symmbench {

/// What a pattern can be told beside its shape; each takes those that its PatternSpec names. A parameter is one member
/// here and one line of visit(): option, case id, row key and the copies on the way to a kernel follow from it.
struct PatternParameters {
  float weight_bias = 0.0f;  ///< added to gamma; 1: Gemma style
  float epsilon = 1e-6f;
  float quant_scale = 0.01f;  ///< of static FP8: what a code of 1 stands for

  /// f(name, short_name, member) for each, in the order of case ids. `name` is that of the option and the row
  /// key, `short_name` stands in case ids.
  template <class F>
  static constexpr void visit(F&& f) {
    f(std::string_view("weight_bias"), std::string_view("wb"), &PatternParameters::weight_bias);
    f(std::string_view("epsilon"), std::string_view("eps"), &PatternParameters::epsilon);
    f(std::string_view("quant_scale"), std::string_view("qs"), &PatternParameters::quant_scale);
  }
};

}  // namespace symmbench
