#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "kernels/kernel_set.hpp"
#include "kernels/protocol/batch.hpp"

namespace symmbench {

/// What went wrong with one element, found by recomputing what each mistake would have given.
///
/// When is an element wrong at all? (kernels/protocol/verify.hpp computes it)
///   inputs exact   allreduce, residual_out: not equal. All algorithms sum fp32 in rank order and round once, every
///                  partial sum is an integer that the dtype holds, so there is nothing to round before the residual is
///                  added.
///   inputs random  allreduce: |got - sum64| > a + u (|sum64| + a), with a = (W-1) 2^-24 sum|x_r| for the fp32 additions
///                  and u = 2^-8 (bf16), 2^-11 (fp16, at least 2^-25), 2^-24 (fp32) for the one rounding. The same for
///                  each algorithm. residual_out: one fp32 addition and one rounding to T more.
///   norm_out       against fp64 from the residual_out that was stored: u |n| and (packets of a row / 2 + 22) 2^-24 |n|.
///   scale_out      not what the format makes of the norm_out that was stored; where none was, outside what it makes of
///                  the least and of the largest norm within the bound. Bytes between scales: not 0 or untouched, as the
///                  format has it.
///   quant_out      the same, by the scale that was stored.
///   sums over experts  exact inputs: as above where the routed scaling factor is 1. Random: for each rank's contribution
///                  of s slots (2 s + 3) 2^-24 of the sum of magnitudes and one rounding to T more.
enum class BlameKind : std::uint8_t {
  unwritten,  ///< still the poison that was there before
  missing,    ///< one rank's contribution is not in the sum
  stale,      ///< one rank's contribution, or the whole output, is that of an earlier iteration
  doubled,    ///< one rank's contribution is in the sum twice
  foreign,    ///< one rank's contribution, or the whole output, belongs to another index
  bit_flip,   ///< right but for one bit of the output
  unexplained,
};
inline constexpr int kBlameKinds = 7;
std::string_view name_of(BlameKind kind);

/// What the inputs were; all that explain() needs beside the report.
struct ExplainParameters {
  CallShape shape;
  std::uint64_t seed = 0;
  InputKind kind = InputKind::exact;
  std::uint32_t buffers = 0;  ///< of the batch ring: earlier calls may have read the buffers in wrapped order
};

/// One mistake and how much of what was recorded it explains.
struct BlameFinding {
  BlameKind kind = BlameKind::unexplained;
  std::optional<int> source_rank;  ///< group rank whose contribution it is; none: the whole output, or unknown
  int age = 0;                     ///< stale: iterations
  std::int64_t index_shift = 0;    ///< foreign: elements
  std::uint64_t mismatches = 0;    ///< recorded mismatches explained
  std::uint64_t first_offset_bytes = 0, end_offset_bytes = 0;  ///< of the output
  std::uint64_t first_iteration = 0;
  OutputKind output = OutputKind::allreduce;
};

/// The explanation of one rank's VerifyReport.
struct Blame {
  std::uint64_t checked_elements = 0, wrong_elements = 0, unwritten_elements = 0, guard_words_overwritten = 0;
  double max_error = 0;
  std::uint64_t recorded = 0;                        ///< mismatches looked at
  std::array<std::uint64_t, kBlameKinds> by_kind{};  ///< of these
  std::array<std::uint64_t, kBlameBlocks> wrong_in_block{};
  /// [source rank][sixteenth of the message]: recorded mismatches blamed on that rank's contribution
  std::vector<std::array<std::uint64_t, kBlameBlocks>> matrix;
  std::vector<BlameFinding> findings;  ///< most mismatches first
  std::string summary;                 ///< one line; empty when nothing is wrong
};

/// Explains the mismatches of a report. Mistakes that several elements agree on win over coincidences of one.
Blame explain(const VerifyReport& report, const ExplainParameters& parameters);

/// {"summary", "wrong_elements", "unwritten_elements", "guard_words_overwritten", "max_error", "recorded",
///  "kinds": {kind: n},
///  "findings": [{"kind", "source_rank", "age_iterations", "index_shift", "mismatches",
///                "first_offset_bytes", "end_offset_bytes", "first_iteration", "output"}],
///  "wrong_in_block": [16],
///  "source_blocks": [{"rank", "blocks": [16]}]}
Json to_json(const Blame& blame);
/// Of what to_json() gave: the group rank whose contribution most of the mismatches are put down to; nullopt: no rank's.
std::optional<int> blamed_source(const Json& blame);

}  // namespace symmbench
