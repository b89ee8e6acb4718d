#include "app/command_html.hpp"

#include <fmt/format.h>

#include <optional>

#include "app/new_file.hpp"
#include "app/product.hpp"
#include "config/option_value.hpp"
#include "gate/report_file.hpp"
#include "page/report_page.hpp"
#include "report/write.hpp"

namespace symmbench {
namespace {

int make_page(const ParsedCommand& parsed) {
  const auto& names = parsed.subjects;
  if (names.size() > 2) {
    fail_config(fmt::format("takes a report, and another one to hold beside it; it has {}", names.size()));
  }
  check_new_file(parsed);
  const Json report = read_whole_report(names.front());
  std::optional<Json> other;
  if (names.size() == 2) other = read_report(names.back());
  const auto beside = other ? std::optional(NamedReport{*other, names.back()}) : std::nullopt;
  write_file(*parsed.output, report_page({report, names.front()}, beside));
  print_product(fmt::format("{}\n", *parsed.output));
  return 0;
}

}  // namespace

int command_html(const ParsedCommand& parsed) { return with_name(parsed, make_page); }

}  // namespace symmbench
