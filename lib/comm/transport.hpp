#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "comm/communicator.hpp"

namespace symmbench {

struct PeerMessage {
  int from = 0;  ///< world rank
  Blob bytes;
};

/// Point-to-point messages between the supervisors, in order between any two of them. One thread per endpoint.
/// Nothing here waits: a lost receiver costs memory for what is queued to it, never time.
class Transport {
 public:
  virtual ~Transport() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Takes a copy and returns; to itself as well.
  virtual void send(int to, std::span<const std::byte> bytes) = 0;
  /// The next message that is here, from anybody.
  virtual std::optional<PeerMessage> receive() = 0;
  /// Moves queued data on; receive() does so too.
  virtual void progress() = 0;
  /// True when all that was sent has left this process, as far as the transport can know.
  virtual bool all_sent() = 0;
};

}  // namespace symmbench
