#pragma once
#include "workspace/message_capacity.hpp"

namespace symmbench::test {

/// What holds messages of `message_bytes` of one type.
inline MessageCapacity capacity_of(int ranks, std::uint64_t message_bytes, DType dtype = DType::bf16) {
  return MessageCapacity(
      {.dtype = dtype, .world_size = ranks, .tokens = 1, .hidden = message_bytes / element_bytes(dtype)});
}

}  // namespace symmbench::test
