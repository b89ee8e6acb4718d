#include "config/worker_config.hpp"

namespace symmbench {

Json to_json(const Emulation& emulation) {
  return {{"fabric", emulation.fabric}, {"hosts", emulation.hosts}, {"world_size", emulation.world_size}};
}

Emulation emulation_from(const Json& json) {
  return {.fabric = json.at("fabric"),
          .hosts = json.at("hosts").get<int>(),
          .world_size = json.at("world_size").get<int>()};
}

Json to_json(const WorkerConfig& config) {
  // Names every member: one that is added must be added here too before this compiles again.
  const auto& [check, ci_width, case_time_s, timeout_s, deadline_scale, setup_s, seed, placements, torch_layout, inject,
               emulation] = config;
  return {{"check", check == CheckMode::on},
          {"ci_width", ci_width},
          {"case_time_s", case_time_s},
          {"timeout_s", timeout_s},
          {"deadline_scale", deadline_scale},
          {"setup_s", setup_s},
          {"seed", seed},
          {"placements", placements},
          {"torch_layout", name_of(torch_layout)},
          {"inject", inject},
          {"emulation", emulation ? to_json(*emulation) : Json(nullptr)}};
}

WorkerConfig worker_config_from(const Json& json) try {
  const Json& emulation = json.at("emulation");
  return {.check = json.at("check").get<bool>() ? CheckMode::on : CheckMode::off,
          .ci_width = json.at("ci_width").get<double>(),
          .case_time_s = json.at("case_time_s").get<double>(),
          .timeout_s = json.at("timeout_s").get<double>(),
          .deadline_scale = json.at("deadline_scale").get<double>(),
          .setup_s = json.at("setup_s").get<double>(),
          .seed = json.at("seed").get<std::uint64_t>(),
          .placements = json.at("placements").get<std::uint64_t>(),
          .torch_layout = torch_layout_from(json.at("torch_layout").get<std::string>()).value(),
          .inject = json.at("inject").get<std::vector<std::string>>(),
          .emulation = emulation.is_null() ? std::nullopt : std::optional(emulation_from(emulation))};
} catch (const Json::exception& error) {
  throw Error{{.layer = Layer::worker,
               .reason = Reason::invalid_argument,
               .detail = std::string("not a worker's configuration: ") + error.what()}};
}

}  // namespace symmbench
