#include "bench/group_task.hpp"

#include <map>

#include "bench/case_runner.hpp"
#include "bench/floors.hpp"
#include "bench/group_rows.hpp"
#include "bench/workspace_bench.hpp"

namespace symmbench {
namespace {

/// One allocator of the group: its workspace, or why it has none.
struct Side {
  WorkspaceBench bench;
  std::optional<Failure> failure;  ///< bring-up failed on some rank; the same on every rank
};

/// Brings one side up; a failure that all ranks agreed on is kept, one that separated them is thrown on.
void bring_up(Side& side, PhaseClock& clock) {
  try {
    side.bench.bring_up(clock);
  } catch (const PhaseFailed& failed) {
    if (failed.failure().layer == Layer::comm || failed.failure().reason == Reason::timed_out) throw;
    side.failure = failed.failure();
  }
}

class GroupRun {
 public:
  GroupRun(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, Backend& backend)
      : context_(context),
        config_(config),
        group_(group),
        backend_(backend),
        stream_(backend.driver->make_stream()),
        clock_(context.heartbeat, deadlines_of(config).round_s) {}

  void run() {
    for (const auto& allocator : allocators_of(context_.request)) {
      Side& side =
          sides_.emplace(allocator, Side{{context_, config_, group_, allocator, backend_, *stream_}, {}}).first->second;
      bring_up(side, clock_);
      if (side.bench.workspace() && leader()) context_.records.append(to_json(side.bench.record()));
    }
    measure_links();
    CaseRunner runner(context_, config_, backend_, *stream_);
    runner.observe_skew();
    for (std::size_t i = 0; i < context_.request.items.size(); ++i) {
      const auto& item = context_.request.items[i];
      context_.heartbeat.item(static_cast<int>(i));
      context_.heartbeat.phase(Phase::use);
      const auto rows = rows_of(runner, case_of(group_, item.case_id), item.allocators);
      if (!leader()) continue;
      for (auto row : rows) {
        row.alone = context_.request.alone;
        row.handle = sides_.at(row.allocator).bench.handle();
        row.multicast = multicast_off();
        context_.records.append(to_json(row));
      }
      context_.item_done(static_cast<int>(i));
    }
    context_.heartbeat.item(-1);
    for (auto& [name, side] : sides_) side.bench.close(clock_);
  }

 private:
  bool leader() const { return context_.comm.rank() == 0; }

  /// Once, over the first workspace there is. That this failed costs no case its result, but for a wait in vain with no
  /// other failure: ranks that do not reach each other are a hang, here as anywhere.
  void measure_links() {
    if (!backend_.probe || context_.comm.size() < 2) return;
    const auto it =
        std::find_if(sides_.begin(), sides_.end(), [](auto& side) { return side.second.bench.workspace() != nullptr; });
    if (it == sides_.end()) return;
    context_.heartbeat.phase(Phase::init);
    context_.heartbeat.allow(deadlines_of(config_).round_s);
    try {
      FloorsRecord floors = measure_floors(context_, backend_, *stream_, *it->second.bench.workspace());
      floors.workspace = group_.workspace;
      floors.transport = group_.transport;
      floors.allocator = it->first;
      if (leader()) context_.records.append(to_json(floors));
    } catch (const PhaseFailed& failed) {
      if (failed.failure().layer == Layer::comm || failed.failure().reason == Reason::timed_out) throw;
      // Whoever waited for the rank that failed has raised its abort word, which would end every call that follows.
      context_.heartbeat.allow(deadlines_of(config_).round_s);
      it->second.bench.workspace()->reset({.comm = context_.comm});
      if (!leader()) return;
      context_.records.append(to_json(EventRecord{.group = context_.comm.world_rank(0) / context_.comm.size(),
                                                  .what = "floors_not_measured",
                                                  .detail = describe(failed.failure()),
                                                  .data = nullptr}));
    }
  }

  std::vector<RowRecord> rows_of(CaseRunner& runner, const Case& bench_case,
                                 const std::vector<std::string>& allocators) {
    std::vector<RowRecord> rows;
    std::vector<AllocatorWorkspace> ready;
    for (const auto& allocator : allocators) {
      Side& side = sides_.at(allocator);
      const auto skip = [&](std::string reason) {
        rows.push_back(row_without_run(bench_case, context_, allocator, "skipped", std::move(reason)));
      };
      if (side.failure && side.failure->layer == Layer::environment) {
        skip("this machine does not allow it: " + describe(*side.failure));
      } else if (side.failure) {
        rows.push_back(row_without_run(bench_case, context_, allocator, "failed",
                                       "the workspace could not be brought up: " + describe(*side.failure),
                                       side.failure));
      } else if (!side.bench.workspace()) {
        skip(side.bench.handle().value("reason", std::string("no handle type can be used")));
      } else if (const auto problem = backend_.kernels->unsupported(bench_case.shape)) {
        skip(*problem);
      } else if (const auto excess = side.bench.workspace()->capacity_problem(bench_case.shape)) {
        skip(*excess);
      } else {
        ready.push_back({allocator, side.bench.workspace()});
      }
    }
    if (ready.empty()) return rows;
    auto measured = runner.run(bench_case, ready);
    rows.insert(rows.end(), std::make_move_iterator(measured.begin()), std::make_move_iterator(measured.end()));
    return rows;
  }

  WorkerContext& context_;
  const WorkerConfig& config_;
  const CaseGroup& group_;
  Backend& backend_;
  std::unique_ptr<Stream> stream_;
  PhaseClock clock_;
  std::map<std::string, Side> sides_;
};

}  // namespace

void run_case_group(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, Backend& backend) {
  GroupRun(context, config, group, backend).run();
}

}  // namespace symmbench
