#include "core/dtype.hpp"

#include "core/names.hpp"

namespace symmbench {
namespace {
constexpr auto kDTypes = name_table<DType>({{DType::fp16, "fp16"}, {DType::bf16, "bf16"}, {DType::fp32, "fp32"}});
}

std::string_view name_of(DType dtype) { return kDTypes.name(dtype); }
std::optional<DType> dtype_from(std::string_view name) { return kDTypes.value(name); }

}  // namespace symmbench
