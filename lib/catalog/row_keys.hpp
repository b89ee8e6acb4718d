#pragma once
#include <cstdint>
#include <string_view>

namespace symmbench {

/// What the value of a row key is; all but `name` may be null.
enum class KeyType : std::uint8_t {
  name,  ///< text, always there
  text,
  integer,
  number,
  flag,
  choice,  ///< {asked, used, reason}; the plan has what was asked for under "<key>_asked"
};

/// Who knows it: the plan (Case::keys()), or the launch of the kernels (RowRecord::launch).
enum class KeySource : std::uint8_t { plan, launch };

/// A key of a row of results[] that says what the row is about, as opposed to what became of it and was measured.
struct RowKey {
  std::string_view name;
  KeyType type;
  KeySource source = KeySource::plan;
};

/// In the order of the report, which has all of them. The plan and the schema are held to this list by tests.
inline constexpr RowKey kRowKeys[] = {
    {"case_id", KeyType::name},
    {"workspace", KeyType::text},
    {"transport", KeyType::text},
    {"allocator", KeyType::name},
    {"torch_layout", KeyType::text},
    {"reference", KeyType::flag},
    {"group", KeyType::integer},
    {"group_size", KeyType::integer},
    {"handle", KeyType::choice},
    {"multicast", KeyType::choice},
    {"algorithm", KeyType::text},
    {"algorithm_asked", KeyType::text},
    {"pattern", KeyType::text},
    {"epsilon", KeyType::number},
    {"weight_bias", KeyType::number},
    {"quant_scale", KeyType::number},
    {"global_scale", KeyType::number},
    {"quant_group", KeyType::integer},
    {"scale_layout", KeyType::text},
    {"experts", KeyType::integer},
    {"top_k", KeyType::integer},
    {"routed_scaling", KeyType::number},
    {"dtype", KeyType::text},
    {"accumulate", KeyType::text},
    {"in_place", KeyType::flag},
    {"tokens", KeyType::integer},
    {"hidden", KeyType::integer},
    {"message_bytes", KeyType::integer},
    {"asked_bytes", KeyType::integer},
    {"blocks", KeyType::integer, KeySource::launch},
    {"threads", KeyType::integer, KeySource::launch},
    {"cluster", KeyType::integer, KeySource::launch},
    {"pdl", KeyType::flag, KeySource::launch},
    {"trigger", KeyType::text, KeySource::launch},
    {"graph", KeyType::flag, KeySource::launch},
    {"buffers", KeyType::integer, KeySource::launch},
    {"buffers_asked", KeyType::integer},
    {"variant", KeyType::name},
    {"capacity_bytes", KeyType::integer},
};

}  // namespace symmbench
