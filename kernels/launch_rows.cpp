#include "kernels/launch_rows.hpp"

#include <fmt/format.h>

namespace symmbench {

std::string no_kernel_for(const CallShape& shape) {
  auto text = fmt::format("no kernel here for {} {} {} on {} ranks over a {} workspace by {}", name_of(shape.algorithm),
                          name_of(shape.pattern), name_of(shape.dtype), shape.world_size, name_of(shape.workspace),
                          name_of(shape.transport));
  if (!LaunchKey::wants_fixed(shape)) {
    text += fmt::format(", accumulate {} and trigger {}", name_of(shape.accumulation), name_of(shape.trigger));
  }
  return text;
}

}  // namespace symmbench
