#include "comm/rank_host.hpp"

#include <fmt/format.h>

#include <atomic>

#include "comm/host_name.hpp"

namespace symmbench {
namespace {

std::atomic<int> virtual_host = -1;  // none

}  // namespace

RankHost host_of_this_rank() {
  RankHost host{.identity = this_host(), .name = host_name()};
  const int index = virtual_host.load();
  if (index < 0) return host;
  host.name = fmt::format("virtual-host-{}", index);
  host.identity.boot_id += "/" + host.name;
  return host;
}

void live_on_virtual_host(int index) { virtual_host.store(index); }

}  // namespace symmbench
