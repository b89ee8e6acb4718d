#pragma once
#include "kernels/protocol/check_codes.hpp"
#include "kernels/protocol/scale_grid.hpp"

namespace symmbench {

/// quant_out and scale_out where a row has one scale, fp32.
struct DynamicFp8Check {
  NormParameters parameters;
  bool norm_is_stored;

  template <class T, ReportOps Ops, BlockGrid Partition>
  SYMMBENCH_FN void run(Ops& ops, const Partition& partition, const CheckArgs& args,
                        std::uint64_t first_iteration) const {
    Tally tally;
    const std::uint64_t row_packets = parameters.hidden / kLanes<T>;
    for_each_norm_row<T>(
        ops, partition, args, first_iteration, parameters, norm_is_stored,
        [&](std::uint64_t iteration, std::uint64_t row, const auto& row_part, const auto& norm_of) {
          double least = 0, most = 0;
          row_part.for_each_index(row_packets, [&](std::uint64_t column) { widen(norm_of(column), least, most); });
          const Between expected(scale_of(row_part.largest(least)), scale_of(row_part.largest(most)));
          const std::uint32_t word = load_word(ops, args.batch.output(OutputKind::scale, iteration) + row * 4);
          row_part.for_each_index(1, [&](std::uint64_t) {
            compare_scale(ops, args, float_of(word), word, word == kPoison, expected, iteration, row,
                          args.packets / row_packets, tally);
          });
          // Rounded to fp64 and then to fp32 a quotient of two fp32 numbers is what it is when rounded once.
          const auto scaled = [&](double norm) { return norm / static_cast<double>(float_of(word)); };
          row_part.for_each_index(row_packets, [&](std::uint64_t column) {
            compare_codes<T, E4m3Element>(ops, args, norm_of(column), scaled, iteration, row * row_packets + column,
                                          tally);
          });
        });
    add_to_report(ops, args.batch, tally);
  }

  /// Takes the magnitudes that the elements of a packet have at least and at most into the largest of each.
  template <class T>
  SYMMBENCH_HD static void widen(const Expected<T>& norm, double& least, double& most) {
    for (int i = 0; i < kLanes<T>; ++i) {
      const double size = magnitude_of(norm.value[i]);
      least = size - norm.bound[i] > least ? size - norm.bound[i] : least;
      most = size + norm.bound[i] > most ? size + norm.bound[i] : most;
    }
  }

 private:
  SYMMBENCH_HD static double scale_of(double largest) {
    const auto quotient = static_cast<float>(static_cast<double>(static_cast<float>(largest)) / 448.0);
    return quotient > kLeast ? quotient : kLeast;
  }
  static constexpr float kLeast = 1.0f / 229376.0f;
};

// Rules of formats with a scale per group: the code of a scale from the largest |n|, what it stands for, and by what n is
// multiplied where it was stored. With S = 1 and a largest of 6, NVFP4's are 0x38, 1 and 1.

struct Nvfp4Rule {
  using Element = E2m1Element;
  float global_scale;

  SYMMBENCH_HD std::uint32_t code_of(double largest) const {
    const float sixth = static_cast<float>(largest) * 0.16666667163372039794921875f;
    return to_e4m3(global_scale * sixth);
  }
  SYMMBENCH_HD static float value_of(std::uint32_t code) { return from_e4m3(code); }
  SYMMBENCH_HD double factor_of(std::uint32_t code) const {
    if ((code & 0x7Fu) == 0) return 0;
    return static_cast<float>(static_cast<double>(global_scale) / from_e4m3(code));
  }
};

struct Mxfp8Rule {
  using Element = E4m3Element;

  SYMMBENCH_HD static std::uint32_t code_of(double largest) {
    return to_ue8m0(static_cast<float>(largest) * static_cast<float>(1.0 / 448.0));
  }
  SYMMBENCH_HD static float value_of(std::uint32_t code) { return from_ue8m0(code); }
  SYMMBENCH_HD static double factor_of(std::uint32_t code) { return code == 0 ? 0.0 : 1.0 / from_ue8m0(code); }
};

struct GroupFp8Rule {
  using Element = E4m3Element;

