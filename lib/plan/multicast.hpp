#pragma once
#include <string>

#include "core/json.hpp"
#include "kernels/kernel_set.hpp"

namespace symmbench {

/// Whether multicast objects were asked for, whether a case uses them, and why.
struct MulticastDecision {
  bool asked = false, used = false;
  std::string reason;

  std::string asked_name() const { return asked ? "on" : "off"; }
  /// {asked: "off", used: "off", reason}
  Json to_json() const;
};

/// The one place that decides it. This version never uses multicast: setting it up can take GPUs out of service for
/// everybody, so it is off unless asked for, and what is not in this version cannot be asked for. With it off the
/// worker's environment tells NCCL and torch the same (supervise/).
MulticastDecision decide_multicast(const CallShape& shape);

}  // namespace symmbench
