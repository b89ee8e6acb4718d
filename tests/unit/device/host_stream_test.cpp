#include "device/host/host_stream.hpp"

#include <atomic>
#include <barrier>
#include <catch2/catch_test_macros.hpp>
#include <latch>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/clock.hpp"
#include "device/host/host_driver.hpp"
#include "support/stream_conformance.hpp"
#include "unit/device/process_probe.hpp"

namespace symmbench {
namespace {

TEST_CASE("the host stream keeps the stream contract") {
  stream_conformance([] { return std::make_unique<HostDriver>(); });
}

TEST_CASE("the host stream keeps the stream contract with one block thread") {
  stream_conformance([] { return std::make_unique<HostDriver>(HostDriverOptions{.block_threads = 1}); });
}

TEST_CASE("each block runs exactly once, however many there are") {
  constexpr std::uint32_t kBlocks = 1000;
  for (const std::uint32_t threads : {1u, 2u, 5u}) {
    HostStream stream(threads);
    std::vector<std::atomic<int>> seen(kBlocks);
    for (int round = 0; round < 3; ++round) {
      stream.launch(kBlocks, [&](std::uint32_t block) { ++seen[block]; });
    }
    stream.synchronize();
    bool all_three = true;
    for (const auto& count : seen) all_three = all_three && count == 3;
    CHECK(all_three);
  }
}

TEST_CASE("blocks are drawn in the order of their numbers") {
  HostStream stream(1);
  std::vector<std::uint32_t> order;
  stream.launch(5, [&](std::uint32_t block) { order.push_back(block); });
  stream.synchronize();
  CHECK(order == std::vector<std::uint32_t>{0, 1, 2, 3, 4});
}

TEST_CASE("blocks that wait for one another all run at the same time") {
  for (const std::uint32_t threads : {2u, 4u}) {
    HostStream stream(threads);
    std::barrier meeting(threads);
    std::atomic<int> met{0};
    for (int i = 0; i < 500; ++i) {
      stream.launch(threads, [&](std::uint32_t) {
        meeting.arrive_and_wait();
        ++met;
      });
    }
    stream.synchronize();
    CHECK(met == static_cast<int>(500 * threads));
  }
}

TEST_CASE("an entry starts after every block of the one before it has ended") {
  HostStream stream(3);
  std::atomic<std::uint32_t> ended{0};
  std::atomic<bool> early{false};
  for (std::uint32_t i = 0; i < 300; ++i) {
    stream.launch(3, [&, i](std::uint32_t) {
      if (ended.load() / 3 != i) early = true;
      ended.fetch_add(1);
    });
  }
  stream.synchronize();
  CHECK_FALSE(early);
  CHECK(ended == 900);
}

TEST_CASE("enqueueing returns before the work is done") {
  HostStream stream;
  std::latch gate(1);
  std::atomic<bool> done{false};
  const auto event = stream.make_event();
  stream.launch(1, [&](std::uint32_t) {
    gate.wait();
    done = true;
  });
  stream.record(*event);
  CHECK_FALSE(done);
  CHECK(failure_of([&] { stream.elapsed_us(*event, *event); }).reason == Reason::not_ready);
  gate.count_down();
  stream.synchronize();
  CHECK(done);
  CHECK(stream.elapsed_us(*event, *event) == 0);

  std::latch second(1);
  stream.launch(1, [&](std::uint32_t) { second.wait(); });
  stream.record(*event);  // again: the first time no longer counts
  CHECK(failure_of([&] { stream.elapsed_us(*event, *event); }).reason == Reason::not_ready);
  second.count_down();
  stream.synchronize();
}

TEST_CASE("a failure in a block shows at synchronize and only there") {
  HostStream stream;
  std::latch failed(1);
  const auto event = stream.make_event();
  stream.launch(1, [&](std::uint32_t) {
    failed.count_down();
    throw std::runtime_error("flag never came");
  });
  failed.wait();
  bool ran = false;
  CHECK_NOTHROW(stream.launch(1, [&](std::uint32_t) { ran = true; }));
  CHECK_NOTHROW(stream.record(*event));
  const Failure failure = failure_of([&] { stream.synchronize(); });
  CHECK(failure.layer == Layer::kernel);
  CHECK(failure.reason == Reason::internal);
  CHECK(failure.code == driver_code::kLaunchFailed);
  CHECK(failure.detail == "flag never came");
  CHECK_FALSE(ran);  // what stood behind it was skipped
  CHECK(failure_of([&] { stream.elapsed_us(*event, *event); }).reason == Reason::not_ready);

  CHECK_NOTHROW(stream.synchronize());  // reported once
  stream.launch(1, [&](std::uint32_t) { ran = true; });
  stream.synchronize();
  CHECK(ran);
}

TEST_CASE("entries that were enqueued before the failure are skipped as well") {
  HostStream stream;
  std::latch gate(1);
  std::atomic<int> ran{0};
  stream.launch(2, [&](std::uint32_t) {
    gate.wait();
    throw std::runtime_error("too late");
  });
  for (int i = 0; i < 3; ++i) stream.launch(2, [&](std::uint32_t) { ++ran; });
  gate.count_down();
  CHECK(failure_of([&] { stream.synchronize(); }).detail == "too late");
  CHECK(ran == 0);
}

TEST_CASE("a failure that a block explains keeps its explanation") {
  HostStream stream;
  stream.launch(2, [](std::uint32_t block) {
    if (block == 1) {
      throw Error(
          {.layer = Layer::verify, .reason = Reason::timed_out, .call = "one_shot", .detail = "packet 7", .peer = 3});
    }
  });
  const Failure failure = failure_of([&] { stream.synchronize(); });
  CHECK(failure.layer == Layer::kernel);
  CHECK(failure.reason == Reason::timed_out);
  CHECK(failure.call == "one_shot");
  CHECK(failure.peer == 3);
}

TEST_CASE("something thrown that is no std::exception is still a kernel failure") {
  HostStream stream;
  stream.launch(1, [](std::uint32_t) { throw 7; });
  CHECK(failure_of([&] { stream.synchronize(); }).layer == Layer::kernel);
}

TEST_CASE("a failed kernel begins no further block") {
  HostStream stream(1);
  std::uint32_t begun = 0;
  stream.launch(100, [&](std::uint32_t) {
    ++begun;
    throw std::runtime_error("first");
  });
  CHECK(failure_of([&] { stream.synchronize(); }).detail == "first");
  CHECK(begun == 1);
}

TEST_CASE("a kernel without blocks is refused") {
  HostStream stream;
  CHECK(failure_of([&] { stream.launch(0, [](std::uint32_t) {}); }).code == driver_code::kInvalidValue);
}

TEST_CASE("a fill of unaligned words is refused") {
  HostStream stream;
  alignas(4) char bytes[16] = {};
  const auto failure = failure_of([&] { stream.fill(reinterpret_cast<DevicePtr>(bytes + 1), 0, 1); });
  CHECK(failure.code == driver_code::kInvalidValue);
}

TEST_CASE("an event of another device is refused") {
  struct Foreign final : Event {};
  HostStream stream;
  Foreign event;
  CHECK(failure_of([&] { stream.record(event); }).code == driver_code::kInvalidHandle);
  CHECK(failure_of([&] { stream.elapsed_us(event, event); }).code == driver_code::kInvalidHandle);
}

TEST_CASE("a graph runs multi-block kernels and events, and can be part of another graph") {
  HostStream stream(2);
  std::atomic<int> runs{0};
  const auto start = stream.make_event();
  const auto end = stream.make_event();
  const auto inner = stream.capture([&] {
    stream.record(*start);
    stream.launch(4, [&](std::uint32_t) { ++runs; });
    stream.record(*end);
  });
  const auto outer = stream.capture([&] {
    inner->launch();
    inner->launch();
  });
  stream.synchronize();
  CHECK(runs == 0);
  outer->launch();
  outer->launch();
  stream.synchronize();
  CHECK(runs == 16);
  CHECK(stream.elapsed_us(*start, *end) >= 0);
}

TEST_CASE("a destroyed stream abandons what has not begun and lets the running entry end") {
  auto token = std::make_shared<int>(0);
  std::atomic<bool> abandoned{false};
  std::atomic<bool> next_ran{false};
  std::latch begun(1);
  auto stream = std::make_unique<HostStream>();
  stream->launch(1, [&, waiting_for = std::weak_ptr<int>(token)](std::uint32_t) {
    begun.count_down();
    // Only the destructor drops the entry behind this one, and with it the token.
    const Deadline deadline = Deadline::in_seconds(60);
    while (!waiting_for.expired() && !deadline.expired()) std::this_thread::yield();
    abandoned = waiting_for.expired();
  });
  stream->launch(1, [&, held = std::move(token)](std::uint32_t) { next_ran = true; });
  begun.wait();
  stream.reset();
  CHECK(abandoned);
  CHECK_FALSE(next_ran);
}

TEST_CASE("an event may go before the work that records it") {
  HostStream stream;
  std::latch gate(1);
  stream.launch(1, [&](std::uint32_t) { gate.wait(); });
  stream.record(*stream.make_event());
  gate.count_down();
  CHECK_NOTHROW(stream.synchronize());
}

TEST_CASE("a stream whose threads cannot be made says so") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  SKIP("sanitizers need more address space than the limit leaves");
#endif
  // In a child: the limit on address space, which stands for any lack of room for threads, cannot be taken back.
  const int status = run_in_child([] {
    const rlimit limit{.rlim_cur = address_space_bytes() + (512ull << 20), .rlim_max = RLIM_INFINITY};
    if (::setrlimit(RLIMIT_AS, &limit) != 0) return false;
    try {
      const HostStream stream(100'000);
    } catch (const Error& error) {
      const Failure& failure = error.failure();
      return failure.layer == Layer::environment && failure.reason == Reason::capacity_exceeded &&
             failure.call == "pthread_create";
    }
    return false;
  });
  CHECK(status == 0);
}

TEST_CASE("many streams work beside one another") {
  constexpr std::ptrdiff_t kStreams = 40;  // far more threads than cores
  std::vector<std::unique_ptr<HostStream>> streams(kStreams);
  for (auto& stream : streams) stream = std::make_unique<HostStream>();
  std::barrier meeting(2 * kStreams);  // completes only when every block of every stream runs
  for (const auto& stream : streams) {
    for (int i = 0; i < 10; ++i) stream->launch(2, [&](std::uint32_t) { meeting.arrive_and_wait(); });
  }
  for (const auto& stream : streams) CHECK_NOTHROW(stream->synchronize());
}

}  // namespace
}  // namespace symmbench
