#pragma once
#include <cstdint>

namespace symmbench {

/// What this process has of the system's countable things, beside what a driver gave it.
struct ProcessHoldings {
  std::int64_t descriptors = 0;
  std::int64_t threads = 0;
  std::int64_t processes = 0;  ///< children that have not been waited for
  std::int64_t shm = 0;        ///< objects of /dev/shm in its address space, each once for every piece of it
};

ProcessHoldings process_holdings();

}  // namespace symmbench
