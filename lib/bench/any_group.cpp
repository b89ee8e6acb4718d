#include "bench/any_group.hpp"

#include "bench/group_task.hpp"
#include "bench/library_group.hpp"
#include "bench/lifecycle.hpp"

namespace symmbench {

namespace {

void run_group(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, Backend& backend) {
  switch (group.kind) {
    case GroupKind::measure:
      return run_case_group(context, config, group, backend);
    case GroupKind::lifecycle:
      return run_lifecycles(context, config, group, backend);
    case GroupKind::library:
      return run_library_group(context, config, group, backend);
  }
}

}  // namespace

void run_any_group(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, Backend& backend) {
  if (!backend.sample) return run_group(context, config, group, backend);
  DeviceSampleRecord record{.group = group_index(context.comm),
                            .rank = context.comm.world_rank(context.comm.rank()),
                            .label = group.id,
                            .before = to_json(backend.sample())};
  const auto tell = [&] {
    record.after = to_json(backend.sample());
    if (backend.errors) record.errors = to_json(backend.errors());
    context.records.append(to_json(record));
  };
  try {
    run_group(context, config, group, backend);
  } catch (...) {
    tell();  // what failed is what it is evidence for
    throw;
  }
  tell();
}

}  // namespace symmbench