  SYMMBENCH_HD static std::uint32_t code_of(double largest) {
    const auto quotient = static_cast<float>(static_cast<double>(static_cast<float>(largest)) / 448.0);
    return to_ue8m0(quotient > 1e-10f ? quotient : 1e-10f);
  }
  SYMMBENCH_HD static float value_of(std::uint32_t code) { return from_ue8m0(code); }
  SYMMBENCH_HD static double factor_of(std::uint32_t code) { return 1.0 / static_cast<double>(from_ue8m0(code)); }
};

/// quant_out and scale_out where groups of neighbours in a row have a scale of one byte.
template <class Rule>
struct GroupCheck {
  NormParameters parameters;
  bool norm_is_stored;
  ScaleGrid grid;
  Rule rule;

  template <class T, ReportOps Ops, BlockGrid Partition>
  SYMMBENCH_FN void run(Ops& ops, const Partition& partition, const CheckArgs& args,
                        std::uint64_t first_iteration) const {
    Tally tally;
    const std::uint64_t row_packets = parameters.hidden / kLanes<T>, packets = row_packets / grid.groups;
    for_each_norm_row<T>(
        ops, partition, args, first_iteration, parameters, norm_is_stored,
        [&](std::uint64_t iteration, std::uint64_t row, const auto& row_part, const auto& norm_of) {
          row_part.for_each_index(grid.groups, [&](std::uint64_t group) {
            double least = 0, most = 0;
            for (std::uint64_t column = group * packets; column < (group + 1) * packets; ++column) {
              DynamicFp8Check::widen<T>(norm_of(column), least, most);
            }
            const std::uint64_t address = args.batch.output(OutputKind::scale, iteration) + grid.offset(row, group);
            const std::uint32_t word = load_word(ops, address), code = byte_in(word, address);
            const Between expected(rule.value_of(rule.code_of(least)), rule.value_of(rule.code_of(most)));
            compare_scale(ops, args, rule.value_of(code), code, word == kPoison, expected, iteration,
                          row * grid.groups + group, grid.rows * grid.groups, tally);
            const double factor = rule.factor_of(code);
            const auto scaled = [&](double norm) { return norm * factor; };
            for (std::uint64_t column = group * packets; column < (group + 1) * packets; ++column) {
              compare_codes<T, typename Rule::Element>(ops, args, norm_of(column), scaled, iteration,
                                                       row * row_packets + column, tally);
            }
          });
        });
    add_to_report(ops, args.batch, tally);
  }
};

/// What lies between the scales of scale_out: 0 where the format fills up, untouched elsewhere, to the end of the buffer.
/// A wrong byte counts as a wrong element of the last scale of its row.
struct ScalePaddingCheck {
  ScaleGrid grid;

  template <class T, ReportOps Ops, BlockGrid Partition>
  SYMMBENCH_FN void run(Ops& ops, const Partition& partition, const CheckArgs& args,
                        std::uint64_t first_iteration) const {
    Tally tally;
    const std::uint64_t groups = grid.padded_groups(), places = grid.padded_rows() * groups;
    const std::uint64_t bytes = args.batch.outputs[OutputKind::scale].bytes;
    for (std::uint64_t iteration = first_iteration; iteration < first_iteration + args.iterations; ++iteration) {
      const std::uint64_t scale_out = args.batch.output(OutputKind::scale, iteration);
      const auto expect = [&](std::uint64_t offset, bool zero, std::uint64_t row) {
        const std::uint32_t code = byte_in(load_word(ops, scale_out + offset), offset);
        const std::uint32_t right = zero ? 0 : byte_in(kPoison, offset);
        if (code == right) return;
        ++tally.wrong;
        const std::uint64_t of_row = row < grid.rows ? row : grid.rows - 1;
        record_mismatch(
            ops, args, {iteration, (of_row + 1) * grid.groups - 1, static_cast<float>(code), static_cast<float>(right)},
            OutputKind::scale, grid.rows * grid.groups);
      };
      partition.for_each_index(places, [&](std::uint64_t place) {
        const std::uint64_t row = place / groups, group = place % groups;
        if (row < grid.rows && group < grid.groups) return;
        const bool last_words = group / 4 == grid.words_of_row() - 1;
        const bool packed = grid.layout == ScaleOrder::packed_words;
        if (packed && last_words && row >= grid.rows) return;  // not part of it
        expect(grid.offset(row, group), grid.zero_padding && (row < grid.rows || packed), row);
      });
      partition.for_each_index(bytes - grid.bytes(),
                               [&](std::uint64_t i) { expect(grid.bytes() + i, false, grid.rows); });
    }
    add_to_report(ops, args.batch, tally);
  }
};

}  // namespace symmbench
