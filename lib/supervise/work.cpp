#include "supervise/work.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "core/error.hpp"

namespace symmbench {

std::vector<std::string> allocators_of(const WorkRequest& request) {
  std::vector<std::string> names;
  for (const WorkItem& item : request.items) {
    for (const std::string& name : item.allocators) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

std::string name_of_item(const WorkRequest& request, std::size_t item, std::uint64_t round) {
  const std::string& id = request.items[item].case_id;
  return request.rounds ? fmt::format("{}#{}", id, request.rounds->done + round) : id;
}

double context_s(const WorkRequest& request) {
  return request.deadlines ? request.deadlines->context_s : deadline::kContext_s;
}

double longest(const std::vector<WorkRequest>& requests, double Deadlines::*bound, double least) {
  for (const WorkRequest& request : requests) {
    if (request.deadlines) least = std::max(least, (*request.deadlines).*bound);
  }
  return least;
}

void LastingBounds::widen(const std::vector<WorkRequest>& requests) {
  silent_s = longest(requests, &Deadlines::silent_s, silent_s);
  between_runs_s = longest(requests, &Deadlines::between_runs_s, between_runs_s);
  finish_s = longest(requests, &Deadlines::finish_s, finish_s);
}

namespace {

/// In the order in which they travel.
constexpr double Deadlines::*kDeadlines[] = {
    &Deadlines::kernel_wait_s, &Deadlines::stream_s, &Deadlines::round_s,        &Deadlines::watchdog_s,
    &Deadlines::settle_s,      &Deadlines::die_s,    &Deadlines::stop_s,         &Deadlines::leader_s,
    &Deadlines::silent_s,      &Deadlines::finish_s, &Deadlines::between_runs_s, &Deadlines::context_s,
    &Deadlines::tell_s};

Json deadlines_json(const std::optional<Deadlines>& deadlines) {
  if (!deadlines) return nullptr;
  Json seconds = Json::array();
  for (const auto member : kDeadlines) seconds.push_back((*deadlines).*member);
  return seconds;
}

Json rounds_json(const std::optional<Rounds>& rounds) {
  if (!rounds) return nullptr;
  return {{"wanted", rounds->wanted},
          {"wanted_s", rounds->wanted_s},
          {"done", rounds->done},
          {"passed_s", rounds->passed_s}};
}

std::optional<Rounds> rounds_from(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return Rounds{.wanted = json.at("wanted").get<std::uint64_t>(),
                .wanted_s = json.at("wanted_s").get<double>(),
                .done = json.at("done").get<std::uint64_t>(),
                .passed_s = json.at("passed_s").get<double>()};
}

std::optional<Deadlines> deadlines_from(const Json& json) {
  if (json.is_null()) return std::nullopt;
  const auto seconds = json.get<std::array<double, std::size(kDeadlines)>>();
  Deadlines deadlines{};
  for (std::size_t i = 0; i < seconds.size(); ++i) deadlines.*kDeadlines[i] = seconds[i];
  return deadlines;
}

}  // namespace

Json to_json(const WorkRequest& request) {
  Json items = Json::array();
  for (const WorkItem& item : request.items) {
    items.push_back({{"case_id", item.case_id}, {"allocators", item.allocators}});
  }
  return {{"task", request.task},         {"label", request.label},
          {"attempt", request.attempt},   {"alone", request.alone},
          {"items", std::move(items)},    {"rounds", rounds_json(request.rounds)},
          {"settings", request.settings}, {"deadlines", deadlines_json(request.deadlines)}};
}

WorkRequest work_request_from(const Json& json) try {
  WorkRequest request{.task = json.at("task").get<std::string>(),
                      .label = json.at("label").get<std::string>(),
                      .settings = json.at("settings"),
                      .items = {},
                      .rounds = rounds_from(json.at("rounds")),
                      .deadlines = deadlines_from(json.at("deadlines")),
                      .attempt = json.at("attempt").get<int>(),
                      .alone = json.at("alone").get<bool>()};
  for (const Json& item : json.at("items")) {
    request.items.push_back({.case_id = item.at("case_id").get<std::string>(),
                             .allocators = item.at("allocators").get<std::vector<std::string>>()});
  }
  return request;
} catch (const Json::exception& error) {
  throw Error{{.layer = Layer::supervisor,
               .reason = Reason::invalid_argument,
               .detail = std::string("not a work request: ") + error.what()}};
}

}  // namespace symmbench
