#include "gate/told.hpp"

#include "core/shown_text.hpp"
#include "report/pick.hpp"

namespace symmbench {
namespace {

template <class Value>
std::string of_each(const Json& list, const Value& value_of) {
  std::set<std::string> values;
  for (const Json& entry : list.is_array() ? list : Json::array()) {
    const Json& value = value_of(entry);
    if (!value.is_null()) values.insert(told_text(value));
  }
  return joined(values);
}

}  // namespace

std::string told_text(const Json& value) {
  if (value.is_null()) return kUnknown;
  return in_short(value.is_string() ? value.get<std::string>()
                                    : value.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string joined(const std::set<std::string>& values) {
  std::string text;
  for (const auto& value : values) text += (text.empty() ? "" : ", ") + value;
  return text.empty() ? kUnknown : text;
}

std::string of_ranks(const Json& report, const char* key) {
  return of_each(member_of(report, "ranks"), [&](const Json& rank) -> const Json& { return member_of(rank, key); });
}

std::string of_members(const Json& report, const char* member, const char* key) {
  return of_each(member_of(report, "ranks"),
                 [&](const Json& rank) -> const Json& { return member_of(member_of(rank, member), key); });
}

std::string of_hosts(const Json& report, const char* key) {
  return of_each(member_of(report, "hosts"), [&](const Json& host) -> const Json& { return member_of(host, key); });
}

std::vector<const Json*> used_devices(const Json& report) {
  const auto kind = text_or(member_of(report, "device"), "kind");
  std::vector<const Json*> used;
  const Json& ranks = member_of(report, "ranks");
  if (!ranks.is_array()) return used;
  for (const Json& rank : ranks) {
    const Json& devices = member_of(rank, "devices");
    if (!devices.is_array()) continue;
    for (const Json& device : devices) {
      if (text_or(device, "kind") == kind) used.push_back(&device);
    }
  }
  return used;
}

}  // namespace symmbench
