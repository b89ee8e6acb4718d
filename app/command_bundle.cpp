#include "app/command_bundle.hpp"

#include <fmt/format.h>

#include "app/new_file.hpp"
#include "app/product.hpp"
#include "config/option_value.hpp"
#include "core/counted.hpp"
#include "core/log.hpp"
#include "report/bundle.hpp"
#include "report/write.hpp"
#include "symmbench_version.hpp"

namespace symmbench {
namespace {

int bundle(const ParsedCommand& parsed) {
  if (parsed.output && !parsed.output->ends_with(".tar.gz") && !parsed.output->ends_with(".tgz")) {
    fail_config(fmt::format("-o '{}': must end in .tar.gz or .tgz, which is what it is", *parsed.output));
  }
  check_new_file(parsed);
  const Bundle made = make_bundle(parsed.subjects.front(), fmt::format("symmbench {} ({})", kVersion, kGitRevision));
  write_file(*parsed.output, tar_gz(made.files));
  for (const auto& line : made.left_out) log_line("symmbench bundle: left out: {}", line);
  std::string text;
  for (const ArchivedFile& file : made.files) text += file.name + "\n";
  print_product(text + fmt::format("{}: {}, {} taken out\n", *parsed.output, counted(made.files.size(), "file"),
                                   counted(made.redacted, "secret")));
  return 0;
}

}  // namespace

int command_bundle(const ParsedCommand& parsed) { return with_name(parsed, bundle); }

}  // namespace symmbench
