#pragma once
#include <string_view>

#include "core/json.hpp"
#include "plan/case.hpp"

namespace symmbench {

/// "measure", "lifecycle", "library".
std::string_view name_of(GroupKind kind);

/// A case group as it travels to the worker that runs it: rank 0 plans, a worker only carries out.
Json to_json(const CaseGroup& group);
/// What to_json() wrote, member by member. @throws Error{worker, invalid_argument} for anything else
CaseGroup case_group_from(const Json& json);

}  // namespace symmbench
