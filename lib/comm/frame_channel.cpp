#include "comm/frame_channel.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "comm/os_error.hpp"

namespace symmbench {
namespace {

struct FrameHeader {
  std::uint32_t payload_bytes;
  std::uint32_t kind;
};

constexpr std::size_t kReadChunkBytes = 64 << 10;
/// Waits until `events` or the deadline; an interruption counts as an event, the caller looks again anyway.
void wait_for(int fd, short events, const Deadline& deadline) {
  pollfd wait{.fd = fd, .events = events, .revents = 0};
  if (::poll(&wait, 1, deadline.left_ms()) < 0 && errno != EINTR) throw Error(os_failure("poll", errno));
}

}  // namespace

FrameChannel::FrameChannel(UniqueFd socket, std::string peer) : socket_(std::move(socket)), peer_(std::move(peer)) {}

void FrameChannel::throw_closed() const {
  throw Error({.layer = Layer::comm,
               .reason = Reason::peer_failed,
               .detail = unfinished_bytes() == 0
                             ? fmt::format("{} closed the channel", peer_)
                             : fmt::format("{} closed the channel inside a frame, after {} bytes of it", peer_,
                                           unfinished_bytes())});
}

void FrameChannel::queue(std::uint32_t kind, std::span<const std::byte> payload) {
  if (payload.size() > kMaxFrameBytes) {
    throw Error(
        {.layer = Layer::comm,
         .reason = Reason::capacity_exceeded,
         .detail = fmt::format("a frame of {} bytes for {}; {} are allowed", payload.size(), peer_, kMaxFrameBytes)});
  }
  if (write_closed_) return;
  const FrameHeader header{.payload_bytes = static_cast<std::uint32_t>(payload.size()), .kind = kind};
  const auto head = std::as_bytes(std::span(&header, 1));
  outbox_.insert(outbox_.end(), head.begin(), head.end());
  outbox_.insert(outbox_.end(), payload.begin(), payload.end());
}

bool FrameChannel::flush() {
  while (wants_write()) {
    const ssize_t sent = calls_->send(socket_.get(), std::span(outbox_).subspan(sent_));
    if (sent >= 0) {
      sent_ += static_cast<std::size_t>(sent);
    } else if (errno == EAGAIN) {
      return false;
    } else if (errno == EPIPE || errno == ECONNRESET) {
      write_closed_ = true;
      break;
    } else if (errno != EINTR) {
      throw Error(os_failure("send", errno, peer_));
    }
  }
  outbox_.clear();
  sent_ = 0;
  return true;
}

void FrameChannel::send(std::uint32_t kind, std::span<const std::byte> payload, const Deadline& deadline) {
  queue(kind, payload);
  while (!flush()) {
    if (deadline.expired()) {
      throw Error({.layer = Layer::comm,
                   .reason = Reason::timed_out,
                   .detail = fmt::format("{} took {} of {} bytes in time", peer_, sent_, outbox_.size())});
    }
    wait_for(socket_.get(), POLLOUT, deadline);
  }
  if (write_closed_) throw_closed();
}

bool FrameChannel::has_whole_frame() const {
  FrameHeader header;
  if (unfinished_bytes() < sizeof header) return false;
  std::memcpy(&header, inbox_.data() + taken_, sizeof header);
  return unfinished_bytes() - sizeof header >= header.payload_bytes;
}

std::optional<Frame> FrameChannel::next_from_inbox() {
  FrameHeader header;
  if (unfinished_bytes() < sizeof header) return std::nullopt;
  std::memcpy(&header, inbox_.data() + taken_, sizeof header);
  if (header.payload_bytes > kMaxFrameBytes) {
    throw Error({.layer = Layer::comm,
                 .reason = Reason::corrupted,
                 .detail = fmt::format("{} announces a frame of {} bytes; {} are allowed", peer_, header.payload_bytes,
                                       kMaxFrameBytes)});
  }
  if (!has_whole_frame()) return std::nullopt;
  const auto first = inbox_.begin() + static_cast<std::ptrdiff_t>(taken_ + sizeof header);
  Frame frame{.kind = header.kind, .payload = Blob(first, first + header.payload_bytes)};
  taken_ += sizeof header + header.payload_bytes;
  if (taken_ == inbox_.size()) {
    inbox_.clear();
    taken_ = 0;
  }
  return frame;
}

/// One read of what is there. Taken bytes are dropped first, so the buffer holds one frame and one chunk at most.
void FrameChannel::read_available() {
  if (end_of_stream_) return;
  std::byte chunk[kReadChunkBytes];
  const ssize_t got = calls_->recv(socket_.get(), chunk);
  if (got > 0) {
    inbox_.erase(inbox_.begin(), inbox_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
    inbox_.insert(inbox_.end(), chunk, chunk + got);
  } else if (got == 0 || errno == ECONNRESET) {
    end_of_stream_ = true;
  } else if (errno != EAGAIN && errno != EINTR) {
    throw Error(os_failure("recv", errno, peer_));
  }
}

std::optional<Frame> FrameChannel::try_receive() {
  if (!aside_.empty()) {
    Frame frame = std::move(aside_.front());
    aside_.pop_front();
    return frame;
  }
  if (auto frame = next_from_inbox()) return frame;
  std::size_t before;
  do {
    before = unfinished_bytes();
    read_available();
    if (auto frame = next_from_inbox()) return frame;
  } while (unfinished_bytes() > before);
  return std::nullopt;
}

Frame FrameChannel::receive_new(const Deadline& deadline) {
  while (true) {
    if (auto frame = next_from_inbox()) return std::move(*frame);
    if (end_of_stream_) throw_closed();
    const std::size_t before = unfinished_bytes();
    read_available();
    if (unfinished_bytes() > before || end_of_stream_) continue;
    if (deadline.expired()) {
      throw Error({.layer = Layer::comm,
                   .reason = Reason::timed_out,
                   .detail = fmt::format("{} did not answer in time", peer_)});
    }
    // Asleep at once: on a machine with fewer cores than processes, a worker that spins takes its supervisor's time.
    wait_for(socket_.get(), POLLIN, deadline);
  }
}

Frame FrameChannel::receive(const Deadline& deadline) {
  if (!aside_.empty()) return *try_receive();
  return receive_new(deadline);
}

Frame FrameChannel::receive_kind(std::uint32_t kind, const Deadline& deadline) {
  for (auto it = aside_.begin(); it != aside_.end(); ++it) {
    if (it->kind != kind) continue;
    Frame frame = std::move(*it);
    aside_.erase(it);
    return frame;
  }
  while (true) {
    Frame frame = receive_new(deadline);
    if (frame.kind == kind) return frame;
    aside_.push_back(std::move(frame));
  }
}

std::pair<UniqueFd, UniqueFd> make_channel_sockets() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw Error(os_failure("socketpair", errno));
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace symmbench
