#pragma once
#include <optional>
#include <string>

#include "config/run_config.hpp"
#include "core/document.hpp"

namespace symmbench {

/// What resolve() needs to know beside the two documents.
struct ResolveContext {
  std::string file_name = "config file";  ///< how messages call the config file: "config file x.json"
  ValueLines file_lines = {};             ///< where its values stand, for messages
  /// FLASHINFER_TRTLLM_AR_USE_TORCH_SYMM_MEM of the environment, which decides what `--allocator upstream` is.
  bool upstream_is_torch = false;
};
ResolveContext context_from_environment(const std::optional<std::string>& config_path);

/// The configuration of a run: defaults, then the file's top level, then each of its sweeps, then the command line,
/// each overriding the one before. `command_line` maps keys ("warmup_iters") to what was typed, as text; a flag that
/// stands alone is "on". RunConfig::config_text is a config file itself and resolves to the same configuration.
/// @throws Error{config, invalid_argument} for everything that argv and files alone decide, naming option, value and
/// what is allowed
RunConfig resolve(const Json* config_file, const Json& command_line, const ResolveContext& context = {});

/// The configuration that RunConfig::config_text stands for.
RunConfig config_from_text(const std::string& config_text);

/// The same configuration, but for `tuning` ("auto" decided to be a shipped table, once the device is known). Its
/// config_text says so too.
RunConfig with_tuning(const RunConfig& config, const std::string& name);

}  // namespace symmbench
