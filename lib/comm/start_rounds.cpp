#include "comm/start_rounds.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <string_view>
#include <utility>

#include "comm/wire.hpp"
#include "core/give_way.hpp"

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

/// What two texts begin with together, and what they end with together.
std::pair<std::size_t, std::size_t> shared_ends(std::string_view text, std::string_view first) {
  const auto most = std::min(text.size(), first.size());
  const auto begin = static_cast<std::size_t>(
      std::mismatch(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(most), first.begin()).first -
      text.begin());
  std::size_t end = 0;
  while (end < most - begin && text[text.size() - 1 - end] == first[first.size() - 1 - end]) ++end;
  return {begin, end};
}

/// Mostly all ranks say the same at length, but for a name of their own: the first text goes out whole, of every other
/// one what it has for itself, and per rank which one it is.
void write_texts(WireWriter& writer, const std::vector<std::string>& texts) {
  std::map<std::string_view, std::uint32_t> numbers;
  std::vector<std::string_view> distinct;
  std::vector<std::uint32_t> by_rank;
  for (const auto& text : texts) {
    const auto [at, added] = numbers.try_emplace(text, static_cast<std::uint32_t>(distinct.size()));
    if (added) distinct.push_back(text);
    by_rank.push_back(at->second);
  }
  writer.u32(static_cast<std::uint32_t>(distinct.size()));
  writer.text(distinct.front());
  for (std::size_t i = 1; i < distinct.size(); ++i) {
    const auto [begin, end] = shared_ends(distinct[i], distinct.front());
    writer.u64(begin);
    writer.u64(end);
    writer.text(distinct[i].substr(begin, distinct[i].size() - begin - end));
  }
  for (const auto number : by_rank) writer.u32(number);
}

std::vector<std::string> read_texts(WireReader& reader, int ranks) {
  const std::uint32_t count = reader.u32();
  if (count == 0 || count > static_cast<std::uint32_t>(ranks)) reader.malformed("more texts than ranks");
  std::vector<std::string> distinct{reader.text()};
  const std::string first = distinct.front();
  while (distinct.size() < count) {
    const std::uint64_t begin = reader.u64(), end = reader.u64();
    if (begin > first.size() || end > first.size() - begin) reader.malformed("more in common than there is");
    distinct.push_back(first.substr(0, begin) + reader.text() + first.substr(first.size() - end));
  }
  std::vector<std::string> texts;
  for (int rank = 0; rank < ranks; ++rank) {
    const std::uint32_t number = reader.u32();
    if (number >= count) reader.malformed("a text that was not sent");
    texts.push_back(distinct[number]);
  }
  reader.expect_end();
  return texts;
}

}  // namespace

std::optional<PeerMessage> StartRounds::next(const Deadline& deadline) {
  const auto since = Clock::now();
  while (true) {
    if (auto message = transport_.receive()) return message;
    if (deadline.expired()) return std::nullopt;
    if (Clock::now() - since < kGatherSpin) {
      give_way();
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
  return read_texts(reader, transport_.size());
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
  write_texts(writer, texts);
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
