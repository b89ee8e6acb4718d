#pragma once
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "report/case_feed.hpp"
#include "report/table_columns.hpp"

namespace symmbench {

/// --format table: a line per case, all its allocators side by side. Writes to `out`, which must outlive it, and
/// nowhere else.
///
///   size  shape  dtype  pattern  algorithm  symm us  torch us  ratio  symm is  status
///
/// Size is the message of one rank, shape its tokens x hidden. References (NCCL) have a column of their own behind the
/// others, "nccl us". Times are batch means; ratio is the first allocator's time over the second's, and "symm is" their
/// pair verdict (stats/comparison.hpp), as far as it can be known when the case ends. Each further allocator has such
/// columns, too; the ratio is then titled "symm/torch", "symm/ipc". Status "ok" is of results that were checked and
/// right, "timed" of results that nobody checked.
///
/// Where a line would be wider than the look allows, columns stand above the rows that have them in common, the pairs
/// under each row. Under a case that did not pass stands one line per allocator with the failure. Cases of which nothing
/// was tested are only counted at the end, with the reasons.
class TableWriter final : public CaseListener {
 public:
  explicit TableWriter(std::ostream& out, TableLook look = {}) : out_(out), look_(std::move(look)) {}

  void on_plan(const RunStarted& started) override;
  void on_case(const DecidedCase& decided) override;
  void on_withdrawn(const Json& entry, const std::string& before) override;
  void on_end() override;

 private:
  /// Two allocators that the plan compares.
  struct Pair {
    std::string first, other;
    bool operator==(const Pair&) const = default;
  };

  static std::vector<Pair> pairs_of(const std::vector<Json>& planned_rows);
  void make_columns(const std::vector<Json>& planned_rows);
  void add_allocator_columns();
  void add_pair_columns();
  std::vector<std::string> cells_of(const DecidedCase& decided) const;
  void write_case(const DecidedCase& decided);
  void write_pairs(const Json& comparison);
  /// A line for each row that did not pass.
  void write_reasons(const Json& rows);

  std::ostream& out_;
  TableLook look_;
  std::vector<std::string> allocators_;  ///< references behind the others
  std::vector<Pair> pairs_;
  std::vector<TableColumn> columns_;
  bool with_group_ = false, with_place_ = false, with_variant_ = false;
  std::map<std::string, std::string> variants_;  ///< by case id
  std::string section_;
  std::set<std::string> reported_;  ///< why what was not tested
  std::size_t cases_not_tested_ = 0;
  Json rows_not_tested_ = Json::array();
};

}  // namespace symmbench
