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

/// How often a request's one item is done, over and over, and what of that is past.
struct Rounds {
  std::uint64_t wanted = 1;  ///< at least so many
  double wanted_s = 0;       ///< and until so much time has passed
  std::uint64_t done = 0;    ///< by earlier workers, failed ones included
  double passed_s = 0;       ///< since the first of them was started

  bool over() const { return done >= wanted && passed_s >= wanted_s; }
  /// With `more` rounds and `more_s` seconds of the worker that is at it.
  bool over_after(std::uint64_t more, double more_s) const {
    return Rounds{wanted, wanted_s, done + more, passed_s + more_s}.over();
  }
};

/// What a supervisor hands to its worker, and the coordinator to every supervisor of a group. One worker process serves
/// one request. `task` and `settings` are opaque to lib/supervise.
struct WorkRequest {
  std::string task;             ///< "preflight" or "group"
  std::string label;            ///< CaseGroup::id, for messages
  Json settings;                ///< what the task needs besides: configuration, device chosen
  std::vector<WorkItem> items;  ///< cases, or one lifecycle; none for the preflight
  /// The one item is done over and over. What a worker leaves of its rounds is for another one, as long as it did any.
  std::optional<Rounds> rounds = std::nullopt;
  /// Of the waits in it; nullopt: the supervisors' own (SupervisorOptions).
  std::optional<Deadlines> deadlines = std::nullopt;
  /// Set by the coordinator: which worker life of the group this is, counted over the whole run; never used twice.
  int attempt = 0;
  /// Set by the coordinator: the items are (re-)run under one allocator because they failed, or could not start, with
  /// several.
  bool alone = false;
};

/// As failures and events name an item: that of a repeated one with its round, "lifecycle/.../torch_symm_mem#7".
/// `round`: of the worker that runs.
std::string name_of_item(const WorkRequest& request, std::size_t item, std::uint64_t round);

/// Every allocator that the items name, in order of first mention.
std::vector<std::string> allocators_of(const WorkRequest& request);

/// What creating a device context may take in it.
double context_s(const WorkRequest& request);

/// The longest that any of them brings, `least` at least.
double longest(const std::vector<WorkRequest>& requests, double Deadlines::*bound, double least);

/// Bounds between supervisors that outlast the run which made them longer: the machine is as busy after it.
struct LastingBounds {
  double silent_s = deadline::kSilent_s;             ///< for a process not to run before it counts as stopped
  double between_runs_s = deadline::kBetweenRuns_s;  ///< without a word from rank 0 while it runs nothing
  double finish_s = deadline::kFinish_s;             ///< for all ranks' farewells

  static LastingBounds of(const Deadlines& deadlines) {
    return {deadlines.silent_s, deadlines.between_runs_s, deadlines.finish_s};
  }
  /// As long as any of these needs.
  void widen(const std::vector<WorkRequest>& requests);
};

Json to_json(const WorkRequest& request);
WorkRequest work_request_from(const Json& json);

}  // namespace symmbench
