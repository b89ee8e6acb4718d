#include "core/binary_hash.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/unique_fd.hpp"

namespace symmbench {
namespace {

/// FNV-1a's step over words: over bytes it takes a second for a program with GPU code.
std::uint64_t mixed(std::uint64_t hash, std::uint64_t word) {
  constexpr std::uint64_t kPrime = 0x100000001b3;
  hash = (hash ^ word) * kPrime;
  return hash ^ (hash >> 29);  // the prime's low bits alone would never carry down
}

}  // namespace

std::string file_hash(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::string(kNoHash);
  std::uint64_t hash = 0xcbf29ce484222325;
  std::uint64_t total = 0;
  std::vector<char> part(std::size_t{1} << 20);
  while (true) {
    std::size_t filled = 0;
    while (filled < part.size()) {
      const auto got = ::read(file.get(), part.data() + filled, part.size() - filled);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return std::string(kNoHash);
      if (got == 0) break;
      filled += static_cast<std::size_t>(got);
    }
    for (std::size_t at = 0; at < filled; at += sizeof(std::uint64_t)) {
      std::uint64_t word = 0;
      std::memcpy(&word, part.data() + at, std::min(sizeof word, filled - at));
      hash = mixed(hash, word);
    }
    total += filled;
    if (filled < part.size()) return fmt::format("{:016x}", mixed(hash, total));
  }
}

std::string binary_hash() { return file_hash("/proc/self/exe"); }

}  // namespace symmbench
