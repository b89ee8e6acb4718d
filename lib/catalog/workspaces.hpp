#pragma once
#include <cstdint>
#include <span>

#include "catalog/catalog.hpp"

namespace symmbench {

enum class WorkspaceKind : std::uint8_t { trtllm_fusion, trtllm, mnnvl, mnnvl_cute_dsl };

struct WorkspaceKindRow {
  WorkspaceKind value;
  std::string_view name;
  std::string_view about;
  bool now = true;
  bool by_tokens = false;  ///< its protocols cut every message, plain ones too, into whole rows
  bool one_form = false;   ///< adds in fp32 and lets the next kernel start early, whatever is asked upstream
  std::span<const int> world_sizes = {};  ///< that it is for; empty: any
};

inline constexpr int kTrtllmWorldSizes[] = {2, 4, 6, 8, 16};

inline constexpr WorkspaceKindRow kWorkspaceKinds[] = {
    {WorkspaceKind::trtllm_fusion, "trtllm_fusion",
     "comm buffer, flags, Lamport triple buffer: one-shot, two-shot, fused patterns"},
    {WorkspaceKind::trtllm, "trtllm",
     "FlashInfer's IPC workspace of seven buffers, removed there in 0.7.0: plain sums by flags, rmsnorm by Lamport",
     true, false, false, kTrtllmWorldSizes},
    {WorkspaceKind::mnnvl, "mnnvl",
     "Lamport triple buffer of multi-node NVLink, token by token: one-shot, two-shot, fused patterns", true, true,
     true},
    {WorkspaceKind::mnnvl_cute_dsl, "mnnvl_cute_dsl",
     "FlashInfer's mnnvl in CuTe DSL for Blackwell, there on request only: torch symmetric memory with multicast",
     false},
};
static_assert(in_enum_order(kWorkspaceKinds));

constexpr std::string_view name_of(WorkspaceKind kind) { return row_of(kWorkspaceKinds, kind).name; }
constexpr std::optional<WorkspaceKind> workspace_kind_from(std::string_view name) {
  return value_named(kWorkspaceKinds, name);
}

/// How packets travel to the peers.
enum class TransportKind : std::uint8_t { unicast, multicast };

struct TransportKindRow {
  TransportKind value;
  std::string_view name;
  std::string_view about;
  bool now = true;
};

inline constexpr TransportKindRow kTransportKinds[] = {
    {TransportKind::unicast, "unicast", "peer-to-peer stores and loads only"},
    {TransportKind::multicast, "multicast", "one store reaches all ranks: multicast objects (NVLS)"},
};
static_assert(in_enum_order(kTransportKinds));

constexpr std::string_view name_of(TransportKind transport) { return row_of(kTransportKinds, transport).name; }
constexpr std::optional<TransportKind> transport_from(std::string_view name) {
  return value_named(kTransportKinds, name);
}

}  // namespace symmbench
