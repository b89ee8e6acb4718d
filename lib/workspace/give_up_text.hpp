#pragma once
#include <chrono>
#include <optional>
#include <span>

#include "core/error.hpp"
#include "kernels/protocol/view.hpp"

namespace symmbench {

/// A GiveUpRecord in words: who waited how long for what of whom, with world ranks (index of `world_ranks` = group
/// rank). nullopt when its tag says that nothing happened.
std::optional<Failure> explain_give_up(const GiveUpRecord& record, std::span<const int> world_ranks,
                                       std::chrono::nanoseconds wait_limit);

}  // namespace symmbench
