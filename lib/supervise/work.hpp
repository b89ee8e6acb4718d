#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/deadlines.hpp"
#include "core/json.hpp"

namespace symmbench {

/// One case, or one lifecycle, under the allocators that it is to be run with, interleaved.
struct WorkItem {
  std::string case_id;
  std::vector<std::string> allocators;
};

/// What a supervisor hands to its worker, and the coordinator to every supervisor of a group. One worker process serves
/// one request. `task` and `settings` are opaque to lib/supervise.
struct WorkRequest {
  std::string task;             ///< "preflight" or "group"
  std::string label;            ///< CaseGroup::id, for messages
  Json settings;                ///< what the task needs besides: configuration, device chosen
  std::vector<WorkItem> items;  ///< cases, or rounds of a lifecycle; none for the preflight
  /// Of the waits in it; nullopt: the supervisors' own (SupervisorOptions).
  std::optional<Deadlines> deadlines = std::nullopt;
  /// Set by the coordinator: which worker life of the group this is, counted over the whole run; never used twice.
  int attempt = 0;
  /// Set by the coordinator: the items are (re-)run under one allocator because they failed, or could not start, with
  /// several.
  bool alone = false;
};

/// Every allocator that the items name, in order of first mention.
std::vector<std::string> allocators_of(const WorkRequest& request);

/// The longest that any of them brings, `least` at least.
double longest(const std::vector<WorkRequest>& requests, double Deadlines::*bound, double least);

Json to_json(const WorkRequest& request);
WorkRequest work_request_from(const Json& json);

}  // namespace symmbench
