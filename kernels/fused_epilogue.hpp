#pragma once
#include "kernels/kernel_set.hpp"
#include "kernels/protocol/epilogues.hpp"

namespace symmbench {

template <class T>
ResidualRmsNorm<T> fused_epilogue(const AllreduceCall& call) {
  return {.residual = call.residual,
          .gamma = call.gamma,
          .residual_out = call.residual_out,
          .norm_out = call.output,
          .hidden = call.shape.hidden,
          .inverse_hidden = 1.0f / static_cast<float>(call.shape.hidden),
          .epsilon = call.epsilon,
          .weight_bias = call.weight_bias};
}

}  // namespace symmbench
