#include "bench/phase_clock.hpp"

#include <algorithm>

namespace symmbench {

void PhaseClock::left(Phase phase, double span_us, const std::optional<Failure>&) {
  const auto it =
      std::find_if(spans_us_.begin(), spans_us_.end(), [&](const auto& span) { return span.first == phase; });
  if (it == spans_us_.end()) {
    spans_us_.emplace_back(phase, span_us);
  } else {
    it->second += span_us;
  }
}

}  // namespace symmbench
