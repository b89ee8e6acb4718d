#include "supervise/messages.hpp"

#include <cstring>
#include <utility>

namespace symmbench {
namespace {

[[noreturn]] void corrupted(const std::string& what) {
  throw Error{{.layer = Layer::supervisor, .reason = Reason::corrupted, .detail = what}};
}

/// Runs `read`, which may throw nlohmann's exceptions, and turns them into ours.
template <class F>
auto checked(const char* what, F&& read) -> decltype(read()) {
  try {
    return read();
  } catch (const Json::exception& error) {
    throw Error{{.layer = Layer::supervisor,
                 .reason = Reason::invalid_argument,
                 .detail = std::string("not a ") + what + ": " + error.what()}};
  }
}

Json to_json(const std::vector<ChannelFault>& faults) {
  Json list = Json::array();
  for (const ChannelFault& fault : faults) {
    list.push_back(
        {{"call", kChannelCalls.name(fault.call)}, {"nth", fault.nth}, {"times", fault.times}, {"code", fault.code}});
  }
  return list;
}

std::vector<ChannelFault> channel_faults_from(const Json& list) {
  std::vector<ChannelFault> faults;
  for (const Json& each : list) {
    const auto call = kChannelCalls.value(each.at("call").get<std::string>());
    if (!call) corrupted("unknown channel call " + each.at("call").get<std::string>());
    faults.push_back({.call = *call,
                      .nth = each.at("nth").get<std::uint64_t>(),
                      .times = each.at("times").get<std::uint64_t>(),
                      .code = each.at("code").get<int>()});
  }
  return faults;
}

}  // namespace

Json to_json(const WorkerAssignment& assignment) {
  const RoundScope& scope = assignment.scope;
  return {{"request", to_json(assignment.request)}, {"group", scope.group},
          {"first_rank", scope.first_rank},         {"size", scope.size},
          {"world_rank", assignment.world_rank},    {"round_s", assignment.round_s},
          {"job_nonce", assignment.job_nonce},      {"channel_faults", to_json(assignment.channel_faults)}};
}

WorkerAssignment worker_assignment_from(const Json& json) {
  return checked("worker assignment", [&] {
    WorkerAssignment assignment{.request = work_request_from(json.at("request")),
                                .scope = {},
                                .world_rank = json.at("world_rank").get<int>(),
                                .round_s = json.at("round_s").get<double>(),
                                .job_nonce = json.at("job_nonce").get<std::string>(),
                                .channel_faults = channel_faults_from(json.at("channel_faults"))};
    assignment.scope = {.group = json.at("group").get<std::uint32_t>(),
                        .attempt = static_cast<std::uint32_t>(assignment.request.attempt),
                        .lineage = 0,
                        .first_rank = json.at("first_rank").get<std::uint32_t>(),
                        .size = json.at("size").get<std::uint32_t>()};
    return assignment;
  });
}

Json to_json(const WorkerEnd& end) { return {{"kind", name_of(end.kind)}, {"code", end.code}}; }

WorkerEnd worker_end_from(const Json& json) {
  return checked("worker end", [&] {
    const auto kind = worker_end_kind_from(json.at("kind").get<std::string>());
    if (!kind) corrupted("unknown worker end " + json.at("kind").get<std::string>());
    return WorkerEnd{*kind, json.at("code").get<int>()};
  });
}

Json to_json(const StoppedReport& report) {
  return {{"end", to_json(report.end)},
          {"page", to_json(report.page)},
          {"process", report.process},
          {"seen", to_json(report.seen)},
          {"paused_s", report.paused_s}};
}

StoppedReport stopped_report_from(const Json& json) {
  return checked("stopped report", [&] {
    return StoppedReport{.end = worker_end_from(json.at("end")),
                         .page = page_snapshot_from(json.at("page")),
                         .process = json.value("process", std::string{}),
                         .seen = observation_from(json.at("seen")),
                         .paused_s = json.at("paused_s").get<double>()};
  });
}

Json failures_to_json(const std::vector<Failure>& failures) {
  Json list = Json::array();
  for (const Failure& failure : failures) list.push_back(to_json(failure));
  return list;
}

std::vector<Failure> failures_from_json(const Json& json) {
  std::vector<Failure> failures;
  for (const Json& failure : json) failures.push_back(failure_from_json(failure));
  return failures;
}

Blob body_of(const Json& json) {
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

Json json_of(std::span<const std::byte> body) {
  const auto* text = reinterpret_cast<const char*>(body.data());
  Json json = Json::parse(text, text + body.size(), nullptr, false);
  if (json.is_discarded())
    corrupted("a message is not JSON: " + std::string(text, std::min<std::size_t>(body.size(), 80)));
  return json;
}

Blob envelope(std::uint32_t kind, std::span<const std::byte> body) {
  Blob message(sizeof kind + body.size());
  std::memcpy(message.data(), &kind, sizeof kind);
  if (!body.empty()) std::memcpy(message.data() + sizeof kind, body.data(), body.size());
  return message;
}

Opened open_envelope(std::span<const std::byte> bytes) {
  Opened opened;
  if (bytes.size() < sizeof opened.kind) corrupted("a message is shorter than its kind");
  std::memcpy(&opened.kind, bytes.data(), sizeof opened.kind);
  opened.body = bytes.subspan(sizeof opened.kind);
  return opened;
}

}  // namespace symmbench
