#include "plan/support.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/call_rules.hpp"
#include "kernels/patterns.hpp"
#include "memory/allocators.hpp"
#include "workspace/workspaces.hpp"

namespace symmbench {
namespace {

/// Of messages in fp32, which have nothing to round, these show on GPUs what the trigger does.
constexpr Pattern kTriggersInFp32[] = {Pattern::allreduce, Pattern::residual_rmsnorm};

template <class Values, class V>
bool contains(const Values& values, V value) {
  return std::find(std::begin(values), std::end(values), value) != std::end(values);
}

std::optional<std::string> reference_problem(const CallShape& shape, DeviceChoice device) {
  const auto name = name_of(shape.algorithm);
  if (by_rows(shape)) return fmt::format("{} has plain allreduce only", name);
  if (device == DeviceChoice::host) return fmt::format("{} needs the cuda device", name);
  return std::nullopt;
}

std::optional<std::string> kernel_problem(const CallShape& shape, DeviceChoice device) {
  if (device == DeviceChoice::host || shape.trigger == TriggerPoint::early || shape.dtype != DType::fp32 ||
      contains(kTriggersInFp32, shape.pattern)) {
    return std::nullopt;
  }
  return fmt::format("{} has no GPU kernel with trigger end in fp32: of that type, {} and {} have one",
                     name_of(shape.pattern), name_of(kTriggersInFp32[0]), name_of(kTriggersInFp32[1]));
}

}  // namespace

std::optional<std::string> transport_problem(WorkspaceKind workspace, TransportKind transport, DeviceChoice device) {
  if (!contains(workspace_row(workspace).transports, transport)) {
    return fmt::format("a {} workspace has no {}: its kernels store to each peer by itself", name_of(workspace),
                       name_of(transport));
  }
  if (transport == TransportKind::multicast && device != DeviceChoice::host) {
    return "multicast is not in this version on GPUs, neither the driver's calls nor kernels: --device host emulates "
           "it";
  }
  return std::nullopt;
}

std::optional<std::string> allocator_problem(AllocatorKind allocator, TransportKind transport) {
  if (transport != TransportKind::multicast || mode_of(allocator).make_with_multicast != nullptr) return std::nullopt;
  return fmt::format("{} has no multicast: memory of cudaMalloc cannot be bound to a multicast object",
                     name_of(allocator));
}

std::optional<std::string> impossible(const CallShape& shape, DeviceChoice device) {
  if (shape.world_size < 2) return "one rank has no peer: start 2 or more ranks with mpirun -n";
  if (is_reference(shape.algorithm)) {
    if (auto problem = reference_problem(shape, device)) return problem;
  } else if (auto problem = transport_problem(shape.workspace, shape.transport, device)) {
    return problem;
  }
  if (auto problem = call_problem(shape)) return problem;
  if (auto problem = kernel_problem(shape, device)) return problem;
  return capacity_problem(MessageCapacity(shape), shape);  // of a workspace made for it alone
}

}  // namespace symmbench
