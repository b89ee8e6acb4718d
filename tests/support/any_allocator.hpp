#pragma once
#include <catch2/generators/catch_generators.hpp>
#include <string>

namespace symmbench::test {

/// Runs the test case once for each native allocator.
inline std::string any_allocator() {
  return GENERATE(std::string("symm_device_memory"), std::string("torch_symm_mem"));
}

}  // namespace symmbench::test
