#pragma once
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <string>
#include <vector>

#include "catalog/allocators.hpp"

namespace symmbench::test {

/// An allocator and a handle type that its memory can travel by.
struct AllocatorAndHandle {
  std::string allocator;
  HandleType handle;
};

/// Every pair of an allocator that can run and a handle type of its own.
inline std::vector<AllocatorAndHandle> allocators_and_handles() {
  std::vector<AllocatorAndHandle> all;
  for (const auto& row : kAllocators) {
    if (!row.now) continue;
    for (const HandleType handle : row.handles) all.push_back({std::string(row.name), handle});
  }
  return all;
}

/// The type of an allocator that every emulated device offers.
inline HandleType plain_handle(const std::string& allocator) {
  return row_named(kAllocators, allocator)->handles.back();
}

/// Runs the test case once for each allocator that can run.
inline std::string any_allocator() {
  std::vector<std::string> names;
  for (const auto& row : kAllocators) {
    if (row.now) names.emplace_back(row.name);
  }
  return GENERATE_COPY(from_range(names));
}

/// The same for each handle type of each allocator.
inline AllocatorAndHandle any_allocator_and_handle() { return GENERATE(from_range(allocators_and_handles())); }

/// Runs the test case once for each allocator whose memory is created and mapped (descriptors, fabric handles).
inline std::string any_mapping_allocator() {
  std::vector<std::string> names;
  for (const auto& row : kAllocators) {
    if (row.now && can_travel_by(row.value, HandleType::posix_fd)) names.emplace_back(row.name);
  }
  return GENERATE_COPY(from_range(names));
}

}  // namespace symmbench::test
