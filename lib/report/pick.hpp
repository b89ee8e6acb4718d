#pragma once
#include <string>
#include <string_view>

#include "core/json.hpp"

namespace symmbench {

/// Values out of JSON that this module did not make (facts, plans, driver statistics): null when the key is missing or
/// holds another type, so that whatever a rank reported, the report stays true to its schema.
inline const Json& member_of(const Json& json, std::string_view key) {
  static const Json null = nullptr;
  const auto it = json.is_object() ? json.find(key) : json.end();
  return json.is_object() && it != json.end() ? *it : null;
}
inline Json member(const Json& json, std::string_view key) { return member_of(json, key); }
inline Json pick_text(const Json& json, std::string_view key) {
  Json value = member(json, key);
  return value.is_string() ? value : Json(nullptr);
}
inline Json pick_integer(const Json& json, std::string_view key) {
  Json value = member(json, key);
  return value.is_number_integer() ? value : Json(nullptr);
}
inline Json pick_number(const Json& json, std::string_view key) {
  Json value = member(json, key);
  return value.is_number() ? value : Json(nullptr);
}
inline Json pick_flag(const Json& json, std::string_view key) {
  Json value = member(json, key);
  return value.is_boolean() ? value : Json(nullptr);
}
inline Json pick_object(const Json& json, std::string_view key) {
  Json value = member(json, key);
  return value.is_object() ? value : Json(nullptr);
}
/// The texts of a list.
inline Json texts_or_null(const Json& json, std::string_view key) {
  const Json& list = member_of(json, key);
  if (!list.is_array()) return nullptr;
  Json texts = Json::array();
  for (const Json& entry : list) {
    if (entry.is_string()) texts.push_back(entry);
  }
  return texts;
}

/// The text of a key, or `otherwise`.
inline std::string text_or(const Json& json, std::string_view key, std::string_view otherwise = "") {
  const Json value = pick_text(json, key);
  return value.is_null() ? std::string(otherwise) : value.get<std::string>();
}
inline int integer_or(const Json& json, std::string_view key, int otherwise) {
  const Json value = pick_integer(json, key);
  return value.is_null() ? otherwise : value.get<int>();
}

/// {asked, used, reason}: how a handle type or multicast was chosen.
inline Json pick_choice(const Json& json) {
  return {
      {"asked", pick_text(json, "asked")}, {"used", pick_text(json, "used")}, {"reason", pick_text(json, "reason")}};
}

}  // namespace symmbench
