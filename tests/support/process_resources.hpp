#pragma once
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace symmbench::test {

inline long open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
}

/// Pieces of address space that show memory of a memfd: what the emulated device maps.
inline long memfd_mappings() {
  std::ifstream maps("/proc/self/maps");
  long count = 0;
  for (std::string line; std::getline(maps, line);) count += line.find("memfd:") != std::string::npos;
  return count;
}

}  // namespace symmbench::test
