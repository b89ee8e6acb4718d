#pragma once
#include "report/outcome.hpp"

namespace symmbench {

/// transport_comparison[]: an entry per two rows that passed and differ in their transport alone, of one allocator, unicast
/// first. `ratio` is the time by transport_a, unicast, over that by transport_b; the verdict is about transport_a. Transports
/// have workers of their own that run one after the other, so nothing is interleaved: each has its placements for itself
/// (Welch's interval, stats/slowdown.hpp). Judged together are the rows of one workspace, handle, group and pattern; series
/// are those that differ in size only. Where the emulated device shared its cores, which changes from one worker to the
/// next, nothing is decided. `results` has a row for each of the planned ones.
Json fold_transport_comparison(const RunStarted& started, const Outcomes& outcomes, const Json& results);

}  // namespace symmbench
