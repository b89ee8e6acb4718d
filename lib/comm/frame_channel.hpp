#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "comm/communicator.hpp"
#include "comm/socket_calls.hpp"
#include "core/clock.hpp"
#include "core/unique_fd.hpp"

namespace symmbench {

struct Frame {
  std::uint32_t kind = 0;
  Blob payload;
};

/// Larger payloads are refused at both ends: no message of ours is near it, so a longer one is a broken stream.
inline constexpr std::uint32_t kMaxFrameBytes = 64U << 20;

/// Framed messages {u32 payload bytes, u32 kind, payload} over one end of a stream socket. Two ways of use, which may
/// be mixed: send()/receive() wait, up to a deadline (the worker); queue()/flush()/try_receive() never wait, and fd()
/// with wants_write() goes into the owner's poll (the supervisor). One thread at a time. Does not change the
/// descriptor's flags.
class FrameChannel {
 public:
  /// `peer` names the other end in errors: "the supervisor", "worker of rank 3".
  FrameChannel(UniqueFd socket, std::string peer);

  /// From now on these calls stand between the channel and its socket.
  void use(std::unique_ptr<SocketCalls> calls) { calls_ = std::move(calls); }

  int fd() const { return socket_.get(); }

  /// Waits until all, and whatever was queued before, is with the kernel.
  /// @throws Error{comm, timed_out}; Error{comm, peer_failed} when the other end is closed;
  ///         Error{comm, capacity_exceeded} above kMaxFrameBytes; as flush(), after which the next send() goes on with
  ///         what is left
  void send(std::uint32_t kind, std::span<const std::byte> payload, const Deadline& deadline);

  /// The next frame, of any kind. @throws Error{comm, timed_out | peer_failed | corrupted | io_error}
  Frame receive(const Deadline& deadline);
  /// The next frame of this kind; others are set aside, in order, for receive() and try_receive().
  Frame receive_kind(std::uint32_t kind, const Deadline& deadline);

  /// Adds to the write queue. @throws Error{comm, capacity_exceeded} above kMaxFrameBytes
  void queue(std::uint32_t kind, std::span<const std::byte> payload);
  /// Writes what the socket takes now; true when nothing is left. When the other end is closed the queue is dropped.
  /// @throws Error{comm, io_error} with call and errno when the system refuses; nothing queued is lost
  bool flush();
  bool wants_write() const { return sent_ < outbox_.size(); }

  /// A frame if one is complete. Frames that came before the other end closed are still delivered.
  /// @throws Error{comm, corrupted} on a giant frame; Error{comm, io_error} with call and errno
  std::optional<Frame> try_receive();
  /// The other end is closed and every whole frame has been taken out. Only receiving finds out.
  bool closed() const { return end_of_stream_ && aside_.empty() && !has_whole_frame(); }
  /// Bytes of a frame that the other end began and never finished.
  std::size_t unfinished_bytes() const { return inbox_.size() - taken_; }

 private:
  bool has_whole_frame() const;
  std::optional<Frame> next_from_inbox();
  void read_available();
  Frame receive_new(const Deadline& deadline);
  [[noreturn]] void throw_closed() const;

  UniqueFd socket_;
  std::unique_ptr<SocketCalls> calls_ = std::make_unique<SocketCalls>();
  std::string peer_;
  Blob inbox_;  ///< bytes read; the first taken_ of them are already out
  std::size_t taken_ = 0;
  Blob outbox_;  ///< bytes to write; the first sent_ of them are already gone
  std::size_t sent_ = 0;
  std::deque<Frame> aside_;
  bool end_of_stream_ = false;
  bool write_closed_ = false;
};

/// Both ends of a fresh stream socket pair, close-on-exec. @throws Error{environment | comm, ...}
std::pair<UniqueFd, UniqueFd> make_channel_sockets();

}  // namespace symmbench
