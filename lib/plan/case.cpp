#include "plan/case.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/parameter_json.hpp"
#include "kernels/patterns.hpp"

namespace symmbench {

std::string Case::id() const {
  const auto shape_id =
      fmt::format("g{}x{}/{}/{}/{}/{}/{}/{}/{}/{}x{}", group, group_size, workspace(), name_of(shape.transport),
                  handle_asked, name_of(shape.algorithm), name_of(shape.pattern), name_of(shape.dtype),
                  shape.in_place ? "in" : "out", shape.tokens, shape.hidden);
  const auto how = variant();
  return how.empty() ? shape_id : shape_id + "/" + how;
}

std::string Case::variant() const {
  std::vector<std::string> parts;
  if (shape.blocks) parts.push_back(fmt::format("b{}", shape.blocks));
  if (shape.threads) parts.push_back(fmt::format("t{}", shape.threads));
  if (!shape.pdl) parts.emplace_back("nopdl");
  if (shape.accumulation == Accumulation::storage) parts.emplace_back("storage");
  if (shape.trigger == TriggerPoint::end) parts.emplace_back("trigger_end");
  if (cudagraph) parts.push_back(fmt::format("graph{}", cudagraph));
  if (buffers) parts.push_back(fmt::format("buffers{}", buffers));
  PatternParameters::visit([&](std::string_view name, std::string_view short_name, auto member) {
    const auto value = shape.parameters.*member;
    if (!spec_of(shape.pattern).takes(name) || value == PatternParameters{}.*member) return;
    parts.push_back(fmt::format("{}{}", short_name, parameter_text(value)));
  });
  return fmt::format("{}", fmt::join(parts, "/"));
}

Json Case::keys() const {
  Json keys{{"case_id", id()},
            {"workspace", workspace()},
            {"transport", name_of(shape.transport)},
            {"group", group},
            {"group_size", group_size},
            {"handle_asked", handle_asked},
            {"multicast_asked", name_of(multicast.asked)},
            {"algorithm", name_of(shape.algorithm)},
            {"algorithm_asked", algorithm_asked},
            {"pattern", name_of(shape.pattern)}};
  PatternParameters::visit([&](std::string_view name, std::string_view, auto member) {
    keys[std::string(name)] =
        spec_of(shape.pattern).takes(name) ? parameter_json(shape.parameters.*member) : Json(nullptr);
  });
  keys.update({{"dtype", name_of(shape.dtype)},
               {"accumulate", reference() ? Json(nullptr) : Json(name_of(shape.accumulation))},
               {"in_place", shape.in_place},
               {"tokens", shape.tokens},
               {"hidden", shape.hidden},
               {"asked_bytes", asked_bytes},
               {"message_bytes", shape.message_bytes()},
               {"buffers_asked", buffers},
               {"variant", variant()},
               {"reference", reference()}});
  return keys;
}

}  // namespace symmbench
