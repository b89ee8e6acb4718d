#include "device/host/system_memory.hpp"

#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>

namespace symmbench {
namespace {

namespace fs = std::filesystem;

/// A made-up "/" of files.
class FakeRoot {
 public:
  FakeRoot() {
    std::string name = (fs::temp_directory_path() / "symmbench-root-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root_ = name;
    put("proc/meminfo", "MemTotal:        1000 kB\nMemFree:          1 kB\nMemAvailable:     800 kB\n");
  }
  ~FakeRoot() { fs::remove_all(root_); }

  void put(std::string_view file, std::string_view text) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  MemoryInfo read() const { return system_memory(root_); }
  std::optional<std::uint64_t> limit() const { return memory_limit_of_groups(root_); }

 private:
  fs::path root_;
};

constexpr std::uint64_t kKi = 1024;

TEST_CASE("without a cgroup the machine's available memory counts") {
  const FakeRoot root;
  CHECK(root.read().total_bytes == 1000 * kKi);
  CHECK(root.read().free_bytes == 800 * kKi);
}

TEST_CASE("a version 2 cgroup narrows it, less the page cache that would go first") {
  const FakeRoot root;
  root.put("proc/self/cgroup", "0::/job/step\n");
  root.put("sys/fs/cgroup/job/step/memory.max", "409600\n");
  root.put("sys/fs/cgroup/job/step/memory.current", "204800\n");
  root.put("sys/fs/cgroup/job/step/memory.stat", "anon 5\ninactive_file 102400\nactive_file 1\n");
  CHECK(root.read().total_bytes == 400 * kKi);
  CHECK(root.read().free_bytes == 300 * kKi);
}

TEST_CASE("the lowest limit of the groups is told, and none where none is below the machine's memory") {
  const FakeRoot root;
  CHECK_FALSE(root.limit());
  root.put("proc/self/cgroup", "0::/job/step\n");
  root.put("sys/fs/cgroup/job/step/memory.max", "max\n");
  root.put("sys/fs/cgroup/memory.max", "9223372036854771712\n");
  CHECK_FALSE(root.limit());
  root.put("sys/fs/cgroup/job/step/memory.max", "512000\n");
  root.put("sys/fs/cgroup/job/memory.max", "409600\n");
  CHECK(root.limit() == 400 * kKi);
}

TEST_CASE("figures of the machine that are none count as no limit") {
  const FakeRoot root;
  root.put("proc/meminfo", "MemTotal: lots kB\nMemAvailable: 800 kB\n");
  CHECK(root.read().total_bytes == std::numeric_limits<std::uint64_t>::max());
  CHECK(root.read().free_bytes == 800 * kKi);
}

TEST_CASE("the tightest of nested cgroups counts") {
  const FakeRoot root;
  root.put("proc/self/cgroup", "0::/job/step\n");
  root.put("sys/fs/cgroup/job/step/memory.max", "max\n");
  root.put("sys/fs/cgroup/job/step/memory.current", "0\n");
  root.put("sys/fs/cgroup/job/memory.max", "512000\n");
  root.put("sys/fs/cgroup/job/memory.current", "409600\n");
  CHECK(root.read().total_bytes == 500 * kKi);
  CHECK(root.read().free_bytes == 100 * kKi);
}

TEST_CASE("a version 1 cgroup narrows it") {
  const FakeRoot root;
  root.put("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/job\n0::/\n");
  root.put("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "307200\n");
  root.put("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "102400\n");
  root.put("sys/fs/cgroup/memory/job/memory.stat", "inactive_file 1\ntotal_inactive_file 51200\n");
  CHECK(root.read().total_bytes == 300 * kKi);
  CHECK(root.read().free_bytes == 250 * kKi);
}

TEST_CASE("in a container whose cgroup path is the outer one, the mount point counts") {
  const FakeRoot root;
  root.put("proc/self/cgroup", "0::/docker/0123abcd\n");
  root.put("sys/fs/cgroup/memory.max", "204800\n");
  root.put("sys/fs/cgroup/memory.current", "102400\n");
  CHECK(root.read().total_bytes == 200 * kKi);
  CHECK(root.read().free_bytes == 100 * kKi);
}

TEST_CASE("a cgroup over its limit leaves nothing") {
  const FakeRoot root;
  root.put("proc/self/cgroup", "0::/\n");
  root.put("sys/fs/cgroup/memory.max", "1024\n");
  root.put("sys/fs/cgroup/memory.current", "4096\n");
  CHECK(root.read().free_bytes == 0);
}

TEST_CASE("a limit above the machine's memory changes nothing") {
  const FakeRoot root;
  root.put("proc/self/cgroup", "4:memory:/\n");
  root.put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  root.put("sys/fs/cgroup/memory/memory.usage_in_bytes", "4096\n");
  CHECK(root.read().total_bytes == 1000 * kKi);
  CHECK(root.read().free_bytes == 800 * kKi);
}

TEST_CASE("files that cannot be read set no limit") {
  CHECK(system_memory("/nowhere").total_bytes == std::numeric_limits<std::uint64_t>::max());
}

TEST_CASE("this machine has memory") {
  const MemoryInfo info = system_memory();
  CHECK(info.total_bytes > 0);
  CHECK(info.free_bytes <= info.total_bytes);
}

}  // namespace
}  // namespace symmbench
