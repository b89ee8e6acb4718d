#pragma once
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

#include "device/stream.hpp"
#include "support/driver_conformance.hpp"

namespace symmbench {

/// What every Stream must do, whatever the device: call it as the body of a TEST_CASE. (device/stream.hpp)
inline void stream_conformance(const MakeDriver& make) {
  constexpr std::uint64_t kWords = 4096;
  constexpr std::uint64_t kBytes = kWords * sizeof(std::uint32_t);
  const auto driver = make();
  const DevicePtr device = driver->allocate_local(kBytes);
  const DevicePtr other = driver->allocate_local(kBytes);
  {
    const auto stream = driver->make_stream();
    std::vector<std::uint32_t> host(kWords, 0);

    SECTION("work runs in the order in which it was enqueued") {
      for (std::uint32_t i = 1; i <= 200; ++i) {
        stream->fill(device, i, kWords);
        stream->copy(to_pointer(other), to_pointer(device), kBytes);
      }
      stream->copy(host.data(), to_pointer(other), kBytes);
      stream->synchronize();
      CHECK(host == std::vector<std::uint32_t>(kWords, 200));
    }

    SECTION("copies go in every direction") {
      for (std::uint32_t i = 0; i < kWords; ++i) host[i] = i;
      std::vector<std::uint32_t> back(kWords, 0), direct(kWords, 0);
      stream->copy(to_pointer(device), host.data(), kBytes);
      stream->copy(to_pointer(other), to_pointer(device), kBytes);
      stream->copy(back.data(), to_pointer(other), kBytes);
      stream->copy(direct.data(), host.data(), kBytes);
      stream->synchronize();
      CHECK(back == host);
      CHECK(direct == host);
    }

    SECTION("a fill writes its words and nothing beside them") {
      stream->fill(device, 7, kWords);
      stream->fill(device + 8, 0x80000000, 3);
      stream->copy(host.data(), to_pointer(device), kBytes);
      stream->synchronize();
      CHECK(host[1] == 7);
      CHECK(host[2] == 0x80000000);
      CHECK(host[4] == 0x80000000);
      CHECK(host[5] == 7);
    }

    SECTION("nothing to do is allowed") {
      stream->copy(nullptr, nullptr, 0);
      stream->fill(device, 0, 0);
      stream->synchronize();
      stream->synchronize();
    }

    SECTION("events measure forwards in time") {
      const auto a = stream->make_event();
      const auto b = stream->make_event();
      const auto c = stream->make_event();
      stream->record(*a);
      stream->fill(device, 1, kWords);
      stream->record(*b);
      stream->fill(device, 2, kWords);
      stream->record(*c);
      stream->synchronize();
      CHECK(stream->elapsed_us(*a, *b) >= 0);
      CHECK(stream->elapsed_us(*b, *c) >= 0);
      CHECK(stream->elapsed_us(*a, *c) >= stream->elapsed_us(*a, *b));
      CHECK(stream->elapsed_us(*a, *a) == 0);
    }

    SECTION("an event that was never recorded has no time") {
      const auto a = stream->make_event();
      const auto b = stream->make_event();
      stream->record(*a);
      stream->synchronize();
      CHECK(failure_of([&] { stream->elapsed_us(*a, *b); }).layer == Layer::driver);
    }

    SECTION("captured work runs when the graph is launched, as often as it is") {
      stream->fill(device, 1, kWords);
      stream->fill(other, 0, kWords);
      stream->synchronize();
      const auto graph = stream->capture([&] {
        stream->copy(to_pointer(other), to_pointer(device), kBytes);
        stream->fill(device, 2, kWords);
      });
      stream->copy(host.data(), to_pointer(other), kBytes);
      stream->synchronize();
      CHECK(host.front() == 0);  // nothing ran yet

      graph->launch();
      stream->copy(host.data(), to_pointer(other), kBytes);
      stream->synchronize();
      CHECK(host == std::vector<std::uint32_t>(kWords, 1));

      graph->launch();
      graph->launch();
      stream->copy(host.data(), to_pointer(other), kBytes);
      stream->synchronize();
      CHECK(host == std::vector<std::uint32_t>(kWords, 2));
    }

    SECTION("a capture can neither be nested nor waited for") {
      CHECK(failure_of([&] { stream->capture([&] { stream->synchronize(); }); }).reason == Reason::illegal_state);
      CHECK(failure_of([&] { stream->capture([&] { stream->capture([] {}); }); }).reason == Reason::illegal_state);
      stream->fill(device, 9, 1);  // and the stream still works
      stream->copy(host.data(), to_pointer(device), sizeof(std::uint32_t));
      stream->synchronize();
      CHECK(host.front() == 9);
    }

    SECTION("an exception in a capture ends it and reaches the caller") {
      CHECK_THROWS_AS(stream->capture([&] {
        stream->fill(device, 3, kWords);
        throw std::runtime_error("no");
      }),
                      std::runtime_error);
      stream->fill(device, 4, 1);
      stream->copy(host.data(), to_pointer(device), sizeof(std::uint32_t));
      stream->synchronize();
      CHECK(host.front() == 4);
    }
  }
  driver->free_local(device);
  driver->free_local(other);
}

}  // namespace symmbench
