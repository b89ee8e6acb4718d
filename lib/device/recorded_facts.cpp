#include "device/recorded_facts.hpp"

#include <fmt/format.h>

#include <bit>

#include "core/error.hpp"

namespace symmbench {

std::vector<HandleGranularity> handle_granularities(Driver& driver) {
  std::vector<HandleGranularity> all;
  for (const HandleType type : {HandleType::posix_fd, HandleType::fabric}) {
    HandleGranularity one{.handle = type};
    try {
      const auto minimum = driver.granularity({.handle = type}, Granularity::minimum),
                 recommended = driver.granularity({.handle = type}, Granularity::recommended);
      if (std::has_single_bit(minimum) && recommended >= minimum) {
        one.minimum = minimum;
        one.recommended = recommended;
      } else {
        one.unknown = fmt::format("no granularity: minimum {}, recommended {}", minimum, recommended);
      }
    } catch (const Error& error) {
      one.unknown = describe(error.failure());
    }
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace symmbench
