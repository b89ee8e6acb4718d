#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace symmbench {

/// What an option's value is. A list is comma-separated on the command line and an array (or one value) in a file.
enum class OptionKind {
  names,     ///< list of names out of `choices`
  name,      ///< one name out of `choices`
  switches,  ///< list of on / off; booleans in a file
  on_off,    ///< on / off, also 1 / 0 and true / false
  flag,      ///< stands alone on the command line; a boolean in a file
  counts,    ///< list of whole numbers
  integer,   ///< whole number
  number,    ///< real number
  percent,   ///< real number, as text also with %
  bytes,     ///< size such as 16, 64K, 1.5M (1024^n)
  seconds,   ///< duration such as 20, 1.5s, 500ms, 10m, 2h
  path,      ///< file or directory
  output,    ///< file to write, or standing alone (`on`) its standard name in --output-dir; in a file also a boolean
  table,     ///< a shipped document by name, or a file; in a file also the document itself, as an object
  text,      ///< anything but empty
};

/// Where an option belongs. Sweep options may differ between the sweeps of a config file; run options hold for the
/// whole run; command options exist on the command line only.
enum class OptionScope { sweep, run, command };

/// Sections of --help, in this order.
enum class OptionGroup { select, shape, measure, stability, device, output };

/// One allowed name of an option.
struct Choice {
  std::string_view name;
  std::string_view about;      ///< one line, for `symmbench list` and --help
  bool now = true;             ///< false: known, but not in this version
  std::string_view also = {};  ///< another name for it, as people know it from elsewhere
};

/// Allowed interval of a numeric value (of each element of a list).
struct Bounds {
  double low = 0;
  double high = 9007199254740991.0;  ///< 2^53 - 1: every JSON reader keeps it exactly
  bool low_open = false;             ///< true: the value must be greater than `low`
  bool high_open = false;
};

/// One option of `run`: the only place where its names, type, default, limits and help are written down. The command
/// line, config-file keys, --help, the configuration in the report and the repro command all derive from it.
struct OptionSpec {
  std::string_view name;  ///< long name without dashes: "warmup-iters"
  char letter = 0;        ///< 0: none
  OptionKind kind;
  OptionScope scope;
  OptionGroup group;
  std::string_view argument;      ///< placeholder in --help: "BYTES"; empty for flags
  std::string_view default_text;  ///< as one would type it; empty: unset
  std::string_view help;
  std::span<const Choice> choices = {};
  Bounds bounds = {};
  bool now = true;           ///< false: parsed and checked, then answered with "not in this version"
  bool takes_count = false;  ///< of on_off: a whole number above 1 is on too
  bool repeats = false;      ///< may be given several times; ';' between the values means the same

  /// Its name in config files and reports: "warmup_iters".
  std::string key() const;
  /// "--warmup-iters".
  std::string flag_name() const;
  /// Whether it says where this run writes: what repeats a run leaves that to its user.
  bool says_where() const {
    return (kind == OptionKind::path || kind == OptionKind::output) && group == OptionGroup::output;
  }
};

/// Whether an option of kind `output` stands alone where `next` is the word behind it; empty at the end of the line.
inline bool stands_alone_before(std::string_view next) {
  return next.empty() || (next.starts_with('-') && next != "-");
}

/// Every option, in the order of --help.
std::span<const OptionSpec> option_table();

/// By config key ("warmup_iters"); nullptr when there is none.
const OptionSpec* find_option(std::string_view key);
/// The same for a key that is known to exist; asserts.
const OptionSpec& option(std::string_view key);

/// The names that this version accepts, in table order.
std::vector<std::string> names_now(const OptionSpec& spec);
/// The same with the other names that some of them have.
std::vector<std::string> names_accepted(const OptionSpec& spec);
/// The names that are known but come later.
std::vector<std::string> names_later(const OptionSpec& spec);

/// "--iters" and the like for every option that `scope_of_command` can hold: what a mistyped option is compared with.
std::vector<std::string> long_option_names();
/// Keys that a config file may hold: at its top level, or (sweep_only) within a sweep. Includes those not in this
/// version.
std::vector<std::string> config_keys(bool sweep_only);

std::string_view title_of(OptionGroup group);

}  // namespace symmbench
