#pragma once
#include "kernels/call_shape.hpp"
#include "kernels/protocol/message.hpp"

namespace symmbench {

/// How the kernels of a workspace cut a message and place it in a slot, on every device.
template <WorkspaceKind>
struct WorkspaceCode {
  using Message = MessageSpan;
  static Message message(const CallShape& shape) { return message_of(shape.packets(), shape.world_size); }
};

template <>
struct WorkspaceCode<WorkspaceKind::mnnvl> {
  using Message = TokenSpan;
  static Message message(const CallShape& shape) {
    return tokens_of(shape.packets(), shape.row_packets(), shape.world_size);
  }
};

}  // namespace symmbench
