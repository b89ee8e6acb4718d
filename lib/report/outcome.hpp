#pragma once
#include <optional>
#include <string>
#include <vector>

#include "report/record_set.hpp"

namespace symmbench {

/// One try at a case under one allocator.
struct Attempt {
  int attempt = 0;
  bool alone = false;
  std::string status;  ///< "ok", "failed", "skipped", "hung"
  std::optional<Failure> failure;
  std::optional<std::string> reason;  ///< the row's own words
};

/// Only one allocator was in play, so the failure is its own.
bool by_itself(const FailureRecord& failure);

/// What became of one planned row.
struct RowOutcome {
  std::string status;  ///< "ok", "failed", "skipped", "hung", "not_tested"
  std::optional<std::string> reason;
  std::optional<Failure> failure;
  const RowRecord* measured = nullptr;  ///< into the RecordSet: where times and checks come from; may be null
  std::vector<Attempt> attempts;        ///< by attempt; empty for an ordinary single success
};

/// Decides every planned row. A failure is never hidden: it shows in the row it hit, or in stability[].incidents.
///
/// In order, for one row:
///  1. It failed by itself (its own row said so, or it ran alone) -> failed, or hung.
///  2. It failed together with others, any number of them:
///     - one of them failed by itself and this one passed -> ok, with the failed attempt listed
///     - one of them failed by itself and this one never ran again -> not_tested
///     - otherwise -> failed or hung, also when it passed alone ("failed when interleaved, passed alone")
///  3. Its own row says ok or skipped; an ok row with wrong elements is failed.
///  4. The plan skips it -> skipped.
///  5. The workspace of its allocator could not be brought up -> failed or hung with that failure.
///  6. Its group was given up -> skipped. 7. Nothing is known of it -> not_tested.
class Outcomes {
 public:
  /// `records` must outlive this.
  explicit Outcomes(const RecordSet& records);

  RowOutcome of(const Json& planned_row) const;

  /// The allocators of a failure outside any case that remain under suspicion: all of them, unless it hit several and
  /// one of them failed by itself as well.
  std::vector<std::string> suspects(const FailureRecord& failure) const;

 private:
  struct Key {
    std::string case_id, allocator, label;
    int group = 0;
  };

  RowOutcome undecided(const Key& key, const Json& planned_row) const;
  std::optional<RowOutcome> failed_bring_up(const Key& key) const;
  bool failed_by_itself(const std::string& case_id, const std::string& allocator) const;
  bool explained(const FailureRecord& shared_failure, const std::string& allocator) const;
  bool covers(const FailureRecord& failure, const Key& key) const;
  std::string why_not_tested() const;

  const RecordSet& records_;
};

}  // namespace symmbench
