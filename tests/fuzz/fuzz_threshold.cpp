#include "gate/thresholds.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace symmbench;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file(fuzz::text_of(data, size));
  fuzz::refused_or_read([&] { (void)read_thresholds(file.path()); });
  return 0;
}
