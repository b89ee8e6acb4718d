#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/run_config.hpp"
#include "core/dtype.hpp"
#include "kernels/call_shape.hpp"

namespace symmbench {

/// Types of one kind of call that all can run on a kind of device, or cannot for one reason.
struct Support {
  DeviceChoice device;
  WorkspaceKind workspace;  ///< of a reference, which has none of ours: unused
  TransportKind transport;
  Algorithm algorithm;
  Pattern pattern;
  std::vector<DType> dtypes;
  std::optional<std::string> reason;  ///< as impossible() has it; nullopt: they can
};

/// Every combination of the catalogue that this version knows, on both kinds of device, for messages that fit any workspace;
/// of patterns that take not every number of ranks, on one that they take. In the catalogue's order.
const std::vector<Support>& support_table();

inline constexpr std::string_view kAnyNumber = "any";

/// "2, 4, 8 or 16", or kAnyNumber: on how many ranks such a call runs, by its pattern and its workspace.
std::string ranks_text(const Support& row);

}  // namespace symmbench
