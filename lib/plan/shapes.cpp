#include "plan/shapes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "config/sizes.hpp"
#include "core/text.hpp"
#include "kernels/patterns.hpp"

namespace symmbench {
namespace {

/// Never rounded: a note about rounding must not round.
std::string exact_bytes(std::uint64_t bytes) {
  return bytes % 1024 == 0 ? format_bytes(bytes) : fmt::format("{} B", bytes);
}

/// Plain allreduce is one long row to its kernels, so any whole number of packets will do.
MessageShape single_row(std::uint64_t asked_bytes, std::uint64_t element) {
  const auto bytes = std::max(asked_bytes / kPacketBytes * kPacketBytes, kPacketBytes);
  return {.tokens = 1, .hidden = bytes / element, .asked_bytes = asked_bytes};
}

MessageShape shape_from_bytes(std::uint64_t asked_bytes, bool by_rows, std::uint64_t element, std::uint64_t hidden) {
  const auto row_bytes = hidden * element;
  const auto tokens = asked_bytes / row_bytes;
  if (by_rows) return {.tokens = std::max<std::uint64_t>(tokens, 1), .hidden = hidden, .asked_bytes = asked_bytes};
  if (tokens == 0 || tokens * row_bytes % kPacketBytes != 0) return single_row(asked_bytes, element);
  return {.tokens = tokens, .hidden = hidden, .asked_bytes = asked_bytes};
}

}  // namespace

std::vector<MessageShape> message_shapes(const Sweep& sweep, Pattern pattern, DType dtype, std::uint64_t hidden,
                                         std::vector<std::string>& notes) {
  const auto element = element_bytes(dtype);
  std::vector<MessageShape> shapes;
  if (!sweep.tokens.empty()) {
    for (const auto tokens : sweep.tokens) shapes.push_back({tokens, hidden, tokens * hidden * element, hidden});
    return shapes;
  }
  // Several sizes may round to one shape: one note tells all of them.
  std::vector<std::pair<MessageShape, std::vector<std::string>>> rounded;
  for (const auto asked : sizes_of(sweep)) {
    const auto shape = shape_from_bytes(asked, spec_of(pattern).by_rows(), element, hidden);
    const bool is_new = shapes.empty() || shapes.back().tokens != shape.tokens || shapes.back().hidden != shape.hidden;
    if (is_new) shapes.push_back(shape);
    shapes.back().row = hidden;
    const bool exact = shape.tokens * shape.hidden * element == asked;
    if (exact && is_new) continue;
    if (rounded.empty() || rounded.back().first.tokens != shape.tokens || rounded.back().first.hidden != shape.hidden) {
      rounded.push_back({shape, {}});
    }
    if (!exact) rounded.back().second.push_back(exact_bytes(asked));
    // A later size that is exact is what the row is for.
    if (exact) shapes.back().asked_bytes = asked;
  }
  for (const auto& [shape, asked] : rounded) {
    notes.push_back(fmt::format("{} {}: {} run{} as {} ({} x {})", name_of(pattern), name_of(dtype),
                                fmt::join(asked, ", "), asked.size() == 1 ? "s" : "",
                                exact_bytes(shape.tokens * shape.hidden * element), shape.tokens, shape.hidden));
  }
  return shapes;
}

}  // namespace symmbench
