#pragma once
#include <memory>

#include "comm/transport.hpp"

namespace symmbench {

/// N endpoints in one process, for tests: each may be used by its own thread.
class ThreadTransportHub {
 public:
  explicit ThreadTransportHub(int size);

  /// The endpoint of `rank`; keeps the hub alive.
  std::unique_ptr<Transport> endpoint(int rank);

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace symmbench
