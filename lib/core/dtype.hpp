#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace symmbench {

/// Element type of a message. Additions are in fp32 (kernels/protocol/number.hpp).
enum class DType : std::uint8_t { fp16, bf16, fp32 };

constexpr std::uint64_t element_bytes(DType dtype) { return dtype == DType::fp32 ? 4 : 2; }

/// The spelling of the command line and the report: "fp16", "bf16", "fp32".
std::string_view name_of(DType dtype);
std::optional<DType> dtype_from(std::string_view name);

}  // namespace symmbench
