#pragma once
#include <cstdlib>
#include <iterator>
#include <tuple>
#include <utility>

#include "kernels/kernel_set.hpp"
#include "kernels/protocol/check_fp8.hpp"
#include "kernels/protocol/check_norms.hpp"
#include "kernels/protocol/check_sums.hpp"
#include "kernels/protocol/contribution.hpp"
#include "kernels/protocol/quantise_fp8.hpp"
#include "kernels/protocol/residual_rmsnorm.hpp"
#include "kernels/protocol/store_sum.hpp"

namespace symmbench {

/// What a pattern is made of, on every device: made on the host from a call, handed to a kernel by value.
///   contribution(call)  what a rank adds to the sum
///   epilogue<T>(call)   what is done with the sum
///   checks(call)        the passes of its check, one launch each, in this order
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
  static LoadInput contribution(const AllreduceCall& call) { return {call.input}; }
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
          .epsilon = call.parameters.epsilon,
          .weight_bias = call.parameters.weight_bias};
}
inline NormParameters norm_parameters(const CheckCall& call) {
  return {call.shape.hidden, call.parameters.epsilon, call.parameters.weight_bias};
}
/// Rounded once: the quotient of two fp32 numbers in fp64 has more than twice their digits.
inline float inverse_scale(const CheckCall& call) {
  return static_cast<float>(1.0 / static_cast<double>(call.parameters.quant_scale));
}

template <>
struct PatternCode<Pattern::residual_rmsnorm> {
  using Kernel = PatternCode;
  static constexpr Pattern kPattern = Pattern::residual_rmsnorm;
  static LoadInput contribution(const AllreduceCall& call) { return {call.input}; }
  template <class T>
  static ResidualRmsNorm<T> epilogue(const AllreduceCall& call) {
    return residual_rmsnorm_into<T>(StoreNorm<T>{call.outputs[OutputKind::norm]}, call);
  }
  static std::tuple<SumCheck, NormCheck> checks(const CheckCall& call) {
    return {SumCheck{OutputKind::residual, true}, NormCheck{norm_parameters(call)}};
  }
};

/// Both forms are one kernel: of outputs that are not there the address is 0.
template <>
struct PatternCode<Pattern::residual_rmsnorm_out_fp8> {
  using Kernel = PatternCode;
  static constexpr Pattern kPattern = Pattern::residual_rmsnorm_out_fp8;
  static LoadInput contribution(const AllreduceCall& call) { return {call.input}; }
  template <class T>
  static ResidualRmsNorm<T, QuantiseFp8<T>> epilogue(const AllreduceCall& call) {
    return residual_rmsnorm_into<T>(QuantiseFp8<T>{.norm_out = call.outputs[OutputKind::norm],
                                                   .quant_out = call.outputs[OutputKind::quant],
                                                   .scale = call.constants[ConstantKind::scale]},
                                    call);
  }
  static std::tuple<SumCheck, NormCheck, Fp8Check> checks(const CheckCall& call) {
    return {SumCheck{OutputKind::residual, true}, NormCheck{norm_parameters(call)},
            Fp8Check{norm_parameters(call), inverse_scale(call), true}};
  }
};

template <>
struct PatternCode<Pattern::residual_rmsnorm_fp8> : PatternCode<Pattern::residual_rmsnorm_out_fp8> {
  static constexpr Pattern kPattern = Pattern::residual_rmsnorm_fp8;
  static std::tuple<SumCheck, Fp8Check> checks(const CheckCall& call) {
    return {SumCheck{OutputKind::residual, true}, Fp8Check{norm_parameters(call), inverse_scale(call), false}};
  }
};

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

/// What the passes of a check have in common.
inline CheckArgs check_args(const BatchView& batch, const CheckCall& call) {
  return {.batch = batch,
          .iterations = call.iterations,
          .world_size = call.shape.world_size,
          .packets = call.shape.packets(),
          .rounds_partial_sums = !sums_in_rank_order(call.shape.algorithm)};
}

}  // namespace symmbench
