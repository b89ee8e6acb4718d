#pragma once
#include <functional>
#include <string>

#include "core/json.hpp"
#include "plan/support_table.hpp"

namespace symmbench {

/// What of support_table() `concerns` a topic's entry, for --json: [{device, workspace, transport, algorithm, pattern, dtypes,
/// ranks, allocators, supported, reason}]; of a reference workspace, transport and allocators are null.
Json support_json(const std::function<bool(const Support&)>& concerns);

/// The same for people, out of support_json(): lines of what runs where, then one of each reason why not, indented.
std::string support_text(const Json& support);

}  // namespace symmbench
