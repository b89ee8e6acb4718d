#include "gate/compare_reports.hpp"
#include "gate/comparison_text.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace symmbench;

/// A report that some run wrote, against itself.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file(fuzz::text_of(data, size));
  fuzz::refused_or_read([&] {
    const Json report = read_report(file.path());
    const ReportComparison comparison = compare_reports(report, report, 5.0);
    const ComparedReports reports{report, report, "a", "b"};
    (void)why_no_gate(comparison, report, "a", report, "b");
    (void)comparison_text(comparison, reports);
    (void)comparison_json(comparison, reports);
  });
  return 0;
}
