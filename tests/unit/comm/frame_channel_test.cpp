#include "comm/frame_channel.hpp"

#include <sys/socket.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cerrno>
#include <cstring>
#include <functional>
#include <thread>

#include "comm/faulty_socket.hpp"
#include "core/error.hpp"
#include "support/descriptors.hpp"

using namespace symmbench;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr auto kPatience = 60s;

struct Pair {
  Pair() : Pair(make_channel_sockets()) {}
  explicit Pair(std::pair<UniqueFd, UniqueFd> ends)
      : near(std::move(ends.first), "the worker"), far(std::move(ends.second), "the supervisor") {}
  FrameChannel near;
  FrameChannel far;
};

Blob filled(std::size_t bytes, int value) { return Blob(bytes, static_cast<std::byte>(value)); }

Failure failure_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.failure();
  }
  return {.detail = "nothing was thrown"};
}

/// {length, kind} as they stand on the wire.
Blob header(std::uint32_t length, std::uint32_t kind) {
  Blob bytes(8);
  std::memcpy(bytes.data(), &length, 4);
  std::memcpy(bytes.data() + 4, &kind, 4);
  return bytes;
}

void write_raw(int fd, std::span<const std::byte> bytes) {
  REQUIRE(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
}

}  // namespace

TEST_CASE("frames arrive whole and in order, also empty ones") {
  Pair pair;
  for (int i = 0; i < 100; ++i) {
    pair.near.send(static_cast<std::uint32_t>(i), filled(static_cast<std::size_t>(i) * 7, i), Deadline::in(kPatience));
  }
  for (int i = 0; i < 100; ++i) {
    const Frame frame = pair.far.receive(Deadline::in(kPatience));
    CHECK(frame.kind == static_cast<std::uint32_t>(i));
    CHECK(frame.payload == filled(static_cast<std::size_t>(i * 7), i));
  }
  CHECK_FALSE(pair.far.try_receive());
}

TEST_CASE("a frame that comes byte by byte is complete with its last byte") {
  auto [near, far] = make_channel_sockets();
  FrameChannel channel(std::move(far), "the supervisor");
  Blob bytes = header(3, 9);
  for (const int value : {1, 2, 3}) bytes.push_back(static_cast<std::byte>(value));
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    write_raw(near.get(), std::span(bytes).subspan(i, 1));
    CHECK_FALSE(channel.try_receive());
  }
  write_raw(near.get(), std::span(bytes).last(1));
  const auto frame = channel.try_receive();
  REQUIRE(frame);
  CHECK(frame->kind == 9);
  CHECK(frame->payload.size() == 3);
}

TEST_CASE("a frame larger than the socket's buffer goes through without waiting on the queueing side") {
  Pair pair;
  const Blob large = filled(8 << 20, 5);
  pair.near.queue(1, large);
  pair.near.queue(2, filled(3, 6));
  CHECK_FALSE(pair.near.flush());
  CHECK(pair.near.wants_write());
  std::vector<Frame> frames;
  while (frames.size() < 2) {
    pair.near.flush();
    while (auto frame = pair.far.try_receive()) frames.push_back(std::move(*frame));
  }
  CHECK(frames[0].payload == large);
  CHECK(frames[1].kind == 2);
  CHECK_FALSE(pair.near.wants_write());
}

TEST_CASE("both ends can send large frames at the same time when one of them queues") {
  Pair pair;
  const Blob large = filled(4 << 20, 1);
  std::thread waiting([&] { pair.near.send(1, large, Deadline::in(kPatience)); });
  pair.far.queue(2, large);
  std::optional<Frame> frame;
  while (!frame) {
    pair.far.flush();
    frame = pair.far.try_receive();
  }
  waiting.join();
  CHECK(frame->payload == large);
}

TEST_CASE("a wait for a frame that does not come is bounded and names the other end") {
  Pair pair;
  const Failure failure = failure_of([&] { pair.far.receive(Deadline::in(30ms)); });
  CHECK(failure.reason == Reason::timed_out);
  CHECK_THAT(failure.detail, ContainsSubstring("the supervisor"));
}

TEST_CASE("a send to an end that does not read is bounded") {
  Pair pair;
  const Failure failure = failure_of([&] { pair.near.send(1, filled(16 << 20, 1), Deadline::in(30ms)); });
  CHECK(failure.reason == Reason::timed_out);
  CHECK_THAT(failure.detail, ContainsSubstring("the worker took"));
}

TEST_CASE("what came before the other end closed is delivered, then the end is seen") {
  auto [near, far] = make_channel_sockets();
  FrameChannel channel(std::move(far), "the supervisor");
  {
    FrameChannel sender(std::move(near), "the worker");
    sender.send(1, filled(10, 1), Deadline::in(kPatience));
    sender.send(2, filled(10, 2), Deadline::in(kPatience));
  }
  CHECK(channel.try_receive()->kind == 1);
  CHECK_FALSE(channel.closed());
  CHECK(channel.receive(Deadline::in(kPatience)).kind == 2);
  CHECK_FALSE(channel.try_receive());
  CHECK(channel.closed());
  const Failure failure = failure_of([&] { channel.receive(Deadline::in(kPatience)); });
  CHECK(failure.reason == Reason::peer_failed);
  CHECK_THAT(failure.detail, ContainsSubstring("the supervisor closed the channel"));
}

