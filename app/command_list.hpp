#pragma once
#include <string_view>
#include <vector>

#include "app/cli.hpp"
#include "core/json.hpp"

namespace symmbench {

/// What there is to list: "workspaces", "allocators", ...
std::vector<std::string_view> list_topics();
/// What `symmbench list <what>` shows: {what, entries[{name, about, available, ...}]}; allocators and workspaces add `differences`.
/// @throws Error{config, invalid_argument} for an unknown `what`, naming what there is
Json list_json(const std::string& what);
/// The same for people.
std::string list_text(const Json& list);

/// Prints to stdout; 0. Usage errors go to stderr; 2.
int command_list(const ParsedCommand& parsed);

}  // namespace symmbench
