#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "report/record_set.hpp"

namespace symmbench {

/// What the rules of kUpstreamStacks look at, of the ranks of one group; nullopt: not known of all of them, or not the
/// same.
struct UpstreamFacts {
  std::optional<bool> multicast;     ///< the device attribute, on every rank
  std::optional<bool> confidential;  ///< Confidential Computing, on any rank
  std::optional<int> sm_version;     ///< 103 for 10.3
  std::optional<int> hosts;
};
UpstreamFacts upstream_facts(const RecordSet& records, int group);

struct UpstreamCall {
  int ranks = 0;
  std::uint64_t message_bytes = 0;  ///< of one rank
  std::string pattern;
};

/// What each stack would have taken for the call: [{stack, version, change, date, workspace, allocator, algorithm, reason}].
/// null: it takes none, or it is not known which; `reason` says why.
Json upstream_choice(const UpstreamFacts& facts, const UpstreamCall& call);

}  // namespace symmbench
