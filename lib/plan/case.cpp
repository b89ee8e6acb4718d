#include "plan/case.hpp"

#include <fmt/format.h>

namespace symmbench {

std::string Case::id() const {
  const bool fused = shape.pattern != Pattern::allreduce;
  auto text = fmt::format("g{}x{}/{}/{}/{}/{}/{}/{}/{}/{}x{}", group, group_size, workspace, transport, handle_asked,
                          name_of(shape.algorithm), name_of(shape.pattern), name_of(shape.dtype),
                          shape.in_place ? "in" : "out", shape.tokens, shape.hidden);
  if (shape.blocks) text += fmt::format("/b{}", shape.blocks);
  if (shape.threads) text += fmt::format("/t{}", shape.threads);
  if (!shape.pdl) text += "/nopdl";
  if (cudagraph) text += fmt::format("/graph{}", cudagraph);
  if (buffers) text += fmt::format("/buffers{}", buffers);
  if (fused && weight_bias != 0) text += fmt::format("/wb{}", weight_bias);
  if (fused && epsilon != 1e-6f) text += fmt::format("/eps{}", epsilon);
  return text;
}

std::string CaseGroup::lifecycle_id(std::uint64_t index) const { return fmt::format("{}#{}", id, index); }

Json Case::keys() const {
  const bool fused = shape.pattern != Pattern::allreduce;
  // As double: the shortest text of the float, not its digits in binary.
  const auto number = [&](float value) { return fused ? Json(std::stod(fmt::format("{}", value))) : Json(nullptr); };
  return Json{{"case_id", id()},
              {"workspace", workspace},
              {"transport", transport},
              {"group", group},
              {"group_size", group_size},
              {"handle_asked", handle_asked},
              {"multicast_asked", "off"},
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
              {"buffers_asked", buffers}};
}

}  // namespace symmbench
