#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "core/unique_fd.hpp"

namespace symmbench {

/// Whether a message of the kernel may explain what befalls a run: of the GPU's driver, of a process that was killed for
/// want of memory, of a worker that crashed.
bool tells_of_a_run(std::string_view message);

/// The kernel's log of this host from construction on, as far as it may be read. For one process of a host.
class KernelLog {
 public:
  /// At most so many lines are kept, over the whole run; the others are counted.
  static constexpr std::size_t kMostLines = 200;

  /// Never throws: a log that cannot be opened is told of by news().
  explicit KernelLog(int rank, const char* path = "/dev/kmsg");
  /// A log that is open already, read from where it stands; records come one per read(2), as from /dev/kmsg.
  KernelLog(int rank, UniqueFd log) : rank_(rank), log_(std::move(log)) {}

  /// Does not wait. Records (KernelLogRecord) of what came since the last call; the first one is there in any case, and says
  /// whether the log can be read at all.
  std::vector<Json> news();

 private:
  int rank_;
  UniqueFd log_;
  std::string unreadable_;
  std::size_t kept_ = 0;
  bool told_ = false;
};

}  // namespace symmbench
