#include "supervise/hold_point.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <utility>

#include "core/unique_fd.hpp"

namespace symmbench {
namespace {

constexpr double kHeld_s = 10;  ///< what a held worker is allowed, again and again
constexpr int kRenewEvery_ms = 200;

/// Until whoever opened the other end of the FIFO closes it. A worker that is stopped meanwhile is found hung: it allows
/// itself nothing any more.
void wait_for_release(const std::string& fifo, Heartbeat& page) {
  page.allow(kHeld_s);
  const UniqueFd end(open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  pollfd released{.fd = end.get(), .events = POLLIN, .revents = 0};
  // A FIFO does not hang up before the first to open its other end has closed it.
  while (end && (released.revents & (POLLHUP | POLLERR)) == 0) {
    poll(&released, 1, kRenewEvery_ms);
    page.allow(kHeld_s);
  }
}

}  // namespace

HeldHeartbeat::HeldHeartbeat(Heartbeat& page, const WorkRequest& request, std::filesystem::path folder, int world_rank)
    : PointHeartbeat(page, request), folder_(std::move(folder)), world_rank_(world_rank) {}

void HeldHeartbeat::reached(const WorkPoint& point) {
  const std::string fifo = folder_ / fmt::format("{}.rank{}", to_text(point), world_rank_);
  if (access(fifo.c_str(), R_OK) != 0) return;
  wait_for_release(fifo, page());
  page().allow(allowance_s());
}

}  // namespace symmbench
