#pragma once
#include "core/dtype.hpp"
#include "core/error.hpp"
#include "core/json_library.hpp"

namespace symmbench {

/// Keys keep the order in which they were written, so reports read top-down.
using Json = nlohmann::ordered_json;

/// {"layer","reason","call","detail","phase","rank","peer","code","allocator","host","gpu","pid","doing"}; absent values
/// are null.
Json to_json(const Failure& failure);
/// @throws Error{report, invalid_argument} naming the key
Failure failure_from_json(const Json& json);

/// Parse text; @throws Error{config, invalid_argument} "<what>: line L, column C: <problem>".
Json parse_json(std::string_view text, std::string_view what);
/// The file's bytes; @throws Error{config, io_error} "<what>: cannot be read: <why>".
std::string read_text_file(const std::string& path, std::string_view what);
/// Read and parse a file; also @throws Error{config, io_error} when it cannot be read.
Json read_json_file(const std::string& path);

/// value ? Json(*value) : null
template <class T>
Json json_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace symmbench
