#pragma once
#include <cstdint>

#include "catalog/accumulations.hpp"
#include "catalog/algorithms.hpp"
#include "catalog/pattern_parameters.hpp"
#include "catalog/patterns.hpp"
#include "catalog/triggers.hpp"
#include "catalog/workspaces.hpp"
#include "core/dtype.hpp"
#include "kernels/protocol/fusion_layout.hpp"

namespace symmbench {

/// What decides whether and how a call can run; everything but addresses.
struct CallShape {
  WorkspaceKind workspace = WorkspaceKind::trtllm_fusion;
  TransportKind transport = TransportKind::unicast;
  Algorithm algorithm = Algorithm::one_shot;
  Pattern pattern = Pattern::allreduce;
  DType dtype = DType::bf16;
  int world_size = 0;
  std::uint64_t tokens = 0;
  std::uint64_t hidden = 0;
  bool in_place = false;
  std::uint32_t blocks = 0;   ///< 0: chosen by the kernel set
  std::uint32_t threads = 0;  ///< per block; 0: chosen
  bool pdl = true;            ///< programmatic dependent launch, on devices that have it
  Accumulation accumulation = Accumulation::fp32;
  TriggerPoint trigger = TriggerPoint::early;  ///< with pdl only
  PatternParameters parameters;

  /// Whether sums are rounded between additions; in fp32 messages there is nothing to round.
  constexpr bool rounds_each_addition() const { return accumulation == Accumulation::storage && dtype != DType::fp32; }
  std::uint64_t elements() const { return tokens * hidden; }
  std::uint64_t message_bytes() const { return elements() * element_bytes(dtype); }
  std::uint64_t packets() const { return message_bytes() / kPacketBytes; }
  std::uint64_t row_bytes() const { return hidden * element_bytes(dtype); }
  std::uint64_t row_packets() const { return row_bytes() / kPacketBytes; }
};

}  // namespace symmbench
