#pragma once
#include <cstdlib>
#include <tuple>

#include "kernels/kernel_set.hpp"
#include "kernels/protocol/check_norms.hpp"
#include "kernels/protocol/check_sums.hpp"
#include "kernels/protocol/contribution.hpp"
#include "kernels/protocol/residual_rmsnorm.hpp"
#include "kernels/protocol/store_sum.hpp"

namespace symmbench {

/// What a pattern is made of, on every device: made on the host from a call, handed to a kernel by value.
///   contribution(call)  what a rank adds to the sum
///   epilogue<T>(call)   what is done with the sum
///   checks(call)        the passes of its check, one launch each, in this order
template <Pattern>
struct PatternCode;

template <>
struct PatternCode<Pattern::allreduce> {
  static constexpr Pattern kPattern = Pattern::allreduce;
  static LoadInput contribution(const AllreduceCall& call) { return {call.input}; }
  template <class T>
  static StoreSum<T> epilogue(const AllreduceCall& call) {
    return {call.outputs[OutputKind::allreduce]};
  }
  static std::tuple<SumCheck> checks(const CheckCall&) { return {SumCheck{OutputKind::allreduce, false}}; }
};

template <>
struct PatternCode<Pattern::residual_rmsnorm> {
  static constexpr Pattern kPattern = Pattern::residual_rmsnorm;
  static LoadInput contribution(const AllreduceCall& call) { return {call.input}; }
  template <class T>
  static ResidualRmsNorm<T> epilogue(const AllreduceCall& call) {
    return {.residual = call.constants[ConstantKind::residual],
            .gamma = call.constants[ConstantKind::gamma],
            .residual_out = call.outputs[OutputKind::residual],
            .norm_out = call.outputs[OutputKind::norm],
            .hidden = call.shape.hidden,
            .inverse_hidden = 1.0f / static_cast<float>(call.shape.hidden),
            .epsilon = call.parameters.epsilon,
            .weight_bias = call.parameters.weight_bias};
  }
  static std::tuple<SumCheck, NormCheck> checks(const CheckCall& call) {
    return {SumCheck{OutputKind::residual, true},
            NormCheck{call.shape.hidden, call.parameters.epsilon, call.parameters.weight_bias}};
  }
};

/// Calls f(pass) for each pass of the check of `call`'s pattern, in order, and for the one over the guards.
template <class F>
void for_each_check(const CheckCall& call, F&& f) {
  f(GuardCheck{});
  const auto run = [&](const auto& passes) { std::apply([&](const auto&... pass) { (f(pass), ...); }, passes); };
  switch (call.shape.pattern) {
    case Pattern::residual_rmsnorm:
      return run(PatternCode<Pattern::residual_rmsnorm>::checks(call));
    case Pattern::allreduce:
      return run(PatternCode<Pattern::allreduce>::checks(call));
    default:
      std::abort();  // a pattern whose case is missing here would pass unchecked
  }
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
