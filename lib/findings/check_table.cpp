#include "findings/check_table.hpp"

#include <vector>

#include "findings/fact_checks.hpp"
#include "findings/failure_checks.hpp"
#include "findings/machine_checks.hpp"

namespace symmbench {

std::span<const CheckRow> check_table() {
  static const std::vector<CheckRow> all = [] {
    std::vector<CheckRow> rows;
    for (const auto& part : {fact_checks(), failure_checks(), machine_checks()}) {
      rows.insert(rows.end(), part.begin(), part.end());
    }
    return rows;
  }();
  return all;
}

}  // namespace symmbench
