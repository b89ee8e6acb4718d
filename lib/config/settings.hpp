#pragma once
#include <map>
#include <string>

#include "config/option_value.hpp"
#include "core/document.hpp"

namespace symmbench {

/// A checked value and where it came from.
struct Setting {
  Json value;
  Origin origin;
  std::string written;  ///< as it stood there, for messages

  std::string subject() const { return origin.subject(written); }
  [[noreturn]] void fail(std::string_view problem) const { origin.fail(written, problem); }
};

/// By config key. One layer of the configuration, or several merged.
using Settings = std::map<std::string, Setting>;

/// Every option that has a default.
Settings default_layer();
/// What was typed: keys ("warmup_iters") to text. @throws Error{config, invalid_argument} naming the option
Settings command_line_layer(const Json& command_line);

/// An object of the config file: its top level, or one of its sweeps.
struct FilePart {
  const Json& object;
  const std::string& file_name;  ///< "config file x.json"
  const ValueLines& lines;       ///< where the file's values stand
  std::string path;              ///< what stands before the object's keys: "", "sweeps[1]."
  bool in_sweep;

  /// "config file x.json: sweeps[1].datatype (line 7)"
  std::string name_of(const std::string& key) const;
};
/// @throws Error{config, invalid_argument} naming file, key and line
Settings file_layer(const FilePart& part);

/// `layer` over `base`. Sizes in the upper layer replace tokens below them. Tokens leave the sizes below in place, for
/// a further layer may come back to sizes; without_unused() drops them in the end.
Settings merged(Settings base, const Settings& layer);
Settings without_unused(Settings settings);

}  // namespace symmbench
