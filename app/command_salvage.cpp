#include "app/command_salvage.hpp"

#include <fmt/format.h>

#include <sstream>

#include "app/new_file.hpp"
#include "app/product.hpp"
#include "config/option_value.hpp"
#include "core/log.hpp"
#include "journal/journal.hpp"
#include "report/salvage.hpp"
#include "report/text.hpp"
#include "report/verdict.hpp"
#include "report/write.hpp"

namespace symmbench {

namespace {

int salvage(const ParsedCommand& parsed) {
  check_new_file(parsed);
  const std::string dir = find_journal(parsed.subjects.front());
  if (!parsed.force && journal_is_live(dir)) {
    fail_config(fmt::format("'{}': its run is alive and will write a report; --force makes one of what is there", dir));
  }
  const SalvagedReport salvaged = salvage_report(dir);
  for (const auto& problem : salvaged.problems) log_line("symmbench salvage: {}", problem);
  write_report(*parsed.output, salvaged.report);
  std::ostringstream text;
  write_verdict(text, salvaged.report, {{OutputFileKind::report, *parsed.output}});
  print_product(text.str());
  const int code = salvaged.report.at("verdict").at("exit_code").get<int>();
  return code == static_cast<int>(ExitCode::passed) && !salvaged.valid ? static_cast<int>(ExitCode::no_verdict) : code;
}

}  // namespace

int command_salvage(const ParsedCommand& parsed) { return with_name(parsed, salvage); }

}  // namespace symmbench
