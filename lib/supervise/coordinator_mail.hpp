#pragma once
#include "supervise/messages.hpp"

namespace symmbench {

/// Hands what the supervisor of `rank` said to the coordinator of its group: contributions to rounds, and the news of its
/// worker. False when the message is not about a worker.
/// @throws Error{supervisor, ...} or Json::exception for one that cannot be read
/// `clock`: of that supervisor.
bool deliver(GroupCoordinator& group, int rank, const Opened& message, Clock::time_point now, const ClockBounds& clock);

}  // namespace symmbench
