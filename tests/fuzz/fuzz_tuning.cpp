#include "config/tuning.hpp"
#include "core/document.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace symmbench;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::refused_or_read([&] {
    const Json value = parse_document(fuzz::text_of(data, size), "fuzz").value;
    (void)tuning_entries(value, "fuzz");
    const TuningTable table = tuning_from(value);
    (void)table.algorithm_for(4, "allreduce", DType::bf16, 1024);
  });
  return 0;
}
