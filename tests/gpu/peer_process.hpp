#pragma once
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/unique_fd.hpp"
#include "device/cuda/cuda_backend.hpp"
#include "support/ipc_conformance.hpp"

extern char** environ;

namespace symmbench {

/// The option with which the test program is a peer instead: gpu_conformance --ipc-peer ORDINAL.
inline constexpr const char* kPeerOption = "--ipc-peer";
inline constexpr int kPeerChannel = 3;  ///< the peer's descriptor

struct PeerMessage {
  enum Kind : std::uint64_t { open, close, free_local, allocate, write, read };
  static constexpr std::size_t kMaxWords = 8;

  Kind kind = open;
  std::int64_t code = 0;
  IpcBlob handle;
  DevicePtr address = 0;
  std::uint64_t size = 0;  ///< bytes to allocate, words to write or read
  std::array<std::uint32_t, kMaxWords> words{};
};

/// false when the other end has gone.
inline bool send_message(int channel, const PeerMessage& message) {
  return ::send(channel, &message, sizeof(message), MSG_NOSIGNAL) == sizeof(message);
}
inline bool receive_message(int channel, PeerMessage& message) {
  return ::recv(channel, &message, sizeof(message), MSG_WAITALL) == sizeof(message);
}

/// What the peer process does: one call after another, until its channel is closed.
inline int serve_as_peer(int ordinal) {
  DriverAsPeer peer(make_cuda_driver(ordinal));
  PeerMessage message;
  while (receive_message(kPeerChannel, message)) {
    switch (message.kind) {
      case PeerMessage::open: {
        const IpcPeer::Opened opened = peer.open(message.handle);
        message.code = opened.code;
        message.address = opened.address;
        break;
      }
      case PeerMessage::close:
        message.code = peer.close(message.address);
        break;
      case PeerMessage::free_local:
        message.code = peer.free_local(message.address);
        break;
      case PeerMessage::allocate:
        message.handle = peer.allocate(message.size);
        break;
      case PeerMessage::write:
        peer.write(message.address, {message.words.begin(), message.words.begin() + message.size});
        break;
      case PeerMessage::read: {
        const auto words = peer.read(message.address, message.size);
        std::copy(words.begin(), words.end(), message.words.begin());
        break;
      }
    }
    if (!send_message(kPeerChannel, message)) return 1;
  }
  return 0;
}

/// A peer that is a process of its own: a GPU's IPC handles do not open where they were exported.
class ProcessAsPeer final : public IpcPeer {
 public:
  explicit ProcessAsPeer(int ordinal) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) fail("socketpair");
    channel_ = UniqueFd(ends[0]);
    const UniqueFd theirs(ends[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), kPeerChannel);
    std::string name = "gpu_conformance", option = kPeerOption, number = std::to_string(ordinal);
    std::array<char*, 4> arguments{name.data(), option.data(), number.data(), nullptr};
    const int result = ::posix_spawn(&process_, "/proc/self/exe", &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (result != 0) fail("posix_spawn");
  }
  ProcessAsPeer(const ProcessAsPeer&) = delete;
  ProcessAsPeer& operator=(const ProcessAsPeer&) = delete;
  ~ProcessAsPeer() override {
    channel_.reset();
    ::waitpid(process_, nullptr, 0);
  }

  Opened open(const IpcBlob& handle) override {
    const PeerMessage answer = ask({.kind = PeerMessage::open, .handle = handle});
    return {.code = static_cast<int>(answer.code), .address = answer.address};
  }
  int close(DevicePtr address) override {
    return static_cast<int>(ask({.kind = PeerMessage::close, .address = address}).code);
  }
  int free_local(DevicePtr address) override {
    return static_cast<int>(ask({.kind = PeerMessage::free_local, .address = address}).code);
  }
  IpcBlob allocate(std::uint64_t bytes) override { return ask({.kind = PeerMessage::allocate, .size = bytes}).handle; }
  void write(DevicePtr to, const std::vector<std::uint32_t>& words) override {
    PeerMessage message{.kind = PeerMessage::write, .address = to, .size = words.size()};
    std::copy(words.begin(), words.end(), message.words.begin());
    ask(message);
  }
  std::vector<std::uint32_t> read(DevicePtr from, std::size_t count) override {
    const PeerMessage answer = ask({.kind = PeerMessage::read, .address = from, .size = count});
    return {answer.words.begin(), answer.words.begin() + count};
  }

 private:
  [[noreturn]] static void fail(const std::string& what) { throw std::runtime_error("peer process: " + what); }

  PeerMessage ask(const PeerMessage& message) {
    if (message.kind >= PeerMessage::write && message.size > PeerMessage::kMaxWords) fail("too many words");
    PeerMessage answer;
    if (!send_message(channel_.get(), message) || !receive_message(channel_.get(), answer)) fail("it has ended");
    return answer;
  }

  UniqueFd channel_;
  pid_t process_ = -1;
};

}  // namespace symmbench
