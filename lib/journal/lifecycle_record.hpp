#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/json.hpp"
#include "stats/spread.hpp"

namespace symmbench {

/// Create-to-close rounds that follow each other, from the group's leader: one, or so many of which none failed that a
/// supervisor made one record of them (journal/lifecycle_spans.hpp). Times are maxima over ranks.
struct LifecycleRecord {
  int group = 0;
  std::string workspace, transport, allocator;
  Json handle;
  std::uint64_t iteration = 0;                           ///< of the first
  std::uint64_t count = 1;                               ///< rounds
  int attempt = 0;                                       ///< the worker life that they ran in
  std::vector<std::pair<std::string, Spread>> phase_us;  ///< in order, phases that were entered
  Spread total_us;                                       ///< phases of a round together
  Spread operation_us;                                   ///< one verified operation in the phase `use`, by round
  std::uint64_t refused = 0;     ///< rounds without a workspace, for want of memory, as was meant
  std::uint64_t reattached = 0;  ///< workspaces that got other memory at the same addresses
  std::uint64_t retries = 0;     ///< of bring-ups that met 802, system not ready
  std::optional<Failure> failure;
  /// {fds, mappings, handles, va_bytes, va_ranges, device_bytes, threads, processes, shm}: what the process holds after
  /// minus before, largest over ranks, summed over rounds
  Json leaks;
  std::string started_at, ended_at;  ///< RFC 3339, UTC; "" in journals of older versions
  double passed_s = 0;               ///< of a soak, when the last round ended: since its first worker was started
};

/// What lifecycles have in common that may be joined: group, workspace, transport, allocator and handle.
std::string setting_of(const LifecycleRecord&);
/// Makes one record of `span` and what followed it; `attempt` is then the later one. @pre neither failed
void join(LifecycleRecord& span, const LifecycleRecord& next);
/// Keeps classes of times instead of times (Spread::coarsen()).
void coarsen(LifecycleRecord& span);

Json to_json(const LifecycleRecord&);
/// @throws Error{report, invalid_argument} naming key
LifecycleRecord lifecycle_from(const Json&);

}  // namespace symmbench
