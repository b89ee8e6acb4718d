#include "device/host/fabric_folder.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdlib>
#include <filesystem>

#include "device/host/host_memory.hpp"
#include "support/failures.hpp"

namespace symmbench {
namespace {

using Catch::Matchers::ContainsSubstring;

constexpr std::uint64_t kBytes = 1u << 16;

/// A folder that the variable names while this lives.
struct Folder {
  std::string path = "/tmp/symmbench-folder-XXXXXX";
  Folder() {
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    use(path);
  }
  ~Folder() {
    ::unsetenv(kFabricFolderVariable);
    std::filesystem::remove_all(path);
  }
  static void use(const std::string& other) { ::setenv(kFabricFolderVariable, other.c_str(), 1); }
  auto files() const { return std::distance(std::filesystem::directory_iterator(path), {}); }
};

TEST_CASE("fabric memory in a folder is found by its name, once for all, and its name goes with it") {
  const Folder folder;
  {
    const HostMemory memory = create_host_memory(kBytes, HandleType::fabric);
    CHECK(folder.files() == 1);
    const HostMemory import = import_host_memory(export_host_memory(memory), 4096);
    CHECK(import.bytes == kBytes);
    CHECK(import.imported);
    CHECK(folder.files() == 1);
  }
  CHECK(folder.files() == 0);
}

TEST_CASE("another folder than the exporter's, or none, is refused and named") {
  const Folder folder, other;
  Folder::use(folder.path);
  const HostMemory memory = create_host_memory(kBytes, HandleType::fabric);
  const ShareableHandle handle = export_host_memory(memory);
  Folder::use(other.path);
  const Failure elsewhere = failure_of([&] { import_host_memory(handle, 4096); });
  CHECK(elsewhere.reason == Reason::invalid_handle);
  CHECK_THAT(elsewhere.detail, ContainsSubstring(other.path + " is not the exporter's folder"));
  ::unsetenv(kFabricFolderVariable);
  CHECK_THAT(failure_of([&] { import_host_memory(handle, 4096); }).detail,
             ContainsSubstring("SYMMBENCH_FABRIC_FOLDER is not set here"));
}

TEST_CASE("what a process left in the folder that was killed goes with the next creation, what lives stays") {
  const Folder folder;
  {
    const auto killed = create_fabric_file(folder.path, kBytes);
    std::filesystem::create_hard_link(std::filesystem::directory_iterator(folder.path)->path(),
                                      folder.path + "/symmbench-fabric-0");  // a name that nobody takes away
  }
  CHECK(folder.files() == 1);
  const auto living = create_fabric_file(folder.path, kBytes);
  CHECK(folder.files() == 1);
  const auto next = create_fabric_file(folder.path, kBytes);
  CHECK(folder.files() == 2);
}

TEST_CASE("a folder that cannot hold the memory is an error that names it") {
  const Folder folder;
  Folder::use(folder.path + "/none");
  const Failure failure = failure_of([] { create_host_memory(kBytes, HandleType::fabric); });
  CHECK(failure.layer == Layer::environment);
  CHECK_THAT(failure.detail, ContainsSubstring("SYMMBENCH_FABRIC_FOLDER=" + folder.path + "/none: No such file"));
}

}  // namespace
}  // namespace symmbench
