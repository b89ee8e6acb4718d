#pragma once
// nlohmann/json.hpp without the bodies of its literals, which nothing here uses. They are inline functions that parse, so that
// each source that includes the library makes a parser for another JSON type than ours: most of a second of compiling. A
// version that spells them `""_json` is included as it is.
#define _json(...)        \
  _json(__VA_ARGS__);     \
  template <class Unused> \
  nlohmann::json json_of_literal(__VA_ARGS__)
#include <nlohmann/json.hpp>
#undef _json
