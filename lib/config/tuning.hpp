#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.hpp"
#include "core/json.hpp"

namespace symmbench {

/// The algorithms that a tuning table may name and `auto` may take, best known first. Anything else that a run can
/// measure (a reference) is a peer: shown beside them, never chosen.
std::vector<std::string> tunable_algorithms();
bool is_tunable(std::string_view algorithm);

/// One step of a table: messages of up to and including so many bytes, above the step before it.
struct TuningChoice {
  std::optional<std::uint64_t> up_to_bytes;  ///< nullopt: however large; only in the last step
  std::string algorithm;
};

/// What one rank count and pattern takes, from 1 byte on; above the last bound nothing is said.
struct TuningEntry {
  int world_size = 0;  ///< ranks of one group
  std::string pattern;
  std::optional<DType> dtype;         ///< nullopt: every type without an entry of its own
  std::vector<TuningChoice> choices;  ///< bounds strictly ascending
};

/// How `--algorithm auto` decides (configs/schema/tuning.schema.json). What the entries do not say is computed
/// (plan/algorithm_choice.hpp).
struct TuningTable {
  /// "auto": the shipped table of the device's family, not known before the device is; planned as "computed".
  /// "computed": no table. "sm90": that shipped table. "file": one that the user gave.
  std::string name = std::string(kAutoTuning);
  std::vector<TuningEntry> entries;

  static constexpr std::string_view kAutoTuning = "auto", kComputedTuning = "computed", kFileTuning = "file";

  /// What the table says; nullopt: nothing. An entry of the dtype goes before one for every dtype.
  std::optional<std::string_view> algorithm_for(int world_size, std::string_view pattern, DType dtype,
                                                std::uint64_t message_bytes) const;
};

/// A table of configs/tuning, built into the program.
struct ShippedTuning {
  std::string_view name;  ///< "sm90": the family that takes it by itself
  std::string_view text;
};
std::span<const ShippedTuning> shipped_tunings();

/// "sm90" of 90: how tables call the GPUs of an SM version; "host" is the emulated device.
std::string sm_family(int sm_version);

/// The name of the shipped table for a family; "computed" where there is none.
std::string tuning_for_family(std::string_view family);

/// Entries of a tuning document. `what` begins the messages: "--tuning 'x.json'".
/// @throws Error{config, invalid_argument} naming the place: unknown key, algorithm or pattern, rank count out of
/// bounds, bounds that do not ascend, two entries for the same rank count, pattern and dtype
std::vector<TuningEntry> tuning_entries(const Json& document, const std::string& what);

/// What the value of `tuning` in a resolved configuration stands for: "auto", "computed", a shipped name, or a whole
/// table as an object.
TuningTable tuning_from(const Json& value);

}  // namespace symmbench
