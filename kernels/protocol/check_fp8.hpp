#pragma once
#include "kernels/protocol/check_codes.hpp"

namespace symmbench {

/// quant_out of static FP8. The product with 1/scale has one rounding to fp32 here, two in a kernel where n is not
/// stored: they differ by less than the bound of a norm that is not zero has room for.
struct Fp8Check {
  NormParameters parameters;
  float inverse_scale;  ///< 1/scale, rounded to nearest
  bool norm_is_stored;

  template <class T, ReportOps Ops, BlockGrid Partition>
  SYMMBENCH_FN void run(Ops& ops, const Partition& partition, const CheckArgs& args,
                        std::uint64_t first_iteration) const {
    Tally tally;
    const auto scaled = [&](double norm) { return norm * static_cast<double>(inverse_scale); };
    for_each_norm<T>(ops, partition, args, first_iteration, parameters, norm_is_stored,
                     [&](std::uint64_t iteration, std::uint64_t packet, const Expected<T>& norm) {
                       compare_codes<T, E4m3Element>(ops, args, norm, scaled, iteration, packet, tally);
                     });
    add_to_report(ops, args.batch, tally);
  }
};

}  // namespace symmbench
