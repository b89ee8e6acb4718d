#include "plan/case_codec.hpp"

#include <algorithm>

#include "config/parameter_json.hpp"

// Each writer names every member of its type: where one is added, this compiles again once it travels too.

namespace symmbench {
namespace {

struct KindRow {
  GroupKind kind;
  std::string_view name;
};
constexpr KindRow kKinds[] = {
    {GroupKind::measure, "measure"}, {GroupKind::lifecycle, "lifecycle"}, {GroupKind::library, "library"}};

[[noreturn]] void fail(const std::string& problem) {
  throw Error{
      {.layer = Layer::worker, .reason = Reason::invalid_argument, .detail = "not a group of cases: " + problem}};
}

/// The value of a name, by a catalogue's own look-up.
template <class Find>
auto named(const Json& json, const char* key, Find find) {
  const auto name = json.at(key).get<std::string>();
  const auto value = find(name);
  if (!value) fail(std::string(key) + " '" + name + "'");
  return *value;
}

template <class T>
std::optional<T> optional_at(const Json& json, const char* key) {
  const Json& value = json.at(key);
  return value.is_null() ? std::nullopt : std::optional<T>(value.get<T>());
}

Json parameters_json(const PatternParameters& parameters) {
  Json json = Json::object();
  PatternParameters::visit(
      [&](std::string_view name, std::string_view, auto member) { json[name] = parameter_json(parameters.*member); });
  return json;
}

PatternParameters parameters_from(const Json& json) {
  PatternParameters parameters;
  PatternParameters::visit(
      [&](std::string_view name, std::string_view, auto member) { read_parameter(json.at(name), parameters.*member); });
  return parameters;
}

Json shape_json(const CallShape& shape) {
  const auto& [workspace, transport, algorithm, pattern, dtype, world_size, tokens, hidden, in_place, blocks, threads,
               pdl, accumulation, trigger, parameters] = shape;
  return {{"workspace", name_of(workspace)},
          {"transport", name_of(transport)},
          {"algorithm", name_of(algorithm)},
          {"pattern", name_of(pattern)},
          {"dtype", name_of(dtype)},
          {"world_size", world_size},
          {"tokens", tokens},
          {"hidden", hidden},
          {"in_place", in_place},
          {"blocks", blocks},
          {"threads", threads},
          {"pdl", pdl},
          {"accumulate", name_of(accumulation)},
          {"trigger", name_of(trigger)},
          {"parameters", parameters_json(parameters)}};
}

CallShape shape_from(const Json& json) {
  return {.workspace = named(json, "workspace", workspace_kind_from),
          .transport = named(json, "transport", transport_from),
          .algorithm = named(json, "algorithm", algorithm_from),
          .pattern = named(json, "pattern", pattern_from),
          .dtype = named(json, "dtype", dtype_from),
          .world_size = json.at("world_size").get<int>(),
          .tokens = json.at("tokens").get<std::uint64_t>(),
          .hidden = json.at("hidden").get<std::uint64_t>(),
          .in_place = json.at("in_place").get<bool>(),
          .blocks = json.at("blocks").get<std::uint32_t>(),
          .threads = json.at("threads").get<std::uint32_t>(),
          .pdl = json.at("pdl").get<bool>(),
          .accumulation = named(json, "accumulate", accumulation_from),
          .trigger = named(json, "trigger", trigger_point_from),
          .parameters = parameters_from(json.at("parameters"))};
}

Json multicast_json(const MulticastDecision& multicast) {
  const auto& [asked, used, reason] = multicast;
  return {{"asked", name_of(asked)}, {"used", used}, {"reason", reason}};
}

MulticastDecision multicast_from(const Json& json) {
  return {.asked = named(json, "asked", multicast_mode_from),
          .used = json.at("used").get<bool>(),
          .reason = json.at("reason").get<std::string>()};
}

Json case_json(const Case& one) {
  const auto& [handle_asked, group, group_size, algorithm_asked, multicast, shape, auto_choice, asked_bytes, iters,
               warmup_iters, cudagraph, buffers, skip, vetoed] = one;
  return {{"handle_asked", handle_asked},
          {"group", group},
          {"group_size", group_size},
          {"algorithm_asked", algorithm_asked},
          {"multicast", multicast_json(multicast)},
          {"shape", shape_json(shape)},
          {"auto_algorithm", name_of(auto_choice.algorithm)},
          {"auto_source", auto_choice.source},
          {"asked_bytes", asked_bytes},
          {"iters", json_or_null(iters)},
          {"warmup_iters", warmup_iters},
          {"cudagraph", cudagraph},
          {"buffers", buffers},
          {"skip", json_or_null(skip)},
          {"vetoed", vetoed}};
}

Case case_from(const Json& json) {
  return {.handle_asked = json.at("handle_asked").get<std::string>(),
          .group = json.at("group").get<int>(),
          .group_size = json.at("group_size").get<int>(),
          .algorithm_asked = json.at("algorithm_asked").get<std::string>(),
          .multicast = multicast_from(json.at("multicast")),
          .shape = shape_from(json.at("shape")),
          .auto_choice = {.algorithm = named(json, "auto_algorithm", algorithm_from),
                          .source = json.at("auto_source").get<std::string>()},
          .asked_bytes = json.at("asked_bytes").get<std::uint64_t>(),
          .iters = optional_at<std::uint64_t>(json, "iters"),
          .warmup_iters = json.at("warmup_iters").get<std::uint64_t>(),
          .cudagraph = json.at("cudagraph").get<std::uint64_t>(),
          .buffers = json.at("buffers").get<std::uint32_t>(),
          .skip = optional_at<std::string>(json, "skip"),
          .vetoed = json.at("vetoed").get<bool>()};
}

Json capacity_json(const MessageCapacity& capacity) {
  Json shapes = Json::array();
  for (const auto& shape : capacity.shapes()) shapes.push_back(shape_json(shape));
  return shapes;
}

MessageCapacity capacity_from(const Json& json) {
  MessageCapacity capacity;
  for (const Json& shape : json) capacity.add(shape_from(shape));
  return capacity;
}

std::optional<GroupKind> kind_from(std::string_view name) {
  const auto* row =
      std::find_if(std::begin(kKinds), std::end(kKinds), [&](const auto& one) { return one.name == name; });
  return row == std::end(kKinds) ? std::nullopt : std::optional(row->kind);
}

}  // namespace

std::string_view name_of(GroupKind kind) {
  return std::find_if(std::begin(kKinds), std::end(kKinds), [&](const auto& one) { return one.kind == kind; })->name;
}

Json to_json(const CaseGroup& group) {
  const auto& [kind, id, workspace, transport, handle_asked, allocators, capacity, cases, lifecycles, soak_s, fresh,
               concurrent, reattach, pressure] = group;
  Json case_list = Json::array();
  for (const auto& one : cases) case_list.push_back(case_json(one));
  return {{"kind", name_of(kind)},
          {"id", id},
          {"workspace", name_of(workspace)},
          {"transport", name_of(transport)},
          {"handle_asked", handle_asked},
          {"allocators", allocators},
          {"capacity", capacity_json(capacity)},
          {"cases", std::move(case_list)},
          {"lifecycles", lifecycles},
          {"soak_s", soak_s},
          {"fresh", fresh},
          {"concurrent", concurrent},
          {"reattach", reattach},
          {"pressure", pressure}};
}

CaseGroup case_group_from(const Json& json) try {
  CaseGroup group{.kind = named(json, "kind", kind_from),
                  .id = json.at("id").get<std::string>(),
                  .workspace = named(json, "workspace", workspace_kind_from),
                  .transport = named(json, "transport", transport_from),
                  .handle_asked = json.at("handle_asked").get<std::string>(),
                  .allocators = json.at("allocators").get<std::vector<std::string>>(),
                  .capacity = capacity_from(json.at("capacity")),
                  .cases = {},
                  .lifecycles = json.at("lifecycles").get<std::uint64_t>(),
                  .soak_s = json.at("soak_s").get<double>(),
                  .fresh = json.at("fresh").get<bool>(),
                  .concurrent = json.at("concurrent").get<std::uint64_t>(),
                  .reattach = json.at("reattach").get<bool>(),
                  .pressure = json.at("pressure").get<bool>()};
  for (const Json& one : json.at("cases")) group.cases.push_back(case_from(one));
  return group;
} catch (const Json::exception& error) {
  fail(error.what());
}

}  // namespace symmbench
