#pragma once
#include <string>

#include "core/json.hpp"

namespace symmbench {

/// The report of `symmbench probe`, for people: facts of the ranks, handle rules and trials, peer access, findings, verdict.
std::string probe_text(const Json& report);

}  // namespace symmbench
