#include "config/resolve.hpp"
#include "core/document.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace symmbench;

/// A configuration file. Values that name other files are left out: those are inputs of their own.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  if (text.find('/') != std::string_view::npos || text.find('\\') != std::string_view::npos) return -1;
  fuzz::refused_or_read([&] {
    const Document document = parse_document(text, "fuzz");
    const RunConfig config = resolve(&document.value, Json::object(), {.file_name = "fuzz"});
    (void)config_from_text(config.config_text);  // what was taken must be taken again
  });
  return 0;
}
