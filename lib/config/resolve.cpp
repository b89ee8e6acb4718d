#include "config/resolve.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "catalog/algorithms.hpp"
#include "catalog/allocators.hpp"
#include "config/option_value.hpp"
#include "config/options.hpp"
#include "config/parameter_json.hpp"
#include "config/pattern_settings.hpp"
#include "config/settings.hpp"
#include "config/sizes.hpp"
#include "core/text.hpp"

namespace symmbench {
namespace {

template <class T>
T get(const Settings& settings, const char* key) {
  return settings.at(key).value.get<T>();
}

template <class T>
std::optional<T> get_optional(const Settings& settings, const char* key) {
  const auto at = settings.find(key);
  return at == settings.end() ? std::nullopt : std::optional<T>(at->second.value.get<T>());
}

/// Replaces "upstream" by the allocator that it stands for here, unless that one is listed too.
void resolve_upstream(Settings& settings, bool is_torch) {
  auto& value = settings.at("allocator").value;
  Json allocators = Json::array();
  for (const auto& element : value) {
    const Json name = element == "upstream" ? Json(is_torch ? "torch_symm_mem" : "symm_device_memory") : element;
    if (std::find(allocators.begin(), allocators.end(), name) == allocators.end()) allocators.push_back(name);
  }
  value = std::move(allocators);
}

/// A table of nccl-tests has both halves; who asks for one of them has asked for it.
void take_both_places(Settings& settings) {
  const auto& patterns = settings.at("pattern").value;
  if (std::find(patterns.begin(), patterns.end(), "allreduce") == patterns.end()) return;
  settings.at("in_place").value = Json::array({false, true});
}

/// --tune measures its own algorithms, whatever a config file lists.
void take_tuned_algorithms(Settings& settings, const Settings& typed) {
  if (const auto asked = typed.find("algorithm"); asked != typed.end()) {
    asked->second.fail(
        "must not be combined with --tune, which measures one_shot and two_shot, and two_shot_barrier "
        "where neither can run");
  }
  settings.at("algorithm").value = Json::array({"one_shot", "two_shot"});
}

void check_sizes(const Settings& settings, const Sweep& sweep) {
  if (!sweep.tokens.empty()) return;
  if (sweep.min_bytes > sweep.max_bytes) {
    settings.at("minbytes").fail(fmt::format("must not exceed {}", settings.at("maxbytes").subject()));
  }
  double count = 1;
  if (sweep.max_bytes > sweep.min_bytes) {
    const auto low = static_cast<double>(sweep.min_bytes), high = static_cast<double>(sweep.max_bytes);
    count = sweep.step_bytes ? (high - low) / static_cast<double>(sweep.step_bytes) + 1
                             : std::log(high / low) / std::log(sweep.step_factor) + 1;
  }
  if (count > static_cast<double>(kMaxSizes)) {
    settings.at(sweep.step_bytes ? "stepbytes" : "stepfactor")
        .fail(fmt::format("must give at most {} sizes; this gives {:.0f}", kMaxSizes, count));
  }
}

void check_buffers(const Settings& settings, const Sweep& sweep) {
  if (sweep.buffers != 1) return;
  settings.at("buffers").fail(
      "must be 0 or from 2 to 10000: with one set of buffers a packet left over from the iteration before would go "
      "unseen");
}

/// Some allocator can do some handle that was asked for; whatever else one of them cannot do is skipped.
void check_handles(const Settings& settings, const Sweep& sweep) {
  std::set<std::string_view> possible = {"auto", "upstream"};
  for (const auto& allocator : sweep.allocators) {
    for (const auto type : row_named(kAllocators, allocator)->handles) possible.insert(name_of(type));
  }
  if (std::ranges::any_of(sweep.handles, [&](const auto& handle) { return possible.contains(handle); })) return;
  settings.at("handle").fail(
      fmt::format("must include one of {} with {}", fmt::join(possible, ", "), settings.at("allocator").subject()));
}

/// Combinations in which no case at all could run, whatever the machine.
void check_combinations(const Settings& settings, const Sweep& sweep) {
  const bool only_fused = std::find(sweep.patterns.begin(), sweep.patterns.end(), "allreduce") == sweep.patterns.end();
  const auto patterns = settings.at("pattern").subject();
  const bool only_references = std::all_of(sweep.algorithms.begin(), sweep.algorithms.end(), names_reference);
  if (only_fused && only_references) {
    settings.at("algorithm")
        .fail(fmt::format("must include another with {}: {} has plain allreduce only", patterns,
                          fmt::join(sweep.algorithms, ", ")));
  }
  if (sweep.trigger == TriggerPoint::end && !sweep.pdl) {
    settings.at("trigger").fail("must not be combined with --pdl off: nothing is triggered there");
  }
  const bool only_in_place = sweep.in_place == std::vector<bool>{true};
  if (only_fused && only_in_place) {
    settings.at("in_place").fail(fmt::format("must include off with {}: fused patterns have two outputs", patterns));
  }
}

Sweep sweep_from(const Settings& settings) {
  Sweep sweep;
  sweep.workspaces = get<std::vector<std::string>>(settings, "workspace");
  sweep.allocators = get<std::vector<std::string>>(settings, "allocator");
  sweep.handles = get<std::vector<std::string>>(settings, "handle");
  for (const auto& name : settings.at("multicast").value) {
    sweep.multicast.push_back(*multicast_mode_from(name.get<std::string>()));
  }
  sweep.algorithms = get<std::vector<std::string>>(settings, "algorithm");
  sweep.patterns = get<std::vector<std::string>>(settings, "pattern");
  for (const auto& name : settings.at("datatype").value) sweep.dtypes.push_back(*dtype_from(name.get<std::string>()));
  sweep.in_place = get<std::vector<bool>>(settings, "in_place");
  sweep.hidden = get<std::vector<std::uint64_t>>(settings, "hidden");
  sweep.tokens = get_optional<std::vector<std::uint64_t>>(settings, "tokens").value_or(std::vector<std::uint64_t>{});
  sweep.min_bytes = get_optional<std::uint64_t>(settings, "minbytes").value_or(0);
  sweep.max_bytes = get_optional<std::uint64_t>(settings, "maxbytes").value_or(0);
  sweep.step_factor = get_optional<double>(settings, "stepfactor").value_or(0);
  sweep.step_bytes = get_optional<std::uint64_t>(settings, "stepbytes").value_or(0);
  sweep.iters = get_optional<std::uint64_t>(settings, "iters");
  sweep.warmup_iters = get<std::uint64_t>(settings, "warmup_iters");
  sweep.cudagraph = get<std::uint64_t>(settings, "cudagraph");
  sweep.buffers = get<std::uint32_t>(settings, "buffers");
  sweep.blocks = get<std::uint32_t>(settings, "blocks");
  sweep.threads = get<std::uint32_t>(settings, "threads");
  sweep.pdl = get<bool>(settings, "pdl");
  sweep.accumulation = *accumulation_from(get<std::string>(settings, "accumulate"));
  sweep.trigger = *trigger_point_from(get<std::string>(settings, "trigger"));
  sweep.workspace_tokens = get_optional<std::uint64_t>(settings, "workspace_tokens").value_or(0);
  sweep.workspace_bytes = get_optional<std::uint64_t>(settings, "workspace_bytes").value_or(0);
  PatternParameters::visit([&](std::string_view name, std::string_view, auto member) {
    read_parameter(settings.at(std::string(name)).value, sweep.parameters.*member);
  });
  check_sizes(settings, sweep);
  check_buffers(settings, sweep);
  check_handles(settings, sweep);
  check_combinations(settings, sweep);
  return sweep;
}

DeviceChoice device_from(const std::string& name) {
  return name == "cuda" ? DeviceChoice::cuda : name == "host" ? DeviceChoice::host : DeviceChoice::automatic;
}

OutputFormat format_from(const std::string& name) {
  return name == "nccl" ? OutputFormat::nccl : name == "none" ? OutputFormat::none : OutputFormat::table;
}

/// Figures that only hardware has are refused where none takes part, so that nobody waits for them.
std::vector<TableFigure> columns_from(const Settings& run) {
  const auto asked = run.find("columns");
  if (asked == run.end()) return {};
  if (run.at("device").value == "host") {
    asked->second.fail("must not be combined with --device host: an emulated device has no bandwidth");
  }
  std::vector<TableFigure> figures;
  for (const auto& name : asked->second.value) figures.push_back(*value_named(kTableFigures, name.get<std::string>()));
  return figures;
}

/// @throws Error{config, invalid_argument} where nothing could ever reach it
double min_busbw_from(const Settings& run) {
  const auto limit = get<double>(run, "min_busbw");
  if (limit > 0 && run.at("device").value == "host") {
    run.at("min_busbw").fail("must not be combined with --device host: an emulated device has no bandwidth");
  }
  return limit;
}

/// A form in which each lifecycle has a record of its own, so there is no end to what a long soak of them would keep.
bool counted_lifecycles_only(const Settings& run, const char* form) {
  const bool asked = get<bool>(run, form);
  if (asked && run.contains("soak")) run.at(form).origin.fail("must not be combined with --soak: give --lifecycles N");
  return asked;
}

void check_loudness(const Settings& run) {
  if (!get<bool>(run, "quiet") || !get<bool>(run, "verbose")) return;
  run.at("quiet").origin.fail("must not be combined with --verbose");
}

/// What the run writes: at the path of its option, else, where it is asked for, under its standard name.
std::vector<OutputFile> outputs_from(const Settings& run) {
  const auto output_dir = get_optional<std::string>(run, "output_dir");
  std::vector<OutputFile> outputs;
  for (const OutputFileRow& row : kOutputFiles) {
    const std::string key(row.option);
    const auto asked = run.find(key);
    const Json value = asked == run.end() ? Json(output_dir && row.in_output_dir) : asked->second.value;
    if (value == "-") asked->second.fail("must be a file: stdout has the table");
    if (value.is_string()) {
      outputs.push_back({row.value, value.get<std::string>()});
    } else if (value.get<bool>()) {
      if (!output_dir && option(key).kind == OptionKind::output) {
        asked->second.origin.fail(fmt::format("needs a file name, or --output-dir for its {}", row.file_name));
      }
      outputs.push_back({row.value, fmt::format("{}/{}", output_dir.value_or("."), row.file_name)});
    }
  }
  return outputs;
}

bool same_place(const std::string& a, const std::string& b) {
  const auto place = [](const std::string& path) { return std::filesystem::absolute(path).lexically_normal(); };
  return place(a) == place(b);
}

/// Two files of a run cannot be one, and its journal is none of them.
void check_places(const Settings& run, const RunConfig& config) {
  const auto& outputs = config.outputs;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    for (std::size_t j = i + 1; j < outputs.size(); ++j) {
      if (!same_place(outputs[i].path, outputs[j].path)) continue;
      const OutputFileRow* typed = &row_of(kOutputFiles, outputs[i].kind);
      const OutputFileRow* other = &row_of(kOutputFiles, outputs[j].kind);
      if (!run.contains(std::string(typed->option))) std::swap(typed, other);
      run.at(std::string(typed->option))
          .fail(fmt::format("must not be the file that --{} writes {} to", other->option, other->about));
    }
    if (config.journal_path && same_place(*config.journal_path, outputs[i].path)) {
      run.at("journal").fail("must be a folder of its own, not a file that this run writes");
    }
  }
}

/// The texts of --inject: lib/fault knows what they mean.
std::vector<std::string> inject_from(const Settings& run) {
  const auto text = get_optional<std::string>(run, "inject");
  return text ? split_list(*text, ';') : std::vector<std::string>{};
}

void read_fabric(const Settings& run, RunConfig& config) {
  if (const auto asked = run.find("fabric"); asked != run.end()) config.fabric = asked->second.value;
  const auto hosts = run.find("virtual_hosts");
  if (hosts == run.end()) return;
  config.virtual_hosts = hosts->second.value.get<int>();
  if (config.device != DeviceChoice::host) hosts->second.fail("must be combined with --device host");
}

RunConfig run_config_from(const Settings& run) {
  RunConfig config;
  config.device = device_from(get<std::string>(run, "device"));
  read_fabric(run, config);
  config.group_size = get<int>(run, "group_size");
  config.check = get<bool>(run, "check") ? CheckMode::on : CheckMode::off;
  config.soak_s = get_optional<double>(run, "soak").value_or(0);
  config.lifecycles = get_optional<std::uint64_t>(run, "lifecycles").value_or(1);  // of a soak at least one
  config.lifecycle_fresh = counted_lifecycles_only(run, "lifecycle_fresh");
  config.concurrent = get<std::uint64_t>(run, "concurrent");
  config.reattach = get<bool>(run, "reattach");
  config.memory_pressure = counted_lifecycles_only(run, "memory_pressure");
  config.ci_width = get<double>(run, "ci_width");
  config.time_limit_s = get<double>(run, "time_limit");
  config.timeout_s = get<double>(run, "timeout");
  config.deadline_scale = get<double>(run, "deadline_scale");
  config.seed = get<std::uint64_t>(run, "seed");
  config.placements = get<std::uint64_t>(run, "placements");
  config.isolation = get<std::string>(run, "isolation") == "none" ? Isolation::none : Isolation::process;
  config.inject = inject_from(run);
  config.strict = get<bool>(run, "strict");
  config.skip_if_unsupported = get<bool>(run, "skip_if_unsupported");
  config.min_busbw_gbs = min_busbw_from(run);
  config.raw_samples = get<bool>(run, "raw_samples");
  config.format = format_from(get<std::string>(run, "format"));
  config.progress = get<std::string>(run, "progress") == "off" ? ProgressSetting::off : ProgressSetting::automatic;
  config.quiet = get<bool>(run, "quiet");
  config.verbose = get<bool>(run, "verbose");
  config.columns = columns_from(run);
  check_loudness(run);
  config.bisect = get<bool>(run, "bisect");
  config.torch_layout = *torch_layout_from(get<std::string>(run, "torch_layout"));
  config.tune = get<bool>(run, "tune");
  config.tuning = tuning_from(run.at("tuning").value);
  config.outputs = outputs_from(run);
  config.output_dir = get_optional<std::string>(run, "output_dir");
  config.journal_path = get_optional<std::string>(run, "journal");
  config.baseline = get_optional<std::string>(run, "baseline");
  config.max_regress = get_optional<double>(run, "max_regress");
  config.threshold = get_optional<std::string>(run, "threshold");
  if (config.baseline && !config.max_regress) {
    run.at("baseline").fail("needs --max-regress PERCENT: which slowdown fails");
  }
  if (config.max_regress && !config.baseline) run.at("max_regress").fail("needs --baseline FILE: slower than what");
  check_places(run, config);
  return config;
}

/// The settings of one scope as a JSON object, in the order of the option table.
Json canonical(const Settings& settings, OptionScope scope) {
  Json object = Json::object();
  for (const auto& spec : option_table()) {
    if (spec.scope != scope) continue;
    if (const auto at = settings.find(spec.key()); at != settings.end()) object[at->first] = at->second.value;
  }
  return object;
}

}  // namespace

