#include "scripts/docs/generated_docs.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <stdexcept>

#include "config/options.hpp"
#include "scripts/docs/bash_completion.hpp"
#include "scripts/docs/config_keys.hpp"
#include "scripts/docs/man_page.hpp"
#include "scripts/docs/option_words.hpp"
#include "scripts/docs/zsh_completion.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/scratch_folder.hpp"

using namespace symmbench;

TEST_CASE("the generated pages of the tree say what the tables of options and commands say") {
  for (const auto& file : generated_docs()) {
    CAPTURE(file.path);
    INFO("scripts/generate_docs.sh renews it");
    const auto now = read_text(SYMMBENCH_ROOT "/" + file.path);
    CHECK_FALSE(now.empty());
    const bool current = file.text(now) == now;
    CHECK(current);
  }
}

TEST_CASE("every option is in the man page, and those of this version in completions and keys") {
  const auto page = man_page(), bash = bash_completion(), zsh = zsh_completion();
  const auto keys = with_current_keys("<!-- generated: keys -->\n<!-- end of generated -->\n");
  const auto of_run = completed_options(command_table().front());
  for (const auto& spec : option_table()) {
    CAPTURE(spec.name);
    CHECK(contains(page, "\\fB" + replaced(spec.flag_name(), "-", "\\-") + "\\fR"));
    const bool offered = std::any_of(of_run.begin(), of_run.end(),
                                     [&](const CompletedOption& one) { return one.name == spec.flag_name(); });
    CHECK(offered == spec.now);
    if (!spec.now) continue;
    CHECK(contains(bash, " " + spec.flag_name()));
    CHECK((contains(zsh, spec.flag_name() + "[") || contains(zsh, spec.flag_name() + "}'[")));
    CHECK(contains(keys, "| `" + spec.key() + "` |") == (spec.scope != OptionScope::command));
  }
  for (const auto& command : command_table()) {
    CAPTURE(command.name);
    CHECK(contains(page, ".SS symmbench " + std::string(command.name) + "\n"));
    CHECK(contains(zsh, "    '" + std::string(command.name) + ":"));
  }
}

TEST_CASE("a page without its marks is refused, and what stands around them is kept") {
  CHECK_THROWS_AS(with_current_keys("# page\n"), std::runtime_error);
  const auto page = with_current_keys("before\n<!-- generated: keys -->\nold\n<!-- end of generated -->\nbehind\n");
  CHECK(page.starts_with("before\n"));
  CHECK(page.ends_with("behind\n"));
  CHECK_FALSE(contains(page, "old\n"));
}
