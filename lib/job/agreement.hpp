#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// What a rank is about to do, said before anything is done: ranks that differ in it cannot run one job.
struct RankIntent {
  std::string host;
  std::string build;                               ///< version, revision, build type
  std::string binary;                              ///< binary_hash()
  std::string doing;                               ///< "run", "run --plan", "run --help"
  std::optional<std::string> objection;            ///< what its own command line or files lack; then no configuration
  std::string config_text;                         ///< RunConfig::config_text
  std::optional<std::string> multicast_veto = {};  ///< of its environment; ranks may differ in it
  double widened_by = 1;                           ///< MpiSession::widened_by(); in this, too
};

/// For the start-up round that carries it.
std::string text_of(const RankIntent& intent);
/// @throws Error{config, invalid_argument}
RankIntent intent_from(std::string_view text);

struct Disagreement {
  std::string why;  ///< the whole line to print, with ranks, hosts and what they differ in
  int exit_code;    ///< 2 where every rank objects: no machine could run it; else 3
};

/// Why ranks cannot go on together, or nullopt. `ranks`: by rank. In this order: a rank that objects, another command,
/// another binary, another value of an option. `command` begins messages of our own. Pure.
std::optional<Disagreement> disagreement(std::string_view command, std::span<const RankIntent> ranks);

/// The options in which two configurations (RunConfig::config_text) differ: "--iters 20 against 10". Options of several
/// sweeps are called by their place: "sweeps[1].iters".
std::vector<std::string> differing_options(const std::string& config_text, const std::string& other_config_text);

}  // namespace symmbench
