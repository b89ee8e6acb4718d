#include "comm/strangers.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <mutex>
#include <utility>
#include <vector>

namespace symmbench {
namespace {

std::mutex g_mutex;
Strangers g_seen;

}  // namespace

std::string describe(const Strangers& seen) {
  std::vector<std::string> kinds;
  if (seen.foreign > 0) kinds.push_back(fmt::format("{} of other users, refused", seen.foreign));
  if (seen.silent > 0) kinds.push_back(fmt::format("{} silent", seen.silent));
  if (seen.ticketless > 0) kinds.push_back(fmt::format("{} without this job's ticket", seen.ticketless));
  return fmt::format("connections of strangers to this job's sockets: {}; the last of uid {}, pid {}",
                     fmt::join(kinds, ", "), seen.last_uid, seen.last_pid);
}

void note_strangers(const Strangers& seen) {
  if (!seen.any()) return;
  const std::lock_guard lock(g_mutex);
  g_seen.foreign += seen.foreign;
  g_seen.silent += seen.silent;
  g_seen.ticketless += seen.ticketless;
  g_seen.last_uid = seen.last_uid;
  g_seen.last_pid = seen.last_pid;
}

Strangers take_strangers() {
  const std::lock_guard lock(g_mutex);
  return std::exchange(g_seen, {});
}

}  // namespace symmbench
