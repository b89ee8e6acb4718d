#pragma once
#include <set>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

// What a report tells, as texts to be held against those of another one. Whatever a report lacks is kUnknown.

inline constexpr const char* kUnknown = "unknown";

/// A value as a person reads it, cut where it is long.
std::string told_text(const Json& value);
/// All of them, in their order.
std::string joined(const std::set<std::string>& values);
/// What the ranks say of `key`, each value once.
std::string of_ranks(const Json& report, const char* key);
/// The same of a key of a member of theirs, "topology" say.
std::string of_members(const Json& report, const char* member, const char* key);
/// The same of hosts[].
std::string of_hosts(const Json& report, const char* key);
/// The devices that were used, by rank; they live in `report`.
std::vector<const Json*> used_devices(const Json& report);

}  // namespace symmbench
