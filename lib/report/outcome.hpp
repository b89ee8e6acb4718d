#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/record_set.hpp"

namespace symmbench {

/// One try at a case under one allocator.
struct Attempt {
  int attempt = 0;
  bool alone = false;
  std::string status;  ///< "ok", "failed", "skipped", "hung", "interrupted"
  std::optional<Failure> failure;
  std::optional<std::string> reason;  ///< the row's own words
};

/// Whose failure it was: the allocator that it names, or the only one in play; nullptr: nobody's in particular.
const std::string* culprit_of(const FailureRecord& failure);

/// Why a row of a run that came to its end is not_tested: what nobody recorded may have failed, so it is no pass.
inline constexpr std::string_view kNoRecord = "the run ended without a record of this case";

/// What became of one planned row.
struct RowOutcome {
  std::string status;  ///< "ok", "failed", "skipped", "hung", "interrupted", "not_tested"
  std::optional<std::string> reason;
  std::optional<Failure> failure;
  const RowRecord* measured = nullptr;  ///< into the RecordSet: where times and checks come from; may be null
  std::vector<Attempt> attempts;        ///< by attempt; empty for an ordinary single success
};

/// Decides every planned row. A failure is never hidden: it shows in the row of the allocator that it names, or else as
/// an incident, whatever passes afterwards.
///
/// In order, for one row:
///  1. It failed (its own row said so, or a failure names its allocator) -> failed, or hung: the first such attempt.
///  2. An attempt ended beside it, by another allocator's failure or by one that names nobody:
///     - it passed when it was run again -> ok, with the interrupted attempt listed
///     - otherwise -> interrupted
///  3. Its own row says ok or skipped; an ok row with wrong elements is failed.
///  4. The plan skips it -> skipped, or not_tested where a veto keeps it from running.
///  5. The workspace of its allocator could not be brought up -> failed, hung or interrupted, as in 1 and 2.
///  6. Its group was given up -> skipped. 7. Nothing is known of it -> not_tested.
class Outcomes {
 public:
  /// `records` must outlive this.
  explicit Outcomes(const RecordSet& records);

  RowOutcome of(const Json& planned_row) const;

  /// Whose failure it was: its culprit; where it has none, those of the allocators in play that also failed by
  /// themselves. Empty: nobody can be blamed, so that it is an incident of the run.
  std::vector<std::string> suspects(const FailureRecord& failure) const;

 private:
  struct Key {
    std::string case_id, allocator, label;
    int group = 0;
  };

  RowOutcome undecided(const Key& key, const Json& planned_row) const;
  std::optional<RowOutcome> failed_bring_up(const Key& key) const;
  bool failed_by_itself(const FailureRecord& shared_failure, const std::string& allocator) const;
  bool covers(const FailureRecord& failure, const Key& key) const;
  std::string why_not_tested() const;

  const RecordSet& records_;
};

}  // namespace symmbench
