#pragma once
#include <cstdlib>
#include <iterator>
#include <tuple>
#include <utility>

#include "kernels/kernel_set.hpp"
#include "kernels/patterns.hpp"
#include "kernels/protocol/check_experts.hpp"
#include "kernels/protocol/check_fp8.hpp"
#include "kernels/protocol/check_scales.hpp"
#include "kernels/protocol/check_sums.hpp"
#include "kernels/protocol/contribution.hpp"
#include "kernels/protocol/finalize_experts.hpp"
#include "kernels/protocol/quantise_dynamic_fp8.hpp"
#include "kernels/protocol/quantise_fp8.hpp"
#include "kernels/protocol/quantise_group_fp8.hpp"
#include "kernels/protocol/quantise_mxfp8.hpp"
#include "kernels/protocol/quantise_nvfp4.hpp"
#include "kernels/protocol/reduce_experts.hpp"
#include "kernels/protocol/store_sum.hpp"

namespace symmbench {

/// What a pattern is made of, on every device: made on the host from a call, handed to a kernel by value.
///   contribution<T>(call)  what a rank adds to the sum
///   epilogue<T>(call)   what is done with the sum
///   checks(call)        the passes of its check, one launch each, in this order
///   kLargestElement     bytes of the widest T that it takes
///   Kernel              the PatternCode whose kernels it runs: its own, or one that differs in what it is told only
template <Pattern kPattern>
struct PatternCode {
  template <Pattern>
  static constexpr bool kWritten = false;
  static_assert(kWritten<kPattern>, "a pattern that the catalogue says can run needs a PatternCode here");
};

template <>
struct PatternCode<Pattern::allreduce> {
  using Kernel = PatternCode;
  static constexpr Pattern kPattern = Pattern::allreduce;
  static constexpr std::size_t kLargestElement = 4;
  template <class T>
  static LoadInput contribution(const AllreduceCall& call) {
    return {call.input};
  }
  template <class T>
  static StoreSum<T> epilogue(const AllreduceCall& call) {
    return {call.outputs[OutputKind::allreduce]};
  }
  static std::tuple<SumCheck> checks(const CheckCall&) { return {SumCheck{OutputKind::allreduce, false}}; }
};

/// The norm with whatever is made of it.
template <class T, class NormSink>
ResidualRmsNorm<T, NormSink> residual_rmsnorm_into(const NormSink& sink, const AllreduceCall& call) {
  return {.residual = call.constants[ConstantKind::residual],
          .gamma = call.constants[ConstantKind::gamma],
          .residual_out = call.outputs[OutputKind::residual],
          .sink = sink,
          .hidden = call.shape.hidden,
          .inverse_hidden = 1.0f / static_cast<float>(call.shape.hidden),
          .epsilon = call.shape.parameters.epsilon,
          .weight_bias = call.shape.parameters.weight_bias};
}
inline NormParameters norm_parameters(const CheckCall& call) {
  return {call.shape.hidden, call.shape.parameters.epsilon, call.shape.parameters.weight_bias};
}

template <>
struct PatternCode<Pattern::residual_rmsnorm> {
  using Kernel = PatternCode;
  static constexpr Pattern kPattern = Pattern::residual_rmsnorm;
  static constexpr std::size_t kLargestElement = 4;
  template <class T>
  static LoadInput contribution(const AllreduceCall& call) {
    return {call.input};
  }
  template <class T>
  static ResidualRmsNorm<T> epilogue(const AllreduceCall& call) {
    return residual_rmsnorm_into<T>(StoreNorm<T>{call.outputs[OutputKind::norm]}, call);
  }
  static std::tuple<SumCheck, NormCheck> checks(const CheckCall& call) {
    return {SumCheck{OutputKind::residual, true}, NormCheck{norm_parameters(call)}};
  }
};

/// What a rank adds is a sum over experts; then as residual_rmsnorm.
template <Pattern kOf>
struct ExpertsNorm {
  using Kernel = PatternCode<kOf>;
  static constexpr Pattern kPattern = kOf;
  static constexpr std::size_t kLargestElement = 4;
  template <class T>
  static ResidualRmsNorm<T> epilogue(const AllreduceCall& call) {
    return residual_rmsnorm_into<T>(StoreNorm<T>{call.outputs[OutputKind::norm]}, call);
  }
  static std::tuple<ExpertCheck, NormCheck> checks(const CheckCall& call) {
    const ConstantValues values = constant_values(call.shape);
    return {ExpertCheck{values.experts, values.experts_by_index, call.shape.row_packets(),
                        call.shape.parameters.routed_scaling},
            NormCheck{norm_parameters(call)}};
  }
};
template <>
struct PatternCode<Pattern::moe_reduction_residual_rmsnorm> : ExpertsNorm<Pattern::moe_reduction_residual_rmsnorm> {
  template <class T>
  static ReduceExperts<T> contribution(const AllreduceCall& call) {
    return {.input = call.input,
            .scale = call.constants[ConstantKind::expert_scale],
            .message_bytes = call.shape.message_bytes(),
            .tokens = call.shape.tokens,
            .experts = call.shape.parameters.experts};
  }
};
template <>
struct PatternCode<Pattern::moe_finalize_residual_rmsnorm> : ExpertsNorm<Pattern::moe_finalize_residual_rmsnorm> {
  template <class T>
  static FinalizeExperts<T> contribution(const AllreduceCall& call) {
    return {.input = call.input,
            .scale = call.constants[ConstantKind::expert_scale],
            .index = call.constants[ConstantKind::expert_index],
            .shared = call.input + call.shape.parameters.top_k * call.shape.message_bytes(),
            .row_bytes = call.shape.row_bytes(),
            .top_k = call.shape.parameters.top_k,
            .routed_scaling = call.shape.parameters.routed_scaling};
  }
};

// A format of quantised norms:
//   sink<T>(call)                  its NormSink
//   checks(call, norm_is_stored)   the passes over quant_out and scale_out
//   kLargestElement                bytes of the widest T that it takes

inline QuantisedOutputs quantised_outputs(const AllreduceCall& call) {
  return {call.outputs[OutputKind::norm], call.outputs[OutputKind::quant], call.outputs[OutputKind::scale]};
}

struct Fp8Format {
  static constexpr std::size_t kLargestElement = 4;
  template <class T>
  static QuantiseFp8<T> sink(const AllreduceCall& call) {
    return {.to = quantised_outputs(call), .scale = call.constants[ConstantKind::scale]};
  }
  static std::tuple<Fp8Check> checks(const CheckCall& call, bool norm_is_stored) {
    // Rounded once: the quotient of two fp32 numbers in fp64 has more than twice their digits.
    const double inverse = 1.0 / static_cast<double>(call.shape.parameters.quant_scale);
    return {Fp8Check{norm_parameters(call), static_cast<float>(inverse), norm_is_stored}};
  }
};

struct DynamicFp8Format {
  static constexpr std::size_t kLargestElement = 4;
  template <class T>
  static QuantiseDynamicFp8<T> sink(const AllreduceCall& call) {
    return {.to = quantised_outputs(call)};
  }
  static std::tuple<DynamicFp8Check> checks(const CheckCall& call, bool norm_is_stored) {
    return {DynamicFp8Check{norm_parameters(call), norm_is_stored}};
  }
};

template <class Rule>
std::tuple<GroupCheck<Rule>, ScalePaddingCheck> group_checks(const Rule& rule, const CheckCall& call,
                                                             bool norm_is_stored) {
  const ScaleGrid grid = scale_grid(call.shape);
  return {GroupCheck<Rule>{norm_parameters(call), norm_is_stored, grid, rule}, ScalePaddingCheck{grid}};
}

struct Nvfp4Format {
  static constexpr std::size_t kLargestElement = 2;
  template <class T>
  static QuantiseNvfp4<T> sink(const AllreduceCall& call) {
    return {
        .to = quantised_outputs(call), .scale = call.constants[ConstantKind::scale], .grid = scale_grid(call.shape)};
  }
  static auto checks(const CheckCall& call, bool norm_is_stored) {
    return group_checks(Nvfp4Rule{call.shape.parameters.global_scale}, call, norm_is_stored);
  }
};

struct Mxfp8Format {
  static constexpr std::size_t kLargestElement = 4;
  template <class T>
  static QuantiseMxfp8<T> sink(const AllreduceCall& call) {
    return {.to = quantised_outputs(call), .grid = scale_grid(call.shape)};
  }
  static auto checks(const CheckCall& call, bool norm_is_stored) {
    return group_checks(Mxfp8Rule{}, call, norm_is_stored);
  }
};

struct GroupFp8Format {
  static constexpr std::size_t kLargestElement = 4;
  template <class T>
  static QuantiseGroupFp8<T> sink(const AllreduceCall& call) {
    const auto packets = static_cast<std::uint32_t>(call.shape.parameters.quant_group / kLanes<T>);
    return {.to = quantised_outputs(call), .grid = scale_grid(call.shape), .shift = shift_of(packets)};
  }
  static auto checks(const CheckCall& call, bool norm_is_stored) {
    return group_checks(GroupFp8Rule{}, call, norm_is_stored);
  }
};

/// The kernels of a format: both its patterns, without and with norm_out, run them; of an output that is not there the
/// address is 0.
template <class Format>
struct QuantisedNormKernel {
  using Kernel = QuantisedNormKernel;
  static constexpr std::size_t kLargestElement = Format::kLargestElement;
  template <class T>
  static LoadInput contribution(const AllreduceCall& call) {
    return {call.input};
  }
  template <class T>
  static auto epilogue(const AllreduceCall& call) {
    return residual_rmsnorm_into<T>(Format::template sink<T>(call), call);
  }
};
template <Pattern kOf, class Format, bool kStoresNorm>
struct QuantisedNorm : QuantisedNormKernel<Format> {
  static constexpr Pattern kPattern = kOf;
  static auto checks(const CheckCall& call) {
    const std::tuple<SumCheck> sum{SumCheck{OutputKind::residual, true}};
    if constexpr (kStoresNorm) {
      return std::tuple_cat(sum, std::tuple<NormCheck>{NormCheck{norm_parameters(call)}}, Format::checks(call, true));
    } else {
      return std::tuple_cat(sum, Format::checks(call, false));
    }
  }
};

template <>
struct PatternCode<Pattern::residual_rmsnorm_fp8> : QuantisedNorm<Pattern::residual_rmsnorm_fp8, Fp8Format, false> {};
template <>
struct PatternCode<Pattern::residual_rmsnorm_out_fp8>
    : QuantisedNorm<Pattern::residual_rmsnorm_out_fp8, Fp8Format, true> {};
template <>
struct PatternCode<Pattern::residual_rmsnorm_nvfp4>
    : QuantisedNorm<Pattern::residual_rmsnorm_nvfp4, Nvfp4Format, false> {};
template <>
struct PatternCode<Pattern::residual_rmsnorm_out_nvfp4>
    : QuantisedNorm<Pattern::residual_rmsnorm_out_nvfp4, Nvfp4Format, true> {};
template <>
struct PatternCode<Pattern::residual_rmsnorm_dynamic_fp8>
    : QuantisedNorm<Pattern::residual_rmsnorm_dynamic_fp8, DynamicFp8Format, false> {};
template <>
struct PatternCode<Pattern::residual_rmsnorm_out_dynamic_fp8>
    : QuantisedNorm<Pattern::residual_rmsnorm_out_dynamic_fp8, DynamicFp8Format, true> {};
template <>
struct PatternCode<Pattern::residual_rmsnorm_group_fp8>
    : QuantisedNorm<Pattern::residual_rmsnorm_group_fp8, GroupFp8Format, false> {};
template <>
struct PatternCode<Pattern::residual_rmsnorm_out_group_fp8>
    : QuantisedNorm<Pattern::residual_rmsnorm_out_group_fp8, GroupFp8Format, true> {};
template <>
struct PatternCode<Pattern::residual_rmsnorm_mxfp8>
    : QuantisedNorm<Pattern::residual_rmsnorm_mxfp8, Mxfp8Format, false> {};
template <>
struct PatternCode<Pattern::residual_rmsnorm_out_mxfp8>
    : QuantisedNorm<Pattern::residual_rmsnorm_out_mxfp8, Mxfp8Format, true> {};

/// Calls f.template operator()<kPattern>() with `pattern`, which must be one that the catalogue says can run.
template <class F, std::size_t... kRows>
void visit_pattern(Pattern pattern, F&& f, std::index_sequence<kRows...>) {
  const auto visit_row = [&]<std::size_t kRow>(std::integral_constant<std::size_t, kRow>) {
    if constexpr (kPatterns[kRow].now) {
      if (kPatterns[kRow].value == pattern) f.template operator()<kPatterns[kRow].value>();
    }
    return kPatterns[kRow].now && kPatterns[kRow].value == pattern;
  };
  const bool visited = (visit_row(std::integral_constant<std::size_t, kRows>{}) || ...);
  if (!visited) std::abort();  // a name of the catalogue's future got past the options
}
using PatternRows = std::make_index_sequence<std::size(kPatterns)>;

/// Calls f(pass) for each pass of the check of `call`'s pattern, in order, and first for the one over the guards.
template <class F>
void for_each_check(const CheckCall& call, F&& f) {
  f(GuardCheck{});
  const auto run = [&]<Pattern kPattern>() {
    std::apply([&](const auto&... pass) { (f(pass), ...); }, PatternCode<kPattern>::checks(call));
  };
  visit_pattern(call.shape.pattern, run, PatternRows{});
}

inline PartialSums partial_sums(const CallShape& shape) {
  if (!sums_in_rank_order(shape.algorithm)) return PartialSums::rounded_any_order;
  return shape.rounds_each_addition() ? PartialSums::rounded_in_order : PartialSums::fp32_in_order;
}

/// What the passes of a check have in common.
inline CheckArgs check_args(const BatchView& batch, const CheckCall& call) {
  return {.batch = batch,
          .iterations = call.iterations,
          .world_size = call.shape.world_size,
          .summands = exact_summands(call.shape),
          .packets = call.shape.packets(),
          .partial_sums = partial_sums(call.shape)};
}

}  // namespace symmbench
