#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "comm/socket_calls.hpp"
#include "core/names.hpp"

namespace symmbench {

enum class ChannelCall : std::uint8_t { send, recv };
inline constexpr auto kChannelCalls =
    name_table<ChannelCall>({{ChannelCall::send, "send"}, {ChannelCall::recv, "recv"}});

/// The nth call on one channel, counted from 1, and the `times` - 1 that follow. Of receives only those count that find
/// something, so that the place does not depend on how often a supervisor looks.
struct ChannelFault {
  static constexpr int kShort = 0;

  ChannelCall call = ChannelCall::send;
  std::uint64_t nth = 1, times = 1;
  int code = kShort;  ///< errno; kShort: the call moves one byte only
  bool operator==(const ChannelFault&) const = default;
};

/// What strikes the two ends of a channel between a supervisor and its worker.
struct ChannelFaults {
  std::vector<ChannelFault> supervisor, worker;
};

/// Socket calls that fail as planned, before they reach the socket.
class FaultySocket final : public SocketCalls {
 public:
  explicit FaultySocket(std::vector<ChannelFault> faults) : faults_(std::move(faults)) {}

  ssize_t send(int fd, std::span<const std::byte> bytes) override;
  ssize_t recv(int fd, std::span<std::byte> room) override;

 private:
  const ChannelFault* next(ChannelCall call);

  std::vector<ChannelFault> faults_;
  std::uint64_t calls_[2] = {};  ///< so far, by ChannelCall
};

}  // namespace symmbench
