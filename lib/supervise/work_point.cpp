#include "supervise/work_point.hpp"

#include <fmt/format.h>

namespace symmbench {

std::string to_text(const WorkPoint& point) {
  const auto item = point.item < 0 ? std::string("none") : std::to_string(point.item);
  return fmt::format("{}.{}.{}", point.work, item, point.step);
}

PointHeartbeat::PointHeartbeat(Heartbeat& page, const WorkRequest& request)
    : page_(page), work_(std::string_view(request.label).substr(0, request.label.find('/'))) {}

void PointHeartbeat::phase(Phase phase) {
  page_.phase(phase);
  arrive(name_of(phase));
}

void PointHeartbeat::item(int index) {
  page_.item(index);
  item_ = index;
}

void PointHeartbeat::iteration(std::uint64_t value) {
  page_.iteration(value);
  arrive(WorkPoint::kLaunched);
}

void PointHeartbeat::allow(double seconds) {
  allowance_s_ = seconds;
  page_.allow(seconds);
}

}  // namespace symmbench
