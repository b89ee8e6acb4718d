#include "core/document.hpp"
#include "core/text.hpp"
#include "journal/codec.hpp"
#include "report/fold.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace symmbench;

/// The text of a journal; and, since no mutation keeps a checksum, its lines as records without one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  (void)decode_text(text, "fuzz");
  std::vector<Json> records;
  for (const auto& line : split_list(std::string(text), '\n')) {
    fuzz::refused_or_read([&] {
      Json record = parse_without_lines(line, "fuzz");
      if (record.is_object()) records.push_back(std::move(record));
    });
  }
  fuzz::refused_or_read([&] { (void)fold_report(records); });
  return 0;
}
