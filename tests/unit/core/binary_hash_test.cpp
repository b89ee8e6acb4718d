#include "core/binary_hash.hpp"

#include <catch2/catch_test_macros.hpp>
#include <fstream>

#include "support/scratch_folder.hpp"

using namespace symmbench;

TEST_CASE("one byte more, less or other anywhere in a file is another hash") {
  const ScratchFolder folder;
  const auto hash_of = [&](const std::string& bytes) {
    std::ofstream(folder / "f", std::ios::binary) << bytes;
    return file_hash(folder / "f");
  };
  const std::string bytes(3'000'001, 'b');
  const auto whole = hash_of(bytes);
  CHECK(whole.size() == 16);
  CHECK(hash_of(bytes) == whole);
  CHECK(hash_of(bytes + '\0') != whole);
  CHECK(hash_of(bytes.substr(1)) != whole);
  for (const std::size_t at : {std::size_t{0}, std::size_t{1} << 20, bytes.size() - 1}) {
    std::string other = bytes;
    other[at] = 'c';
    CHECK(hash_of(other) != whole);
  }
}

TEST_CASE("the running program has a hash, a file that is not there is unknown") {
  CHECK(binary_hash().size() == 16);
  CHECK(binary_hash() == file_hash("/proc/self/exe"));
  CHECK(file_hash("/nonexistent") == "unknown");
}
