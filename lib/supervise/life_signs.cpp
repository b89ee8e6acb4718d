#include "supervise/life_signs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

namespace symmbench {
namespace {

Clock::rep ns_of(Clock::time_point time) { return time.time_since_epoch().count(); }
Clock::time_point time_of(const Json& ns) { return Clock::time_point(Clock::duration(ns.get<Clock::rep>())); }

}  // namespace

LifeSigns::LifeSigns(Transport& transport, double leader_s)
    : transport_(transport),
      run_s_(leader_s),
      peers_(transport.size()),
      clocks_(static_cast<std::size_t>(transport.size())) {
  clocks_.at(static_cast<std::size_t>(transport.rank())).same_clock();
  // Rank 0 knows each process before it asks anything of anybody: one may freeze with the first thing that it does.
  if (transport_.rank() != 0) beat();
}

void LifeSigns::begin(double leader_s, double others_s) {
  run_s_ = leader_s;
  others_s_ = others_s;
  peers_.start_anew();
  running_ = true;
  last_beat_ = Clock::now();
  beat_due_ = Deadline::in_seconds(0);
}

std::optional<Failure> LifeSigns::fallen() {
  if (auto death = peers_.death()) return death;
  return running_ ? peers_.frozen(transport_.rank(), others_s_) : std::nullopt;
}

std::optional<Failure> LifeSigns::beat() {
  if (!beat_due_.expired()) return std::nullopt;
  const double pause_s = std::chrono::duration<double>(Clock::now() - last_beat_).count();
  if (pause_s > 2 * deadline::kBeat_s) {
    last_pause_s_ = pause_s;
    peers_.could_not_hear_for(pause_s);
  }
  last_beat_ = Clock::now();
  beat_due_ = Deadline::in_seconds(deadline::kBeat_s);
  if (transport_.rank() != 0) {
    Json body = to_json(self_);
    body["now_ns"] = ns_of(Clock::now());
    body.update(leader_sign_);
    transport_.send(0, envelope(message::kAlive, body_of(body)));
    return std::nullopt;
  }
  tell_alive(run_s_);
  if (!running_ || pause_s <= run_s_) return std::nullopt;
  return own_pause();
}

double LifeSigns::paused_s() const {
  return std::max(last_pause_s_, std::chrono::duration<double>(Clock::now() - last_beat_).count());
}

Failure LifeSigns::own_pause() const {
  Failure failure{.layer = Layer::supervisor, .reason = Reason::timed_out, .rank = transport_.rank()};
  failure.host = self_.host;
  failure.pid = self_.pid;
  failure.detail = fmt::format("rank {}'s process ({}) did not run for {:.3g} s: it was stopped, or got no processor",
                               transport_.rank(), self_.text(), paused_s());
  return failure;
}

void LifeSigns::tell_alive(double within_s) {
  Json body = to_json(self_);
  body["within_s"] = within_s;
  body["now_ns"] = ns_of(Clock::now());
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
    const ProcessIdentity who = process_identity_from(body);
    learn_clock(from, who, body);
    peers_.identify(from, who);
    leader_s_ = body.value("within_s", leader_s_);
  }
  if (message.kind == message::kInterrupted) peers_.leaves(from);
  if (from == 0) leader_lost_ = Deadline::in_seconds(leader_s_);
}

void LifeSigns::learn_clock(int from, const ProcessIdentity& who, const Json& sign) {
  const auto now = Clock::now();
  if (!sign.contains("now_ns")) return;
  if (from == 0) {
    leader_sign_ = {{"leader_sent_ns", sign.at("now_ns")}, {"leader_heard_ns", ns_of(now)}};
    return;
  }
  ClockBounds& clock = clocks_.at(static_cast<std::size_t>(from));
  if (share_clock(who, self_)) clock.same_clock();
  clock.heard(time_of(sign.at("now_ns")), now);
  if (sign.contains("leader_sent_ns")) {
    clock.echoed(time_of(sign.at("leader_sent_ns")), time_of(sign.at("leader_heard_ns")), now);
  }
}

bool LifeSigns::look_due(bool now) {
  if (!now && !look_due_.expired()) return false;
  look_due_ = Deadline::in_seconds(deadline::kBeat_s);
  return true;
}

}  // namespace symmbench
