#include "supervise/life_signs.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <exception>

namespace symmbench {

LifeSigns::LifeSigns(Transport& transport, double leader_s)
    : transport_(transport), run_s_(leader_s), peers_(transport.size()) {}

void LifeSigns::begin() {
  running_ = true;
  last_beat_ = Clock::now();
  beat_due_ = Deadline::in_seconds(0);
}

std::optional<Failure> LifeSigns::beat() {
  if (!beat_due_.expired()) return std::nullopt;
  const double pause_s = std::chrono::duration<double>(Clock::now() - last_beat_).count();
  last_beat_ = Clock::now();
  beat_due_ = Deadline::in_seconds(kBeat_s);
  if (transport_.rank() != 0) {
    transport_.send(0, envelope(message::kAlive, body_of(identity_)));
    return std::nullopt;
  }
  tell_alive(run_s_);
  if (!running_ || pause_s <= run_s_) return std::nullopt;
  Failure failure{.layer = Layer::supervisor, .reason = Reason::timed_out, .rank = 0};
  failure.pid = getpid();
  failure.detail =
      fmt::format("rank 0's process did not run for {:.3g} s: it was stopped, or got no processor", pause_s);
  return failure;
}

void LifeSigns::tell_alive(double within_s) {
  Json body = identity_;
  body["within_s"] = within_s;
  for (int rank = 1; rank < transport_.size(); ++rank) transport_.send(rank, envelope(message::kAlive, body_of(body)));
}

void LifeSigns::announce(double within_s) noexcept try {
  running_ = false;
  tell_alive(within_s);
  transport_.progress();
} catch (const std::exception&) {  // of the transport; whoever needs it next tells of it
}

void LifeSigns::take(int from, const Opened& message) {
  peers_.heard(from);
  if (message.kind == message::kAlive) {
    const Json body = json_of(message.body);
    peers_.identify(from, process_identity_from(body));
    leader_s_ = body.value("within_s", leader_s_);
  }
  if (message.kind == message::kInterrupted) peers_.leaves(from);
  if (from == 0) leader_lost_ = Deadline::in_seconds(leader_s_);
}

bool LifeSigns::look_due(bool now) {
  if (!now && !look_due_.expired()) return false;
  look_due_ = Deadline::in_seconds(kBeat_s);
  return true;
}

}  // namespace symmbench
