#pragma once
#include <cstdint>

#include "core/json.hpp"
#include "supervise/attribution.hpp"
#include "supervise/work_queue.hpp"

namespace symmbench {

/// What a group's coordinator has to tell of its requests, as records.

/// A worker follows one that failed.
Json restarted_event(int group, const WorkRequest& request);
/// The run was stopped while `item` ran, in round `round` of its worker where it is repeated.
Json cut_off_event(int group, const WorkRequest& request, std::size_t item, std::uint64_t round);
/// These cases do not run (again).
Json given_up_event(int group, const GivenUp& given_up, const Failure& failure);
/// A failure of its own beside what ended the attempt, and no allocator's: a worker that cannot be killed.
Json stuck_record(int group, const WorkRequest& request, const MemberReport& stuck);

}  // namespace symmbench
