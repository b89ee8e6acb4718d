#include "comm/round_messages.hpp"
#include "comm/wire.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace symmbench;

/// The binary messages of rounds and votes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::bytes_of(data, size);
  fuzz::refused_or_read([&] { (void)decode_contribution(bytes); });
  fuzz::refused_or_read([&] { (void)decode_result(bytes); });
  fuzz::refused_or_read([&] { (void)decode_ballot(bytes); });
  return 0;
}
