#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "report/comparisons.hpp"
#include "report/record_set.hpp"

namespace symmbench {

/// A case of which every allocator has its result, or is known to get none.
struct DecidedCase {
  std::string case_id;
  Json rows;        ///< its entries of results[], in the order of the plan; not empty
  Json comparison;  ///< its entries of comparison[]; while the run goes on each by itself, as far as that can be known
};

/// Follows a run case by case.
class CaseListener {
 public:
  virtual ~CaseListener() = default;
  /// Once, before the first case.
  virtual void on_plan(const RunStarted& started) = 0;
  /// Each planned case once: as soon as it is decided, or else, in the order of the plan, when the run has ended.
  virtual void on_case(const DecidedCase& decided) = 0;
  /// Where the report does not hold up a verdict that on_case() had: `entry` is of its comparison[], `before` the verdict
  /// of the case by itself. After the last case.
  virtual void on_withdrawn(const Json& /*entry*/, const std::string& /*before*/) {}
  /// After all of that.
  virtual void on_end() = 0;
};

/// Tells its listeners of each case once it is decided: from the run's records on rank 0, in the order in which they
/// come.
class CaseFeed final : public RecordSink {
 public:
  /// The listeners must outlive it; none of them may throw.
  explicit CaseFeed(std::vector<CaseListener*> listeners) : listeners_(std::move(listeners)) {}

  /// Starts with run_started; what comes before is only kept. Never throws for a record that it does not know.
  void append(const Json& record) override;

  /// Once, when the run has ended: all cases that no listener has heard of, as its report has them.
  void finish(const Json& report);

 private:
  struct CaseState {
    std::vector<Json> planned;      ///< one per allocator
    std::set<std::string> waiting;  ///< allocators without an outcome
    bool reported = false;
  };

  void start();
  void on_row(const RowRecord& row);
  void on_failure(const FailureRecord& failure);
  void on_event(const EventRecord& event);
  /// `allocator` has its outcome; the case may be decided by that.
  void settle(const std::string& case_id, const std::string& allocator);
  void report_case(CaseState& state, const DecidedCase& decided);
  void tell_withdrawn(const Json& comparison);

  std::vector<CaseListener*> listeners_;
  RecordSet records_;  ///< as they came
  std::vector<std::string> case_order_;
  FamilySizes family_sizes_;
  std::map<std::string, CaseState> cases_;
  std::map<std::string, std::string> told_;  ///< verdicts by case and allocators, of those that decide something
};

}  // namespace symmbench
