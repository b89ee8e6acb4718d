#pragma once
#include <string>
#include <string_view>

#include "config/options.hpp"
#include "core/json.hpp"

namespace symmbench {

/// Where a value was written, so that every message names option, value and what is allowed:
/// "--stepfactor '0.5': must be greater than 1",
/// "config file x.json: sweeps[1].datatype: 'bf61' is not one of fp16, bf16, fp32".
class Origin {
 public:
  static Origin command_line(const OptionSpec& spec) { return {spec.flag_name(), "", true}; }
  /// `path` names file and key: "config file x.json: sweeps[1].datatype".
  static Origin file(std::string path) { return {std::move(path), "", false}; }
  static Origin default_of(const OptionSpec& spec) { return {spec.flag_name(), " (the default)", true}; }

  /// "--minbytes '1K'", "config file x.json: minbytes: '1K'".
  std::string subject(std::string_view value) const;
  /// "--minbytes", "config file x.json: minbytes".
  const std::string& name() const { return name_; }
  /// @throws Error{config, invalid_argument}; `problem` starts with "must" or "not"
  [[noreturn]] void fail(std::string_view value, std::string_view problem) const;
  /// @throws Error{config, invalid_argument} about the option itself, whatever its value
  [[noreturn]] void fail(std::string_view problem) const;

 private:
  Origin(std::string name, std::string note, bool dashed)
      : name_(std::move(name)), note_(std::move(note)), dashed_(dashed) {}

  std::string name_, note_;
  bool dashed_;
};

/// Values of a list, and sweeps of a configuration.
inline constexpr std::size_t kMostListed = 1000;

/// The checked value of an option as typed. Lists become arrays, sizes bytes, durations seconds, switches booleans.
/// @throws Error{config, invalid_argument} for trailing junk, a value out of bounds, an unknown name, an empty list, a
/// duplicate, a name or option that is not in this version
Json value_from_text(const OptionSpec& spec, std::string_view text, const Origin& origin);

/// The same for a value of a config file: native JSON types, except sizes and durations, which may also be strings.
Json value_from_json(const OptionSpec& spec, const Json& json, const Origin& origin);

/// A checked value as one would type it; value_from_text() gives it back.
std::string text_from_value(const OptionSpec& spec, const Json& value);

/// @throws Error{config, invalid_argument} with `detail` as its whole message
[[noreturn]] void fail_config(std::string detail);

}  // namespace symmbench
