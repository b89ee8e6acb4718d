#include "comm/thread_transport.hpp"

#include <deque>
#include <mutex>

namespace symmbench {

struct ThreadTransportHub::State {
  struct Mailbox {
    std::mutex mutex;
    std::deque<PeerMessage> messages;
  };
  explicit State(int size) : mailboxes(size) {}
  std::vector<Mailbox> mailboxes;
};

namespace {

class ThreadTransport final : public Transport {
 public:
  ThreadTransport(std::shared_ptr<ThreadTransportHub::State> state, int rank) : state_(std::move(state)), rank_(rank) {}

  int rank() const override { return rank_; }
  int size() const override { return static_cast<int>(state_->mailboxes.size()); }

  void send(int to, std::span<const std::byte> bytes) override {
    auto& mailbox = state_->mailboxes.at(to);
    const std::lock_guard lock(mailbox.mutex);
    mailbox.messages.push_back({.from = rank_, .bytes = Blob(bytes.begin(), bytes.end())});
  }

  std::optional<PeerMessage> receive() override {
    auto& mailbox = state_->mailboxes[rank_];
    const std::lock_guard lock(mailbox.mutex);
    if (mailbox.messages.empty()) return std::nullopt;
    PeerMessage message = std::move(mailbox.messages.front());
    mailbox.messages.pop_front();
    return message;
  }

  void progress() override {}
  bool all_sent() override { return true; }

 private:
  std::shared_ptr<ThreadTransportHub::State> state_;
  int rank_;
};

}  // namespace

ThreadTransportHub::ThreadTransportHub(int size) : state_(std::make_shared<State>(size)) {}

std::unique_ptr<Transport> ThreadTransportHub::endpoint(int rank) {
  return std::make_unique<ThreadTransport>(state_, rank);
}

}  // namespace symmbench
