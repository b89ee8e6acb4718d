#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// Readers of a report for checks: what is missing, or of another type, is null or empty.
const Json& in(const Json& json, std::string_view key);
std::string text_in(const Json& json, std::string_view key);
/// The elements of a list; none when it is no list.
std::vector<const Json*> list_in(const Json& json, std::string_view key);

/// A rank that reported, and the device that it used (null: none).
struct ReportedRank {
  int rank = 0;
  int group = 0;
  const Json* facts;
  const Json* device;
};
std::vector<ReportedRank> ranks_of(const Json& report);
std::string entity_of(const ReportedRank& rank);  ///< "rank 3"

/// A failure that the report records, and where.
struct RecordedFailure {
  const Json* failure;
  std::string where;      ///< case, "lifecycle", "handle trial of fabric", "probe: descriptors"
  std::string allocator;  ///< "": nobody's
  std::string status;     ///< "failed", "hung", ...; of a handle trial: ""
  bool replaced = false;  ///< of a trial: another handle type passed for that allocator and group
};
/// Of rows and their attempts, lifecycles, incidents, handle trials, and of a probe's descriptors and pairs; that descriptors
/// do not travel between machines is none.
std::vector<RecordedFailure> failures_of(const Json& report);

/// Whether the allocator of a handle trial can use another type in the same group.
bool another_type_passed(const Json& report, const Json& trial);

/// Values by rank, as evidence: {"0": .., "1": ..}.
Json by_rank(const std::vector<ReportedRank>& ranks, const std::vector<Json>& values);

}  // namespace symmbench
