#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "core/json.hpp"

namespace symmbench {

/// What resolve() needs to know beside the two documents.
struct ResolveContext {
  std::string file_name = "config file";  ///< how messages call the config file: "config file x.json"
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

/// The configuration that RunConfig::config_text stands for; how a worker gets its supervisor's.
RunConfig config_from_text(const std::string& config_text);

/// Sizes from min to max bytes by step_factor (rounded down to whole bytes, always growing) or step_bytes.
std::vector<std::uint64_t> sizes_of(const Sweep& sweep);
inline constexpr std::size_t kMaxSizes = 4096;  ///< of one sweep; more is taken for a typing mistake

/// One command that repeats the run. Where the configuration has several sweeps it reads them from a file that
/// holds `run.config` of the report.
std::string repro_command(const RunConfig& config, int world_size);

/// The same configuration, but for `tuning` ("auto" decided to be a shipped table, once the device is known). Its
/// config_text says so too.
RunConfig with_tuning(const RunConfig& config, const std::string& name);

/// Read a config file: JSON with line and column in messages, a key given twice is refused. `kind` begins the messages.
/// @throws Error{config, io_error or invalid_argument}
Json read_config_file(const std::string& path, const std::string& kind = "config file");
/// The same for text at hand; `what` begins the messages.
Json parse_config(std::string_view text, const std::string& what);

}  // namespace symmbench
