#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace symmbench {

/// Command lines of nccl-tests (2.19.6), as people type them from memory. Where an option there and here mean the same, the
/// option table has it under the same letter. Here are the others: accepted where what they ask for is what runs anyway,
/// refused with what to do instead where it is not.
struct NcclTestsOption {
  char letter;
  std::string_view name;            ///< long name with dashes, without the leading ones; empty: a letter only
  std::string_view same;            ///< values that mean what runs anyway, with commas between them; "*": any
  std::string_view with_note = {};  ///< further values that are accepted, with `note`
  std::string_view note = {};       ///< how it is here
  std::string_view instead;         ///< what to do for any other value

  /// How the command line of symmbench names it: "--ngpus", or "-K".
  std::string flag_name() const;
};

std::span<const NcclTestsOption> nccl_tests_options();

/// Options as typed, from their config key ("minbytes") or, for those of nccl-tests, the name that was typed ("--ngpus",
/// "-g") to their text.
using TypedOptions = std::map<std::string, std::string>;

/// Takes the options of nccl-tests out of `typed`, and rewrites what is spelled otherwise there: `-f 1` beside `-i` is no
/// factor. Returns what is to be told about options that differ, a line each.
/// @throws Error{config, invalid_argument} for a value that asks for what does not run here, with what to do instead
std::vector<std::string> take_nccl_tests_options(TypedOptions& typed);

/// NCCL_TESTS_MIN_BW of the environment, nullptr where it is unset, becomes --min-busbw: there, too, a run fails whose average
/// bus bandwidth is below 0.9 of it. Returns what is to be told of it.
/// @throws Error{config, invalid_argument} where it is no number of GB/s, or --min-busbw was typed as well
std::optional<std::string> take_min_bandwidth(TypedOptions& typed, const char* variable);

/// Refuses variables of nccl-tests that would change what runs or passes there and have no effect here: a gate that is
/// ignored is a false pass. `value_of` gives a variable's value, nullptr when it is unset, as std::getenv.
/// @throws Error{config, invalid_argument} naming the variable, its value and what to do instead
void refuse_nccl_tests_variables(const char* (*value_of)(const char* name));

}  // namespace symmbench
