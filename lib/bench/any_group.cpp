#include "bench/any_group.hpp"

#include "bench/group_task.hpp"
#include "bench/library_group.hpp"
#include "bench/lifecycle.hpp"

namespace symmbench {

void run_any_group(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, Backend& backend) {
  switch (group.kind) {
    case GroupKind::measure:
      return run_case_group(context, config, group, backend);
    case GroupKind::lifecycle:
      return run_lifecycles(context, config, group, backend);
    case GroupKind::library:
      return run_library_group(context, config, group, backend);
  }
}

}  // namespace symmbench
