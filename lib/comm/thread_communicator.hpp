#pragma once
#include <chrono>
#include <memory>

#include "comm/communicator.hpp"
#include "core/error.hpp"

namespace symmbench {

/// N ranks as N threads of one process, over the same RoundTable that the coordinator uses: the same rounds, the same
/// failures, no sockets. For tests (ThreadSanitizer sees all ranks at once) and for one-process runs.
/// Copies share the world.
class ThreadWorld {
 public:
  ThreadWorld(int size, std::chrono::nanoseconds step_timeout);

  int size() const;

  /// The world communicator of `rank`; call it once for each rank, from any thread. Destroying it means that the rank
  /// leaves: others that still wait for it get peer_failed. It keeps the world alive.
  std::unique_ptr<Communicator> communicator(int rank);

  /// `rank` takes part no more, because of `failure`; whoever waits for it is told now. Callable from any thread.
  void leave(int rank, const Failure& failure);

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace symmbench
