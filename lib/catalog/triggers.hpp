#pragma once
#include <cstdint>

#include "catalog/catalog.hpp"

namespace symmbench {

/// When a kernel lets the next one start, under programmatic dependent launch.
enum class TriggerPoint : std::uint8_t { early, end };

struct TriggerPointRow {
  TriggerPoint value;
  std::string_view name;
  std::string_view about;
  bool now = true;
};

inline constexpr TriggerPointRow kTriggerPoints[] = {
    {TriggerPoint::early, "early",
     "before its sums: right behind its own wait where plain, else once its packets are sent"},
    {TriggerPoint::end, "end", "when it ends, as upstream by default; trtllm_fusion on GPUs only"},
};
static_assert(in_enum_order(kTriggerPoints));

constexpr std::string_view name_of(TriggerPoint trigger) { return row_of(kTriggerPoints, trigger).name; }
constexpr std::optional<TriggerPoint> trigger_point_from(std::string_view name) {
  return value_named(kTriggerPoints, name);
}

}  // namespace symmbench
