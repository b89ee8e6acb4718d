#pragma once
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "report/case_feed.hpp"

namespace symmbench {

/// --format table: a line per case, all its allocators side by side. Writes to `out`, which must outlive it, and
/// nowhere else.
///
///   size  tokens x hidden  dtype  pattern  algorithm  symm us  torch us  ratio  symm is  wrong  status
///
/// References (NCCL) have a column of their own behind the others, "nccl us". Times are batch means; ratio is the first
/// allocator's time over the second's, and "symm is" their pair verdict (stats/comparison.hpp), as far as it can be
/// known when the case ends; what is ambiguous is followed by what is missing ("4 placements") or the interval. Each further allocator
/// has such columns, too; the ratio is then titled "symm/torch", "symm/ipc".
/// Under a case that did not pass stands one line per allocator with the failure. Cases of which nothing was tested are
/// only counted at the end, with the reasons.
class TableWriter final : public CaseListener {
 public:
  explicit TableWriter(std::ostream& out) : out_(out) {}

  void on_plan(const RunStarted& started) override;
  void on_case(const DecidedCase& decided) override;
  void on_end() override;

 private:
  struct Column {
    std::string title;
    std::size_t width = 0;
    bool left = false;
  };
  /// Two allocators that the plan compares.
  struct Pair {
    std::string first, other;
    bool operator==(const Pair&) const = default;
  };

  static std::vector<Pair> pairs_of(const std::vector<Json>& planned_rows);
  void add_pair_columns();
  std::vector<std::string> cells_of(const DecidedCase& decided) const;
  void write_case(const DecidedCase& decided);
  void write_other_pairs(const Json& comparison);
  /// A line for each row that did not pass.
  void write_reasons(const Json& rows);
  void write_cells(std::string_view lead, const std::vector<std::string>& cells);

  std::ostream& out_;
  std::vector<std::string> allocators_;  ///< references behind the others
  std::vector<Pair> pairs_;
  std::vector<Column> columns_;
  bool with_group_ = false, with_place_ = false, with_variant_ = false;
  std::map<std::string, std::string> variants_;  ///< by case id
  std::string section_;
  std::set<std::string> reported_;  ///< why what was not tested
  std::size_t cases_not_tested_ = 0;
  Json rows_not_tested_ = Json::array();
};

}  // namespace symmbench
