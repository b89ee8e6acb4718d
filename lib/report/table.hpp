#pragma once
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "journal/records.hpp"

namespace symmbench {

/// --format table: a line per case as soon as all its allocators are decided, both side by side. Fed with the run's
/// records on rank 0, in the order in which they come; writes to `out`, which must outlive it, and nowhere else.
///
///   size  tokens x hidden  dtype  pattern  algorithm  symm us  torch us  ratio  symm is  wrong  status
///
/// Where NCCL was asked for too, its rows have a column of their own behind the others, "nccl us". Times are batch
/// means; ratio is the first allocator's time over the second's, and "symm is" its verdict (stats/comparison.hpp).
/// Under a case that did not pass stands one line per allocator with the failure.
class TableWriter final : public RecordSink {
 public:
  explicit TableWriter(std::ostream& out) : out_(out) {}

  /// Starts with run_started; other records before it are only kept. Never throws for a record that it does not know.
  void append(const Json& record) override;

  /// The cases that no line was written for yet, in the order of the plan; those of which nothing was tested are only
  /// counted, with the reasons.
  void finish(const Json& report);

  std::size_t cases_written() const { return written_.size(); }
  std::size_t cases_planned() const { return cases_.size(); }

 private:
  /// What is needed to decide one case.
  struct CaseState {
    std::vector<Json> planned;      ///< one per allocator
    std::set<std::string> waiting;  ///< allocators without an outcome
  };
  struct Column {
    std::string title;
    std::size_t width = 0;
    bool left = false;
  };

  void start(const RunStarted& started);
  void settle(const std::string& case_id, const std::string& allocator);
  void heard_row(const RowRecord& row);
  void heard_failure(const FailureRecord& failure);
  void heard_skip(const EventRecord& event);
  void write_decided(const std::string& case_id);
  void write_case(const std::vector<const Json*>& rows, const Json& comparison);
  /// A line for each row that did not pass.
  void write_reasons(const std::vector<const Json*>& rows);
  void write_cells(std::string_view lead, const std::vector<std::string>& cells);

  std::ostream& out_;
  Json device_;
  std::vector<std::string> case_order_;
  std::map<std::string, CaseState> cases_;
  std::set<std::string> written_;
  std::vector<RowRecord> rows_;
  std::vector<FailureRecord> failures_;
  std::vector<EventRecord> events_;

  std::vector<std::string> allocators_;
  std::vector<Column> columns_;
  bool with_group_ = false, with_place_ = false, with_variant_ = false, with_ratio_ = false;
  std::string section_;
  std::set<std::string> told_;  ///< why what was not tested
};

}  // namespace symmbench
