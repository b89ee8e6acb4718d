#include "device/cuda/choose_ordinal.hpp"

#include <fmt/format.h>

#include "core/error.hpp"

namespace symmbench {

int choose_ordinal(int local_rank, int visible_count) {
  const auto refuse = [](Reason reason, std::string detail) {
    throw Error({.layer = Layer::environment, .reason = reason, .detail = std::move(detail)});
  };
  if (local_rank < 0) refuse(Reason::invalid_argument, fmt::format("local rank {} is negative", local_rank));
  if (visible_count == 1) return 0;
  if (local_rank >= visible_count) {
    refuse(Reason::not_supported,
           fmt::format("at least {} ranks on this host, but only {} CUDA devices are visible (CUDA_VISIBLE_DEVICES, "
                       "ranks per host)",
                       local_rank + 1, visible_count));
  }
  return local_rank;
}

}  // namespace symmbench
