#pragma once
#include <cstdint>

#include "catalog/catalog.hpp"

namespace symmbench {

/// How contributions are added, always in rank order.
enum class Accumulation : std::uint8_t { fp32, storage };

struct AccumulationRow {
  Accumulation value;
  std::string_view name;
  std::string_view about;
  bool now = true;
};

inline constexpr AccumulationRow kAccumulations[] = {
    {Accumulation::fp32, "fp32", "in fp32, rounded to the element type once"},
    {Accumulation::storage, "storage",
     "rounded to the element type at each addition, as upstream by default; trtllm_fusion only"},
};
static_assert(in_enum_order(kAccumulations));

constexpr std::string_view name_of(Accumulation accumulation) { return row_of(kAccumulations, accumulation).name; }
constexpr std::optional<Accumulation> accumulation_from(std::string_view name) {
  return value_named(kAccumulations, name);
}

}  // namespace symmbench
