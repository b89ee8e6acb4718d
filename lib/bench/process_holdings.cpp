#include "bench/process_holdings.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>

#include "bench/open_descriptors.hpp"

namespace symmbench {
namespace {

std::int64_t words_in(const std::filesystem::path& file) {
  std::ifstream text(file);
  return std::distance(std::istream_iterator<std::string>(text), std::istream_iterator<std::string>());
}

/// A file in /dev/shm that is only named there could be another job's; what is mapped here is ours.
std::int64_t shm_mappings() {
  std::ifstream maps("/proc/self/maps");
  std::int64_t count = 0;
  for (std::string line; std::getline(maps, line);) count += line.find(" /dev/shm/") != std::string::npos;
  return count;
}

/// A thread that was joined may still be listed for a moment: its exit clears what a join waits for before it leaves the
/// list. From the start of its exit on it has the kernel's PF_EXITING (proc(5), /proc/PID/stat, flags).
bool is_exiting(const std::filesystem::path& task) {
  constexpr unsigned kExiting = 0x4;
  constexpr int kBetweenNameAndFlags = 6;  // state, parent, group, session, terminal and its group
  std::ifstream file(task / "stat");
  const std::string stat{std::istreambuf_iterator<char>(file), {}};
  const auto name_end = stat.rfind(')');  // a name may hold anything
  if (name_end == std::string::npos) return true;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  for (int i = 0; i < kBetweenNameAndFlags; ++i) fields >> skipped;
  unsigned flags = 0;
  fields >> flags;
  return (flags & kExiting) != 0;
}

}  // namespace

ProcessHoldings process_holdings() {
  ProcessHoldings holdings{.descriptors = open_descriptors(), .shm = shm_mappings()};
  std::error_code failed;
  for (std::filesystem::directory_iterator task("/proc/self/task", failed), end; !failed && task != end;
       task.increment(failed)) {
    if (!is_exiting(task->path())) ++holdings.threads;
    holdings.processes += words_in(task->path() / "children");
  }
  return holdings;
}

}  // namespace symmbench
