#include "device/host/system_memory.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "core/text.hpp"

namespace symmbench {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

/// The first number of a file; nullopt when there is none ("max" in cgroup v2).
std::optional<std::uint64_t> read_number(const fs::path& file) {
  std::ifstream in(file);
  std::uint64_t value = 0;
  if (in >> value) return value;
  return std::nullopt;
}

/// The value behind `key` in "key value" lines.
std::optional<std::uint64_t> read_keyed(const fs::path& file, std::string_view key) {
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    if (line.size() <= key.size() || line.compare(0, key.size(), key) != 0) continue;
    if (line[key.size()] != ' ') continue;
    if (std::uint64_t value = 0; std::istringstream(line.substr(key.size())) >> value) return value;
    return std::nullopt;
  }
  return std::nullopt;
}

/// File names of one cgroup version.
struct CgroupFiles {
  const char* limit;
  const char* usage;
  const char* cache_key;  ///< page cache that is dropped first, in memory.stat
};
constexpr CgroupFiles kVersion1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"};
constexpr CgroupFiles kVersion2{"memory.max", "memory.current", "inactive_file"};

void narrow(MemoryInfo& info, const fs::path& group, const CgroupFiles& files) {
  const auto limit = read_number(group / files.limit);
  const auto usage = read_number(group / files.usage);
  if (!limit || !usage) return;
  info.total_bytes = std::min(info.total_bytes, *limit);
  std::uint64_t room = *limit > *usage ? *limit - *usage : 0;
  if (room >= info.free_bytes) return;  // saves reading memory.stat, by far the slowest of these files
  const std::uint64_t cache = std::min(*usage, read_keyed(group / "memory.stat", files.cache_key).value_or(0));
  room = *limit > *usage - cache ? *limit - (*usage - cache) : 0;
  info.free_bytes = std::min(info.free_bytes, room);
}

/// Every group from `path` up to the mount point. In a container the path may be the outer one and not exist here: the
/// mount point, which is then the container's own group, is visited in any case.
template <class Visit>
void visit_upwards(const fs::path& mount, const std::string& path, const CgroupFiles& files, const Visit& visit) {
  fs::path relative = fs::path(path).relative_path();
  while (!relative.empty()) {
    visit(mount / relative, files);
    relative = relative.parent_path();
  }
  visit(mount, files);
}

/// visit(folder, files) of each memory group above this process.
template <class Visit>
void visit_memory_groups(const fs::path& root, const Visit& visit) {
  // Lines of /proc/self/cgroup: "4:memory:/path" (v1) and "0::/path" (v2); a machine can have both.
  std::ifstream groups(root / "proc/self/cgroup");
  std::string line;
  while (std::getline(groups, line)) {
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string path = line.substr(second + 1);
    const auto controllers = split_list(line.substr(first + 1, second - first - 1));
    if (std::find(controllers.begin(), controllers.end(), "memory") != controllers.end()) {
      visit_upwards(root / "sys/fs/cgroup/memory", path, kVersion1, visit);
    } else if (second == first + 1) {
      visit_upwards(root / "sys/fs/cgroup", path, kVersion2, visit);
    }
  }
}

MemoryInfo memory_of_machine(const fs::path& root) {
  const fs::path meminfo = root / "proc/meminfo";
  const auto kib = [&](std::string_view key) -> std::uint64_t {
    const auto value = read_keyed(meminfo, key);
    return value ? *value * 1024 : kUnlimited;
  };
  return {.free_bytes = kib("MemAvailable:"), .total_bytes = kib("MemTotal:")};
}

}  // namespace

MemoryInfo system_memory(const fs::path& root) {
  MemoryInfo info = memory_of_machine(root);
  visit_memory_groups(root, [&](const fs::path& group, const CgroupFiles& files) { narrow(info, group, files); });
  return info;
}

std::optional<std::uint64_t> memory_limit_of_groups(const fs::path& root) {
  std::optional<std::uint64_t> least;
  const auto machine = memory_of_machine(root).total_bytes;
  visit_memory_groups(root, [&](const fs::path& group, const CgroupFiles& files) {
    const auto limit = read_number(group / files.limit);
    if (limit && *limit < machine && (!least || *limit < *least)) least = limit;
  });
  return least;
}

}  // namespace symmbench
