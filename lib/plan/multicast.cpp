#include "plan/multicast.hpp"

#include "plan/support.hpp"

namespace symmbench {

Json MulticastDecision::to_json() const {
  return Json{{"asked", name_of(asked)}, {"used", used ? "on" : "off"}, {"reason", reason}};
}

MulticastDecision multicast_of_reference() { return {.reason = "NCCL_NVLS_ENABLE=0"}; }

std::vector<PlannedTransport> planned_transports(MulticastMode mode, WorkspaceKind workspace, DeviceChoice device,
                                                 const MulticastOffer& offer) {
  using enum TransportKind;
  if (mode == MulticastMode::off) return {{unicast, {mode, false, "off unless asked for"}}};
  const auto unsupported = transport_problem(workspace, multicast, device);
  const auto problem = offer.veto ? offer.veto : unsupported ? unsupported : offer.missing;
  if (!problem) return {{multicast, {mode, true, "asked for; no rank forbids it and every device has it"}}};
  const PlannedTransport left_out{multicast, {mode, false, *problem}, problem, offer.veto.has_value()};
  if (mode == MulticastMode::on) return {left_out};
  const PlannedTransport instead{unicast, {mode, false, *problem}};
  // What a veto kept from running is told; what this workspace or device never has is not missed.
  if (offer.veto && !unsupported) return {instead, left_out};
  return {instead};
}

}  // namespace symmbench
