#include "plan/case.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "plan/multicast.hpp"

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
  const bool fused = shape.pattern != Pattern::allreduce;
  std::vector<std::string> parts;
  if (shape.blocks) parts.push_back(fmt::format("b{}", shape.blocks));
  if (shape.threads) parts.push_back(fmt::format("t{}", shape.threads));
  if (!shape.pdl) parts.emplace_back("nopdl");
  if (cudagraph) parts.push_back(fmt::format("graph{}", cudagraph));
  if (buffers) parts.push_back(fmt::format("buffers{}", buffers));
  if (fused && weight_bias != 0) parts.push_back(fmt::format("wb{}", weight_bias));
  if (fused && epsilon != 1e-6f) parts.push_back(fmt::format("eps{}", epsilon));
  return fmt::format("{}", fmt::join(parts, "/"));
}

Json Case::keys() const {
  const bool fused = shape.pattern != Pattern::allreduce;
  // As double: the shortest text of the float, not its digits in binary.
  const auto number = [&](float value) { return fused ? Json(std::stod(fmt::format("{}", value))) : Json(nullptr); };
  return Json{{"case_id", id()},
              {"workspace", workspace()},
              {"transport", name_of(shape.transport)},
              {"group", group},
              {"group_size", group_size},
              {"handle_asked", handle_asked},
              {"multicast_asked", decide_multicast(shape).asked_name()},
              {"algorithm", name_of(shape.algorithm)},
              {"algorithm_asked", algorithm_asked},
              {"pattern", name_of(shape.pattern)},
              {"weight_bias", number(weight_bias)},
              {"epsilon", number(epsilon)},
              {"dtype", name_of(shape.dtype)},
              {"in_place", shape.in_place},
              {"tokens", shape.tokens},
              {"hidden", shape.hidden},
              {"asked_bytes", asked_bytes},
              {"message_bytes", shape.message_bytes()},
              {"buffers_asked", buffers},
              {"variant", variant()},
              {"reference", reference()}};
}

}  // namespace symmbench
