#pragma once
#include <optional>
#include <string>
#include <vector>

#include "catalog/multicast.hpp"
#include "config/run_config.hpp"
#include "core/json.hpp"
#include "kernels/call_shape.hpp"

namespace symmbench {

/// What stands in the way of multicast in a job, as far as it is known before any case runs.
struct MulticastOffer {
  std::optional<std::string> veto;     ///< whose environment forbids it, by which variable
  std::optional<std::string> missing;  ///< whose device does not have it
};

/// Whether multicast was asked for, whether a case uses it, and why.
struct MulticastDecision {
  MulticastMode asked = MulticastMode::off;
  bool used = false;
  std::string reason;

  /// {asked: "off", used: "off", reason}
  Json to_json() const;
};

/// Of another library, which is kept from it.
MulticastDecision multicast_of_reference();

/// Cases of one transport.
struct PlannedTransport {
  TransportKind transport = TransportKind::unicast;
  MulticastDecision multicast;
  std::optional<std::string> skip = {};  ///< why none of its cases runs
  bool vetoed = false;                   ///< a veto does: they count as not tested
};

/// What `mode` comes to over a workspace. Setting multicast up can take GPUs out of service for everybody, so a veto comes
/// before all else: `on` then runs nothing, `auto` unicast, and both tell that multicast was not tested. Where the
/// workspace, the kind of device or a rank's device does not have it, `on` is skipped and `auto` is unicast.
std::vector<PlannedTransport> planned_transports(MulticastMode mode, WorkspaceKind workspace, DeviceChoice device,
                                                 const MulticastOffer& offer);

}  // namespace symmbench
