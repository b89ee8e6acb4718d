#pragma once
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/error.hpp"
#include "supervise/work.hpp"

namespace symmbench {

/// Where an attempt stood when it failed.
struct AttemptProgress {
  std::vector<bool> done;  ///< by item: its rows are recorded
  int begun = -1;  ///< where the rank to blame stood; -1: before its first item, the worker was being brought up
  std::uint64_t rounds = 0;  ///< of a request with rounds: those that this worker did
  double passed_s = 0;       ///< and how long it was at it
};

/// Cases that will not run (again) under these allocators.
struct GivenUp {
  std::string label;                    ///< of the request
  std::vector<std::string> allocators;  ///< empty: of a request without items
  std::vector<std::string> case_ids;    ///< those without a result
  bool bring_up = false;                ///< the worker never got as far as an item
  std::string reason;
};

/// What is left of one request for one group: a queue of worker lives. Decides what follows a failure:
///  - several allocators that fail in a case: that case once per allocator alone, then the other cases together again;
///  - a case that fails alone: on to the next one;
///  - several that fail before their first case: all cases once per allocator, so that the good ones get their results;
///  - anything else: once more from where it stood;
///  - the third equal failure under an allocator, of rounds without one that went well between them: nothing more under
///    this allocator.
/// Of a request with rounds the one that failed counts as done, and the next worker goes on behind it.
/// Failures are equal when layer, reason, call, phase and rank are. One counts for the allocator that it names; when it
/// names none, for each that was in play.
class WorkQueue {
 public:
  explicit WorkQueue(WorkRequest request);

  /// The request is through.
  bool empty() const { return batches_.empty(); }
  /// The worker life that is due, without its attempt number. Precondition: not empty().
  WorkRequest current() const;
  /// It ended well: on to the next; or to the rounds that it left, if it did some.
  void succeeded(const AttemptProgress& progress = {});
  /// It failed at `progress`; the answer says what is given up.
  std::vector<GivenUp> failed(const Failure& failure, const AttemptProgress& progress);
  /// Gives up everything that is left.
  std::vector<GivenUp> abandon(const std::string& reason);

  /// The case that failed: the one that had begun, unless its rows are recorded.
  static std::optional<std::size_t> failed_item(const AttemptProgress& progress);

 private:
  struct Batch {
    std::vector<WorkItem> items;
    bool alone = false;
  };
  using Signature = std::tuple<std::string, Layer, Reason, std::string, int, int>;  // allocator, ..., phase, rank

  void count_rounds(const AttemptProgress& progress, bool failed);
  std::set<std::string> count(const Failure& failure, const std::vector<std::string>& allocators);
  void plan_rest(const Batch& failed, const AttemptProgress& progress);
  GivenUp drop_allocator(const std::string& allocator);

  WorkRequest request_;
  std::deque<Batch> batches_;
  std::map<Signature, int> failures_;
  int attempts_ = 0;
};

}  // namespace symmbench
