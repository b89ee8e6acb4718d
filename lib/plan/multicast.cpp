#include "plan/multicast.hpp"

namespace symmbench {

Json MulticastDecision::to_json() const {
  return Json{{"asked", asked_name()}, {"used", used ? "on" : "off"}, {"reason", reason}};
}

MulticastDecision decide_multicast(const CallShape& shape) {
  if (is_reference(shape.algorithm)) return {.reason = "NCCL_NVLS_ENABLE=0"};
  return {.reason = "off unless asked for"};
}

}  // namespace symmbench
