#include "supervise/work_queue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace symmbench {
namespace {

constexpr int kEqualFailures = 3;
/// What fails in turn with what works ends here, too: each of them is a record.
constexpr int kMostFailedRounds = 100;

/// A bound for everything that equal failures do not bound: failures that differ each time.
int most_attempts(const WorkRequest& request) {
  if (request.rounds) return kMostFailedRounds;
  const auto lives_of_a_bad_case = std::max<std::size_t>(allocators_of(request).size(), 2) + 1;  // together, then alone
  return static_cast<int>(lives_of_a_bad_case * request.items.size()) + 8;
}

std::vector<WorkItem> under(const std::string& allocator, const std::vector<WorkItem>& items) {
  std::vector<WorkItem> result;
  for (const WorkItem& item : items) {
    if (std::count(item.allocators.begin(), item.allocators.end(), allocator)) {
      result.push_back({.case_id = item.case_id, .allocators = {allocator}});
    }
  }
  return result;
}

}  // namespace

WorkQueue::WorkQueue(WorkRequest request) : request_(std::move(request)) {
  batches_.push_back({.items = request_.items, .alone = false});
}

WorkRequest WorkQueue::current() const {
  WorkRequest request = request_;
  request.items = batches_.front().items;
  request.alone = batches_.front().alone;
  return request;
}

void WorkQueue::succeeded(const AttemptProgress& progress) {
  if (request_.rounds) {
    count_rounds(progress, false);
    if (!request_.rounds->over() && progress.rounds > 0) return;
  } else {
    ++attempts_;
  }
  batches_.pop_front();
}

void WorkQueue::count_rounds(const AttemptProgress& progress, bool failed) {
  if (!request_.rounds) return;
  if (progress.rounds > 0) failures_.clear();
  request_.rounds->done += progress.rounds + (failed ? 1 : 0);
  request_.rounds->passed_s += progress.passed_s;
}

std::optional<std::size_t> WorkQueue::failed_item(const AttemptProgress& progress) {
  if (progress.begun < 0 || progress.begun >= static_cast<int>(progress.done.size())) return std::nullopt;
  const auto item = static_cast<std::size_t>(progress.begun);
  return progress.done[item] ? std::nullopt : std::optional(item);
}

/// The allocators that have now failed for the third time in the same way; "" stands for a request without any.
std::set<std::string> WorkQueue::count(const Failure& failure, const std::vector<std::string>& allocators) {
  std::set<std::string> out;
  for (const std::string& allocator : allocators.empty() ? std::vector<std::string>{""} : allocators) {
    const Signature signature{allocator,
                              failure.layer,
                              failure.reason,
                              failure.call,
                              failure.phase ? static_cast<int>(*failure.phase) : -1,
                              failure.rank.value_or(-1)};
    if (++failures_[signature] >= kEqualFailures) out.insert(allocator);
  }
  return out;
}

/// Puts what the failed batch leaves to do at the front of the queue.
void WorkQueue::plan_rest(const Batch& failed, const AttemptProgress& progress) {
  const auto item = failed_item(progress);
  std::vector<WorkItem> rest;
  for (std::size_t i = 0; i < failed.items.size(); ++i) {
    if (!progress.done[i] && i != item) rest.push_back(failed.items[i]);
  }
  std::vector<Batch> next;
  const auto alone_each = [&](const std::vector<WorkItem>& items) {
    for (const std::string& allocator : allocators_of({.items = items})) {
      next.push_back({.items = under(allocator, items), .alone = true});
    }
  };

  if (failed.items.empty()) {
    next.push_back(failed);
  } else if (request_.rounds) {
    if (!request_.rounds->over()) next.push_back(failed);
  } else if (item) {
    if (failed.items[*item].allocators.size() > 1) alone_each({failed.items[*item]});
    next.push_back({.items = rest, .alone = failed.alone});
  } else if (progress.begun < 0 && allocators_of({.items = rest}).size() > 1) {
    alone_each(rest);
  } else {
    next.push_back({.items = rest, .alone = failed.alone});
  }
  std::erase_if(next, [&](const Batch& batch) { return batch.items.empty() && !failed.items.empty(); });
  batches_.insert(batches_.begin(), std::make_move_iterator(next.begin()), std::make_move_iterator(next.end()));
}

/// Takes `allocator` out of everything that is queued; what is left by itself then runs alone.
GivenUp WorkQueue::drop_allocator(const std::string& allocator) {
  GivenUp result{.label = request_.label, .allocators = {allocator}, .case_ids = {}, .bring_up = false, .reason = {}};
  for (Batch& batch : batches_) {
    for (WorkItem& item : batch.items) {
      if (std::erase(item.allocators, allocator) == 0) continue;
      result.case_ids.push_back(item.case_id);
    }
    std::erase_if(batch.items, [](const WorkItem& item) { return item.allocators.empty(); });
    batch.alone |=
        !result.case_ids.empty() && std::all_of(batch.items.begin(), batch.items.end(),
                                                [](const auto& item) { return item.allocators.size() == 1; });
  }
  std::erase_if(batches_, [](const Batch& batch) { return batch.items.empty(); });
  return result;
}

std::vector<GivenUp> WorkQueue::failed(const Failure& failure, const AttemptProgress& progress) {
  ++attempts_;
  const Batch batch = std::move(batches_.front());
  batches_.pop_front();
  const auto item = failed_item(progress);
  auto in_play = item ? batch.items[*item].allocators : allocators_of({.items = batch.items});
  if (std::count(in_play.begin(), in_play.end(), failure.allocator)) in_play = {failure.allocator};
  count_rounds(progress, item.has_value());
  plan_rest(batch, progress);

  std::vector<GivenUp> given_up;
  for (const std::string& allocator : count(failure, in_play)) {
    if (request_.items.empty()) return abandon(fmt::format("third equal failure: {}", describe(failure)));
    GivenUp dropped = drop_allocator(allocator);
    // The failed case has its failure for a result; what is dropped of it is only the second try.
    if (item && !request_.rounds) std::erase(dropped.case_ids, batch.items[*item].case_id);
    if (dropped.case_ids.empty()) continue;
    dropped.bring_up = progress.begun < 0;
    dropped.reason = fmt::format("third equal failure: {}", describe(failure));
    given_up.push_back(std::move(dropped));
  }
  if (!batches_.empty() && attempts_ >= most_attempts(request_)) {
    auto rest = abandon(fmt::format("{} workers failed; last: {}", attempts_, describe(failure)));
    given_up.insert(given_up.end(), std::make_move_iterator(rest.begin()), std::make_move_iterator(rest.end()));
  }
  return given_up;
}

std::vector<GivenUp> WorkQueue::abandon(const std::string& reason) {
  std::vector<GivenUp> given_up;
  if (batches_.empty()) return given_up;
  std::vector<std::string> allocators;
  for (const Batch& batch : batches_) {
    for (const std::string& name : allocators_of({.items = batch.items})) {
      if (!std::count(allocators.begin(), allocators.end(), name)) allocators.push_back(name);
    }
  }
  for (const std::string& allocator : allocators) {
    given_up.push_back(drop_allocator(allocator));
    given_up.back().reason = reason;
  }
  if (request_.items.empty()) {
    given_up.push_back({.label = request_.label, .allocators = {}, .case_ids = {}, .bring_up = true, .reason = reason});
    batches_.clear();
  }
  return given_up;
}

}  // namespace symmbench
