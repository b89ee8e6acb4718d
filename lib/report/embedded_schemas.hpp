#pragma once
#include <span>
#include <string_view>

namespace symmbench {

struct EmbeddedSchema {
  std::string_view name;  ///< "report" for configs/schema/report.schema.json
  std::string_view text;
};

/// All of configs/schema, as it was at build time.
std::span<const EmbeddedSchema> embedded_schemas();

}  // namespace symmbench
