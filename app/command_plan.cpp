#include "app/command_plan.hpp"

#include <fmt/format.h>

#include "job/plan_text.hpp"

namespace symmbench {

int command_plan(const ParsedCommand& parsed) {
  try {
    const Plan plan = make_plan(parsed.config, parsed.ranks, 0);
    fmt::print("{}", parsed.json ? plan_json(parsed.config, plan).dump(2) + "\n" : plan_text(parsed.config, plan));
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "symmbench {}: {}\n", parsed.command, error.failure().detail);
    return 2;
  }
}

}  // namespace symmbench