TEST_CASE("an end that closes inside a frame is seen as closed, with what was missing") {
  auto [near, far] = make_channel_sockets();
  FrameChannel channel(std::move(far), "the supervisor");
  write_raw(near.get(), header(100, 1));
  write_raw(near.get(), filled(40, 1));
  near.reset();
  CHECK_FALSE(channel.try_receive());
  CHECK(channel.closed());
  CHECK(channel.unfinished_bytes() == 48);
  CHECK_THAT(failure_of([&] { channel.receive(Deadline::in(kPatience)); }).detail, ContainsSubstring("inside a frame"));
}

TEST_CASE("sending to a closed end fails without a signal; queueing to it is forgotten") {
  auto [near, far] = make_channel_sockets();
  FrameChannel channel(std::move(near), "the worker");
  far.reset();
  CHECK(failure_of([&] { channel.send(1, filled(10, 1), Deadline::in(kPatience)); }).reason == Reason::peer_failed);
  channel.queue(2, filled(10, 1));
  CHECK(channel.flush());
  CHECK_FALSE(channel.wants_write());
}

TEST_CASE("a giant frame is refused by the sender") {
  Pair pair;
  const Blob giant(kMaxFrameBytes + 1);
  CHECK(failure_of([&] { pair.near.send(1, giant, Deadline::in(kPatience)); }).reason == Reason::capacity_exceeded);
  CHECK_FALSE(pair.near.wants_write());
}

TEST_CASE("a giant frame is refused by the receiver before it makes room for it") {
  for (const std::uint32_t length : {kMaxFrameBytes + 1, 0xffffffffU}) {
    auto [near, far] = make_channel_sockets();
    FrameChannel channel(std::move(far), "the supervisor");
    write_raw(near.get(), header(length, 1));
    const Failure failure = failure_of([&] { channel.try_receive(); });
    CHECK(failure.reason == Reason::corrupted);
    CHECK_THAT(failure.detail, ContainsSubstring("announces a frame of " + std::to_string(length)));
  }
}

TEST_CASE("frames of other kinds are set aside for the next receive, in order") {
  Pair pair;
  for (const std::uint32_t kind : {20U, 21U, 2U, 22U}) pair.near.send(kind, {}, Deadline::in(kPatience));
  CHECK(pair.far.receive_kind(2, Deadline::in(kPatience)).kind == 2);
  CHECK(pair.far.receive_kind(21, Deadline::in(kPatience)).kind == 21);
  CHECK(pair.far.receive(Deadline::in(kPatience)).kind == 20);
  CHECK(pair.far.try_receive()->kind == 22);
  CHECK_FALSE(pair.far.try_receive());
}

TEST_CASE("an end of stream does not hide frames that were set aside") {
  auto [near, far] = make_channel_sockets();
  FrameChannel channel(std::move(far), "the supervisor");
  {
    FrameChannel sender(std::move(near), "the worker");
    sender.send(20, {}, Deadline::in(kPatience));
  }
  CHECK(failure_of([&] { channel.receive_kind(2, Deadline::in(kPatience)); }).reason == Reason::peer_failed);
  CHECK_FALSE(channel.closed());
  CHECK(channel.try_receive()->kind == 20);
  CHECK(channel.closed());
}

TEST_CASE("channels leave no descriptors behind") {
  const long before = test::open_descriptors();
  {
    const Pair pair;
    CHECK(test::open_descriptors() == before + 2);
  }
  CHECK(test::open_descriptors() == before);
}

TEST_CASE("what the system refuses is told with call and code, and what was queued goes out with the next send") {
  Pair pair;
  pair.near.use(std::make_unique<FaultySocket>(std::vector<ChannelFault>{
      {.call = ChannelCall::send, .nth = 2, .code = ENOMEM}, {.call = ChannelCall::recv, .nth = 1, .code = EIO}}));
  pair.near.send(1, filled(3, 1), Deadline::in(kPatience));
  const Failure refused = failure_of([&] { pair.near.send(2, filled(3, 2), Deadline::in(kPatience)); });
  CHECK(refused.call == "send");
  CHECK(refused.code == ENOMEM);
  CHECK_THAT(refused.detail, ContainsSubstring("the worker"));
  pair.near.send(3, filled(3, 3), Deadline::in(kPatience));
  for (std::uint32_t kind = 1; kind <= 3; ++kind) {
    const Frame frame = pair.far.receive(Deadline::in(kPatience));
    CHECK(frame.kind == kind);
    CHECK(frame.payload == filled(3, static_cast<int>(kind)));
  }
  pair.far.send(4, filled(3, 4), Deadline::in(kPatience));
  CHECK(failure_of([&] { pair.near.receive(Deadline::in(kPatience)); }).code == EIO);
  CHECK(pair.near.receive(Deadline::in(kPatience)).kind == 4);
}

TEST_CASE("interruptions and calls that move one byte change nothing") {
  Pair pair;
  const auto faults = [](int code) {
    return std::make_unique<FaultySocket>(
        std::vector<ChannelFault>{{.call = ChannelCall::send, .nth = 1, .times = 40, .code = code},
                                  {.call = ChannelCall::recv, .nth = 1, .times = 40, .code = code}});
  };
  for (const int code : {EINTR, ChannelFault::kShort}) {
    pair.near.use(faults(code));
    pair.far.use(faults(code));
    for (std::uint32_t kind = 1; kind <= 3; ++kind) pair.near.send(kind, filled(100, 7), Deadline::in(kPatience));
    for (std::uint32_t kind = 1; kind <= 3; ++kind) {
      const Frame frame = pair.far.receive(Deadline::in(kPatience));
      CHECK(frame.kind == kind);
      CHECK(frame.payload == filled(100, 7));
    }
  }
}
