#include "app/command_plan.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "app/product.hpp"
#include "core/log.hpp"
#include "gate/run_limits.hpp"
#include "job/job_plan.hpp"
#include "job/multicast_veto.hpp"
#include "job/plan_text.hpp"

namespace symmbench {

int command_plan(const ParsedCommand& parsed) {
  for (const auto& note : parsed.notes) log_line("symmbench {}: {}", parsed.command, note);
  return with_name(parsed, [](const ParsedCommand& named) {
    auto veto = multicast_veto([](const char* name) -> const char* { return std::getenv(name); });
    if (veto) veto = fmt::format("multicast is vetoed by {} in this environment", *veto);
    const JobPlan job_plan(named.config, named.ranks, veto);
    (void)make_run_gate(named.config, job_plan.planned_rows());
    const Plan& plan = job_plan.plan();
    named.json ? print_product(plan_json(named.config, plan).dump(2) + "\n")
               : print_text(plan_text(named.config, plan));
    return 0;
  });
}

}  // namespace symmbench
