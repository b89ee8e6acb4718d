#pragma once
#include <utility>

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

}  // namespace symmbench
