#pragma once
#include <string>
#include <vector>

#include "job/device_decision.hpp"
#include "selftest/sighting.hpp"

namespace symmbench {

inline constexpr std::string_view kSelftestVersion = "1.0.0";  ///< of configs/schema/selftest.schema.json

/// One fault that was provoked, and what was seen of it.
struct TestedFault {
  Scenario scenario;
  ScenarioOutcome outcome;
  Sighting sighting;
};

/// What surrounds the faults of a self test.
struct SelftestHead {
  Json tool;            ///< {version, git, build}
  std::string command;  ///< as it was typed
  std::string started_at, ended_at;
  int world_size = 0;
  DeviceDecision device;  ///< on which faults are provoked
  double widened_by = 1;  ///< deadlines, for the machine's load
  double took_s = 0;
  std::optional<std::string> cut_short = std::nullopt;  ///< why not every fault was provoked
};

/// The whole as a file, of the shape of configs/schema/selftest.schema.json.
Json selftest_json(const SelftestHead& head, const SelftestPlan& plan, const std::vector<TestedFault>& tested,
                   const std::vector<FaultApart>& apart, std::size_t planned);

/// "seen    packet_lost:rank=2   torch_symm_mem   1.3 s  hung, kernel: rank 0 waited ..."
std::string line_of(const TestedFault& tested);
/// Faults by allocators, then the verdict. Exit code 0: every fault was seen; 1: one was missed; 3: cut short.
std::string matrix_text(const Json& document);

}  // namespace symmbench
