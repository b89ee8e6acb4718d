#include "app/command_threshold.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "app/new_file.hpp"
#include "app/product.hpp"
#include "core/clock.hpp"
#include "core/counted.hpp"
#include "core/log.hpp"
#include "gate/thresholds.hpp"
#include "report/write.hpp"
#include "symmbench_version.hpp"

namespace symmbench {
namespace {

constexpr std::size_t kMostNamed = 5;

int make(const ParsedCommand& parsed) {
  if (parsed.output) check_new_file(parsed);
  std::vector<GoodReport> reports;
  for (const auto& name : parsed.subjects) reports.push_back({name, read_report(name)});
  const Json tool{{"version", kVersion}, {"git", kGitRevision}, {"build", kBuildType}};
  const MadeThresholds made = make_thresholds(reports, parsed.margin.value_or(kDefaultMargin), tool, utc_timestamp());
  const auto& left_out = made.left_out;
  for (std::size_t i = 0; i < std::min(left_out.size(), kMostNamed); ++i) {
    log_line("symmbench threshold: no limit from {}", left_out[i]);
  }
  if (left_out.size() > kMostNamed) {
    log_line("symmbench threshold: no limit from {} more rows", left_out.size() - kMostNamed);
  }
  const auto text = made.file.dump(2) + "\n";
  if (!parsed.output) {
    print_product(text);
    return 0;
  }
  write_file(*parsed.output, text);
  print_product(fmt::format("{}: {} from {}\n", *parsed.output, counted(made.file.at("thresholds").size(), "limit"),
                            counted(reports.size(), "report")));
  return 0;
}

}  // namespace

int command_threshold(const ParsedCommand& parsed) { return with_name(parsed, make); }

}  // namespace symmbench
