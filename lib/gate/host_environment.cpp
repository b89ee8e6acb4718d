#include "gate/host_environment.hpp"

#include <fmt/format.h>

#include "gate/told.hpp"
#include "report/pick.hpp"

namespace symmbench {
namespace {

const Json& listed(const Json& object, const char* key) {
  static const Json none = Json::array();
  const Json& list = member_of(object, key);
  return list.is_array() ? list : none;
}

/// Of every used device's entries of a list; `text_of` gives their texts, empty for what is not told.
template <class Text>
std::string of_device_lists(const Json& report, const char* key, const Text& text_of) {
  std::set<std::string> texts;
  for (const Json* device : used_devices(report)) {
    for (const Json& entry : listed(*device, key)) {
      if (auto text = text_of(entry); !text.empty()) texts.insert(std::move(text));
    }
  }
  return joined(texts);
}

std::string bound(const Json& limit, const char* which) {
  const Json& value = member_of(limit, which);
  return value.is_null() ? "unlimited" : told_text(value);
}

}  // namespace

std::string driver_libraries(const Json& report) {
  return of_device_lists(report, "libraries", [](const Json& library) {
    const auto path = text_or(library, "path"), version = text_or(library, "version");
    if (path.empty()) return std::string();
    return fmt::format("{} {}({})", text_or(library, "name"), version.empty() ? "" : version + " ", path);
  });
}

std::string mig_modes(const Json& report) {
  std::set<std::string> modes;
  for (const Json* device : used_devices(report)) {
    const Json enabled = pick_flag(member_of(*device, "mig"), "enabled");
    if (!enabled.is_null()) modes.insert(enabled == true ? "on" : "off");
  }
  return joined(modes);
}

std::string granularities(const Json& report) {
  return of_device_lists(report, "granularities", [](const Json& one) {
    const Json& minimum = member_of(one, "minimum_bytes");
    if (minimum.is_null()) return std::string();
    return fmt::format("{} {} (best {})", text_or(one, "handle"), told_text(minimum),
                       told_text(member_of(one, "recommended_bytes")));
  });
}

std::string memory_of_hosts(const Json& report) {
  std::set<std::string> texts;
  for (const Json& host : listed(report, "hosts")) {
    const Json& bytes = member_of(host, "memory_total_bytes");
    if (bytes.is_number_integer()) texts.insert(fmt::format("{:.0f} GiB", bytes.get<double>() / (1 << 30)));
  }
  return joined(texts);
}

std::string limits_of_ranks(const Json& report, const char* key) {
  std::set<std::string> texts;
  for (const Json& rank : listed(report, "ranks")) {
    // Null means two things: without the rank's limits it did not tell.
    if (!member_of(rank, "limits").is_object()) continue;
    texts.insert(member_of(rank, key).is_null() ? "none" : told_text(member_of(rank, key)));
  }
  return joined(texts);
}

std::string process_limit(const Json& report, const char* key) {
  std::set<std::string> texts;
  for (const Json& rank : listed(report, "ranks")) {
    const Json& limit = member_of(member_of(rank, "limits"), key);
    if (limit.is_object()) texts.insert(fmt::format("{} (hard {})", bound(limit, "soft"), bound(limit, "hard")));
  }
  return joined(texts);
}

std::optional<std::map<std::string, std::string>> loaded_modules(const Json& report) {
  std::map<std::string, std::set<std::string>> versions;
  bool known = false;
  for (const Json& host : listed(report, "hosts")) {
    known = known || member_of(host, "modules").is_array();
    for (const Json& one : listed(host, "modules")) {
      versions[text_or(one, "name")].insert(text_or(one, "version", "loaded"));
    }
  }
  if (!known) return std::nullopt;
  std::map<std::string, std::string> modules;
  for (const auto& [name, all] : versions) modules[name] = joined(all);
  return modules;
}

}  // namespace symmbench
