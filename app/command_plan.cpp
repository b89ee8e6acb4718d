#include "app/command_plan.hpp"

#include <fmt/format.h>

#include "app/product.hpp"
#include "core/log.hpp"
#include "job/plan_text.hpp"

namespace symmbench {

int command_plan(const ParsedCommand& parsed) {
  std::string text;
  for (const auto& note : parsed.notes) log_line("symmbench {}: {}", parsed.command, note);
  try {
    const Plan plan = make_plan(parsed.config, parsed.ranks, 0);
    text = parsed.json ? plan_json(parsed.config, plan).dump(2) + "\n" : plan_text(parsed.config, plan);
  } catch (const Error& error) {
    log_line("symmbench {}: {}", parsed.command, error.failure().detail);
    return 2;
  }
  print_product(text);
  return 0;
}

}  // namespace symmbench
