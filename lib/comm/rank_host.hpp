#pragma once
#include <string>

#include "comm/host_identity.hpp"

namespace symmbench {

/// The host that a rank counts as living on.
struct RankHost {
  HostIdentity identity;
  std::string name;
};

/// Of this process: this_host() under its name, or the virtual one of live_on_virtual_host().
RankHost host_of_this_rank();

/// From now on this process counts as one on virtual host number `index` of this machine: descriptors travel to others of
/// the same number only. A process has one rank.
void live_on_virtual_host(int index);

}  // namespace symmbench
