#include "plan/case_group.hpp"

#include <fmt/format.h>

namespace symmbench {

std::string CaseGroup::lifecycle_id(std::uint64_t index) const { return fmt::format("{}#{}", id, index); }

}  // namespace symmbench
