#include "core/json.hpp"

#include <fmt/format.h>

#include "core/document.hpp"

namespace symmbench {
namespace {

template <class E, class From>
E required_enum(const Json& json, const char* key, From from) {
  if (const auto it = json.find(key); it != json.end() && it->is_string()) {
    if (const auto value = from(it->template get<std::string>())) return *value;
  }
  throw Error({.layer = Layer::report,
               .reason = Reason::invalid_argument,
               .detail = fmt::format("failure record: missing or unknown '{}'", key)});
}

std::optional<int> optional_int(const Json& json, const char* key) {
  const auto it = json.find(key);
  if (it == json.end() || !it->is_number_integer()) return std::nullopt;
  return it->get<int>();
}

}  // namespace

Json to_json(const Failure& failure) {
  const auto text_or_null = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
  return Json{{"layer", name_of(failure.layer)},
              {"reason", name_of(failure.reason)},
              {"call", text_or_null(failure.call)},
              {"detail", failure.detail},
              {"phase", failure.phase ? Json(name_of(*failure.phase)) : Json(nullptr)},
              {"rank", json_or_null(failure.rank)},
              {"peer", json_or_null(failure.peer)},
              {"code", json_or_null(failure.code)},
              {"allocator", text_or_null(failure.allocator)},
              {"host", text_or_null(failure.host)},
              {"gpu", text_or_null(failure.gpu)},
              {"pid", json_or_null(failure.pid)},
              {"doing", text_or_null(failure.doing)}};
}

Failure failure_from_json(const Json& json) {
  Failure failure;
  failure.layer = required_enum<Layer>(json, "layer", layer_from);
  failure.reason = required_enum<Reason>(json, "reason", reason_from);
  for (const auto& [key, text] :
       {std::pair("call", &failure.call), std::pair("allocator", &failure.allocator), std::pair("host", &failure.host),
        std::pair("gpu", &failure.gpu), std::pair("doing", &failure.doing)}) {
    if (const auto it = json.find(key); it != json.end() && it->is_string()) *text = it->get<std::string>();
  }
  failure.detail = json.value("detail", std::string{});
  if (const auto it = json.find("phase"); it != json.end() && it->is_string()) {
    failure.phase = phase_from(it->get<std::string>());
  }
  failure.rank = optional_int(json, "rank");
  failure.peer = optional_int(json, "peer");
  failure.code = optional_int(json, "code");
  failure.pid = optional_int(json, "pid");
  return failure;
}

Json parse_json(std::string_view text, std::string_view what) { return parse_without_lines(text, what); }

std::string read_text_file(const std::string& path, std::string_view what) {
  return read_bytes(path, what, kLongestFile);
}

Json read_json_file(const std::string& path) { return parse_json(read_text_file(path, path), path); }

}  // namespace symmbench
