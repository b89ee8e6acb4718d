#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "kernels/kernel_set.hpp"

namespace symmbench {

/// Rows x row length of one message.
struct MessageShape {
  std::uint64_t tokens = 0, hidden = 0;
  std::uint64_t asked_bytes = 0;  ///< before rounding
  std::uint64_t row = 0;          ///< elements of a row as asked for; more than `hidden` where that is less than a row

  friend bool operator==(const MessageShape&, const MessageShape&) = default;
};

/// The messages of one (pattern, dtype, hidden) of a sweep, without duplicates.
/// From bytes: floor(S / row) tokens; below one row plain allreduce runs 1 x S/E in whole packets, at least one packet,
/// and patterns that work on rows run one row. What was rounded or dropped is added to `notes`, one line each.
std::vector<MessageShape> message_shapes(const Sweep& sweep, Pattern pattern, DType dtype, std::uint64_t hidden,
                                         std::vector<std::string>& notes);

}  // namespace symmbench
