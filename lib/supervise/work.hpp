#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// One case under the allocators that it is to be run with, interleaved.
struct WorkItem {
  std::string case_id;
  std::vector<std::string> allocators;
};

/// What a supervisor hands to its worker, and the coordinator to every supervisor of a group. One worker process serves
/// one request. `task` and `settings` are opaque to lib/supervise.
struct WorkRequest {
  std::string task;    ///< "preflight" or "group"
  std::string label;   ///< CaseGroup::id, for messages
  Json settings;       ///< what the task needs besides: configuration, device chosen
  std::vector<WorkItem> items;  ///< may be empty: preflight and lifecycle groups
  int attempt = 0;
};

Json to_json(const WorkRequest& request);
WorkRequest work_request_from(const Json& json);

}  // namespace symmbench
