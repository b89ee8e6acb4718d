#include "supervise/messages.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace symmbench;

/// What comes over a worker's channel or from another supervisor, whatever it was meant to be.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::bytes_of(data, size);
  fuzz::refused_or_read([&] { (void)json_of(open_envelope(bytes).body); });
  fuzz::refused_or_read([&] { (void)worker_assignment_from(json_of(bytes)); });
  fuzz::refused_or_read([&] { (void)stopped_report_from(json_of(bytes)); });
  fuzz::refused_or_read([&] { (void)work_request_from(json_of(bytes)); });
  return 0;
}