ResolveContext context_from_environment(const std::optional<std::string>& config_path) {
  ResolveContext context;
  if (config_path) context.file_name = "config file " + *config_path;
  const char* value = std::getenv("FLASHINFER_TRTLLM_AR_USE_TORCH_SYMM_MEM");
  context.upstream_is_torch = value && std::string_view(value) == "1";
  return context;
}

RunConfig resolve(const Json* config_file, const Json& command_line, const ResolveContext& context) {
  // The command line first: its mistakes are told even when the file has some too.
  const auto typed = command_line_layer(command_line);
  auto base = default_layer();
  Settings file;
  std::vector<Settings> sweeps, all;
  bool place_is_asked = typed.contains("in_place");
  if (config_file) {
    const auto prefix = context.file_name + ": ";
    if (!config_file->is_object()) fail_config(prefix + "must be an object {defaults..., \"sweeps\": [{...}]}");
    place_is_asked = place_is_asked || config_file->contains("in_place");
    file = file_layer({*config_file, context.file_name, context.file_lines, "", false});
    base = merged(std::move(base), file);
    if (const auto list = config_file->find("sweeps"); list != config_file->end()) {
      const auto name = fmt::format("{}sweeps{}", prefix, line_note(context.file_lines, "sweeps"));
      if (!list->is_array() || list->empty() || list->size() > kMostListed) {
        fail_config(fmt::format("{}: must be a list of 1 to {} objects", name, kMostListed));
      }
      for (std::size_t i = 0; i < list->size(); ++i) {
        if (!(*list)[i].is_object()) fail_config(fmt::format("{}sweeps[{}]: must be an object", prefix, i));
        sweeps.push_back(
            file_layer({(*list)[i], context.file_name, context.file_lines, fmt::format("sweeps[{}].", i), true}));
      }
    }
  }
  if (sweeps.empty()) sweeps.emplace_back();

  const auto run = merged(base, typed);
  auto config = run_config_from(run);
  Json echo = canonical(run, OptionScope::run);
  echo["sweeps"] = Json::array();
  for (const auto& sweep : sweeps) {
    auto settings = without_unused(merged(merged(base, sweep), typed));
    if (config.format == OutputFormat::nccl && !place_is_asked && !sweep.contains("in_place")) {
      take_both_places(settings);
    }
    resolve_upstream(settings, context.upstream_is_torch);
    if (config.tune) take_tuned_algorithms(settings, typed);
    all.push_back(without_parameters_of_others(std::move(settings)));
    config.sweeps.push_back(sweep_from(all.back()));
    echo["sweeps"].push_back(canonical(all.back(), OptionScope::sweep));
  }
  refuse_parameters_without_pattern({.file = file, .sweeps = sweeps, .typed = typed, .merged = all});
  config.config_text = echo.dump();
  return config;
}

RunConfig config_from_text(const std::string& config_text) {
  const auto json = parse_json(config_text, "configuration");
  return resolve(&json, Json::object(), {.file_name = "configuration"});
}

RunConfig with_tuning(const RunConfig& config, const std::string& name) {
  auto json = parse_json(config.config_text, "configuration");
  json["tuning"] = name;
  return config_from_text(json.dump());
}

}  // namespace symmbench
