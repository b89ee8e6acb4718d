#include "comm/start_rounds.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>

#include <algorithm>
#include <ctime>

#include "comm/wire.hpp"

namespace symmbench {
namespace {

/// For a failure to leave rank 0, which then ends.
constexpr double kTellOthers_s = 1;
/// Nobody computes while ranks gather; a waiting rank leaves the core to those that are still on their way.
constexpr std::chrono::microseconds kGatherSpin{500};
constexpr long kGatherNap_ns = 200'000;

enum class StartAnswer : std::uint8_t { texts, failure };

struct StartArrival {
  std::string step, text;
};

Blob encode_arrival(const StartArrival& arrival) {
  WireWriter writer;
  writer.text(arrival.step);
  writer.text(arrival.text);
  return writer.take();
}

StartArrival decode_arrival(std::span<const std::byte> message) {
  WireReader reader(message, "start round");
  StartArrival arrival{.step = reader.text(), .text = reader.text()};
  reader.expect_end();
  return arrival;
}

}  // namespace

std::optional<PeerMessage> StartRounds::next(const Deadline& deadline) {
  const auto since = Clock::now();
  while (true) {
    if (auto message = transport_.receive()) return message;
    if (deadline.expired()) return std::nullopt;
    if (Clock::now() - since < kGatherSpin) {
      sched_yield();
    } else {
      const timespec nap{.tv_sec = 0, .tv_nsec = kGatherNap_ns};
      nanosleep(&nap, nullptr);
    }
  }
}

std::vector<std::string> StartRounds::gather(std::string_view step, const std::string& mine) {
  if (transport_.rank() == 0) return lead(step, mine);
  transport_.send(0, encode_arrival({.step = std::string(step), .text = mine}));
  const auto message = next(Deadline::in_seconds(2 * limit_s_));
  if (!message) {
    throw Error({.layer = Layer::comm,
                 .reason = Reason::timed_out,
                 .detail = fmt::format("start-up step '{}': rank {} heard nothing of rank 0 for {:.3g} s", step,
                                       transport_.rank(), 2 * limit_s_),
                 .rank = transport_.rank(),
                 .peer = 0});
  }
  WireReader reader(message->bytes, "start round");
  if (static_cast<StartAnswer>(reader.u8()) == StartAnswer::failure) throw Error(read_failure(reader));
  std::vector<std::string> texts(static_cast<std::size_t>(transport_.size()));
  for (auto& text : texts) text = reader.text();
  return texts;
}

std::vector<std::string> StartRounds::lead(std::string_view step, const std::string& mine) {
  const auto ranks = static_cast<std::size_t>(transport_.size());
  std::vector<std::string> texts(ranks);
  std::vector<bool> came(ranks, false);
  texts[0] = mine;
  came[0] = true;
  const auto deadline = Deadline::in_seconds(limit_s_);
  std::size_t missing = ranks - 1;
  while (missing > 0) {
    const auto message = next(deadline);
    if (!message) {
      std::vector<int> absent;
      for (std::size_t rank = 0; rank < ranks; ++rank) {
        if (!came[rank]) absent.push_back(static_cast<int>(rank));
      }
      fail(Reason::timed_out, absent.front(),
           fmt::format("start-up step '{}': rank{} {} did not come within {:.3g} s", step,
                       absent.size() == 1 ? "" : "s", fmt::join(absent, ", "), limit_s_));
    }
    StartArrival arrival = decode_arrival(message->bytes);
    if (!came[static_cast<std::size_t>(message->from)]) --missing;
    came[static_cast<std::size_t>(message->from)] = true;
    if (arrival.step != step) {
      fail(Reason::disagreement, message->from,
           fmt::format("rank {} is at start-up step '{}', rank 0 at '{}'", message->from, arrival.step, step));
    }
    texts[static_cast<std::size_t>(message->from)] = std::move(arrival.text);
  }
  WireWriter writer;
  writer.u8(static_cast<std::uint8_t>(StartAnswer::texts));
  for (const auto& text : texts) writer.text(text);
  const Blob answer = writer.take();
  for (int rank = 1; rank < transport_.size(); ++rank) transport_.send(rank, answer);
  return texts;
}

/// Tells those that came, and those that still may.
void StartRounds::fail(Reason reason, int peer, std::string detail) {
  const Failure failure{.layer = Layer::comm, .reason = reason, .detail = std::move(detail), .rank = 0, .peer = peer};
  WireWriter writer;
  writer.u8(static_cast<std::uint8_t>(StartAnswer::failure));
  write_failure(writer, failure);
  const Blob answer = writer.take();
  for (int rank = 1; rank < transport_.size(); ++rank) transport_.send(rank, answer);
  const auto bound = Deadline::in_seconds(kTellOthers_s);
  while (!transport_.all_sent() && !bound.expired()) sched_yield();
  throw Error(failure);
}

}  // namespace symmbench
