#pragma once
#include <optional>
#include <string>

namespace symmbench {

/// A launcher of another MPI starts N processes, and each of them is the only rank that its MPI library sees: N jobs of one
/// rank that would fight for the same files. `world_size` is MPI's; `value_of` gives a variable of the environment, nullptr
/// when it is unset, as std::getenv. Returns what is wrong and what to do, nullopt when launcher and MPI agree or the
/// launcher leaves no number behind.
std::optional<std::string> launcher_mismatch(int world_size, const char* (*value_of)(const char* name));

}  // namespace symmbench
