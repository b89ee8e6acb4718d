#pragma once
#include "kernels/protocol/inputs.hpp"
#include "support/flat_ranks.hpp"
#include "verify/explain.hpp"

namespace symmbench::test {

inline constexpr std::uint64_t kSeed = 11;
inline constexpr std::uint32_t kBuffers = 5;
inline constexpr std::uint64_t kFirst = 20;

/// The outputs of one rank for iterations kFirst ... kFirst + kBuffers - 1, computed here in rank order, then damaged.
struct Outputs {
  CallShape shape;
  RankBatch batch;
  HostStream stream;
  std::unique_ptr<KernelSet> kernels = make_host_kernels();

  explicit Outputs(const CallShape& what, InputKind kind = InputKind::exact)
      : shape(what), batch(what, kind, kBuffers, kSeed, kFirst) {
    kernels->fill_constants(stream, batch.view(), check_call());
    kernels->fill_inputs(stream, batch.view(), check_call());
    stream.synchronize();
    for (std::uint64_t i = kFirst; i < kFirst + kBuffers; ++i) {
      for (std::uint64_t e = 0; e < shape.hidden; ++e) set(i, e, sum(i, e));
    }
  }

  CheckCall check_call() const { return {.shape = shape, .rank = 0, .iterations = kBuffers}; }
  float input(int rank, std::uint64_t iteration, std::uint64_t element) const {
    const InputStream numbers = input_stream(kSeed, batch.view().kind, rank, iteration);
    switch (shape.dtype) {
      case DType::bf16:
        return input_value<Bf16>(numbers, shape.world_size, element);
      case DType::fp16:
        return input_value<Fp16>(numbers, shape.world_size, element);
      case DType::fp32:
        return input_value<float>(numbers, shape.world_size, element);
    }
    return 0;
  }
  float sum(std::uint64_t iteration, std::uint64_t element) const {
    float total = input(0, iteration, element);
    for (int rank = 1; rank < shape.world_size; ++rank) total += input(rank, iteration, element);
    return total;
  }
  void set(std::uint64_t iteration, std::uint64_t element, float value) {
    const std::uint64_t at = batch.view().output(OutputKind::allreduce, iteration);
    switch (shape.dtype) {
      case DType::bf16:
        reinterpret_cast<Bf16*>(at)[element] = round_to<Bf16>(value);
        break;
      case DType::fp16:
        reinterpret_cast<Fp16*>(at)[element] = round_to<Fp16>(value);
        break;
      case DType::fp32:
        reinterpret_cast<float*>(at)[element] = value;
        break;
    }
  }
  std::uint16_t& half(std::uint64_t iteration, std::uint64_t element) {
    return reinterpret_cast<std::uint16_t*>(batch.view().output(OutputKind::allreduce, iteration))[element];
  }

  VerifyReport check() {
    *batch.report = {};
    kernels->check(stream, batch.view(), check_call(), 0);
    stream.synchronize();
    return *batch.report;
  }
  Blame blame() {
    return explain(check(), {.shape = shape, .seed = kSeed, .kind = batch.view().kind, .buffers = kBuffers});
  }
};

inline CallShape shape_of(DType dtype = DType::bf16, int world_size = 8, std::uint64_t elements = 4096) {
  return {.dtype = dtype, .world_size = world_size, .tokens = 1, .hidden = elements};
}

inline std::uint64_t count_of(const Blame& blame, BlameKind kind) {
  return blame.by_kind[static_cast<std::size_t>(kind)];
}

}  // namespace symmbench::test
