#include "comm/thread_transport.hpp"

#include <catch2/catch_test_macros.hpp>
#include <thread>

using namespace symmbench;

TEST_CASE("messages between endpoints arrive in order, also those to oneself") {
  ThreadTransportHub hub(3);
  std::vector<std::vector<int>> seen(3);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < 3; ++rank) {
    threads.emplace_back([&, rank] {
      const auto endpoint = hub.endpoint(rank);
      for (int number = 0; number < 50; ++number) {
        for (int to = 0; to < 3; ++to) endpoint->send(to, Blob(static_cast<std::size_t>(number)));
      }
      std::vector<int> next(3);
      for (int left = 150; left > 0;) {
        const auto message = endpoint->receive();
        if (!message) {
          std::this_thread::yield();
          continue;
        }
        if (message->bytes.size() == static_cast<std::size_t>(next[message->from])) ++next[message->from];
        --left;
      }
      seen[rank] = next;
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& next : seen) CHECK(next == std::vector<int>{50, 50, 50});
}

TEST_CASE("an endpoint with nothing to receive says so without waiting") {
  ThreadTransportHub hub(2);
  const auto endpoint = hub.endpoint(1);
  CHECK_FALSE(endpoint->receive());
  CHECK(endpoint->rank() == 1);
  CHECK(endpoint->size() == 2);
  CHECK(endpoint->all_sent());
}
