#include "job/case_group_task.hpp"

#include "plan/case_codec.hpp"

namespace symmbench {

Json to_json(const CaseGroupTask& task) {
  return {{"config", to_json(task.config)}, {"device", task.device}, {"group", to_json(task.group)}};
}

Json to_json(const BisectTask& task) { return {{"tried", to_json(task.tried)}, {"time_s", task.time_s}}; }

BisectTask bisect_task_from(const Json& settings) try {
  return {.tried = case_group_task_from(settings.at("tried")), .time_s = settings.at("time_s").get<double>()};
} catch (const Json::exception& error) {
  throw Error{{.layer = Layer::worker,
               .reason = Reason::invalid_argument,
               .detail = std::string("not the settings of a bisection: ") + error.what()}};
}

Json to_json(const ProbeTask& task) {
  return {{"config", to_json(task.config)}, {"device", task.device}, {"trace", task.trace}};
}

ProbeTask probe_task_from(const Json& settings) try {
  return {.config = worker_config_from(settings.at("config")),
          .device = settings.at("device").get<std::string>(),
          .trace = settings.at("trace").get<bool>()};
} catch (const Json::exception& error) {
  throw Error{{.layer = Layer::worker,
               .reason = Reason::invalid_argument,
               .detail = std::string("not the settings of a probe: ") + error.what()}};
}

CaseGroupTask case_group_task_from(const Json& settings) try {
  return {.config = worker_config_from(settings.at("config")),
          .device = settings.at("device").get<std::string>(),
          .group = case_group_from(settings.at("group"))};
} catch (const Json::exception& error) {
  throw Error{{.layer = Layer::worker,
               .reason = Reason::invalid_argument,
               .detail = std::string("not the settings of a case group: ") + error.what()}};
}

}  // namespace symmbench
