#pragma once
#include <iterator>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "core/text.hpp"
#include "report/table.hpp"

namespace symmbench {

/// A table that hears of a run through the feed.
class TableOf {
 public:
  explicit TableOf(std::ostream& out, TableLook look = {}) : writer_(out, std::move(look)), feed_({&writer_}) {}
  void append(const Json& record) { feed_.append(record); }
  void finish(const Json& report) { feed_.finish(report); }

 private:
  TableWriter writer_;
  CaseFeed feed_;
};

/// The lines written so far.
inline std::vector<std::string> table_lines(const std::ostringstream& out) {
  auto all = split_list(out.str(), '\n');
  if (!all.empty() && all.back().empty()) all.pop_back();
  return all;
}

/// Those of cases.
inline std::vector<std::string> table_rows(const std::ostringstream& out) {
  std::vector<std::string> found;
  for (const auto& line : table_lines(out)) {
    if (!line.starts_with("#")) found.push_back(line);
  }
  return found;
}

inline std::vector<std::string> table_fields(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), {}};
}

}  // namespace symmbench
