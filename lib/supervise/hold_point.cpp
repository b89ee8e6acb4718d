#include "supervise/hold_point.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/unique_fd.hpp"

namespace symmbench {
namespace {

constexpr double kUnlimited_s = 1e8;

/// Until whoever has the other end of the FIFO closes it.
void wait_for_release(const std::string& fifo) {
  int fd = -1;
  do {
    fd = open(fifo.c_str(), O_RDONLY | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  const UniqueFd end(fd);
  char ignored = 0;
  ssize_t got = 0;
  do {
    got = end ? read(end.get(), &ignored, 1) : 0;
  } while (got > 0 || (got < 0 && errno == EINTR));
}

}  // namespace

HeldHeartbeat::HeldHeartbeat(Heartbeat& page, const WorkRequest& request, std::filesystem::path folder, int world_rank)
    : PointHeartbeat(page, request), folder_(std::move(folder)), world_rank_(world_rank) {}

void HeldHeartbeat::reached(const WorkPoint& point) {
  const std::string fifo = folder_ / fmt::format("{}.rank{}", to_text(point), world_rank_);
  if (access(fifo.c_str(), R_OK) != 0) return;
  page().allow(kUnlimited_s);
  wait_for_release(fifo);
  page().allow(allowance_s());
}

}  // namespace symmbench
