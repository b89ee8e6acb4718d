#include "bench/process_holdings.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include "bench/open_descriptors.hpp"
#include "supervise/process_identity.hpp"

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

}  // namespace

ProcessHoldings process_holdings() {
  ProcessHoldings holdings{.descriptors = open_descriptors(), .shm = shm_mappings()};
  std::error_code failed;
  for (std::filesystem::directory_iterator task("/proc/self/task", failed), end; !failed && task != end;
       task.increment(failed)) {
    if (!is_exiting(static_cast<pid_t>(std::stol(task->path().filename().string())))) ++holdings.threads;
    holdings.processes += words_in(task->path() / "children");
  }
  return holdings;
}

}  // namespace symmbench
