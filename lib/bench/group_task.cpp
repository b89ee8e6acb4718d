#include "bench/group_task.hpp"

#include <algorithm>
#include <map>

#include "bench/allocator_setup.hpp"
#include "bench/case_runner.hpp"
#include "bench/floors.hpp"
#include "bench/group_rows.hpp"
#include "bench/link_times.hpp"
#include "bench/placements.hpp"
#include "workspace/workspaces.hpp"

namespace symmbench {
namespace {

constexpr std::string_view kUpstreamChoice = "upstream";  // as --handle has it

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
      context_.heartbeat.allocator(allocator);
      AllocatorSetup& setup =
          setups_.try_emplace(allocator, context_, config_, group_, allocator, backend_, *stream_).first->second;
      setup.try_bring_up(clock_);
      setup.tell_trials();
      if (setup.ready().workspace && leader()) context_.records.append(to_json(setup.record()));
    }
    context_.heartbeat.allocator("");
    measure_links();
    placements_.emplace(context_, config_, backend_, setups_);
    CaseRunner runner(context_, config_, backend_, *stream_);
    runner.observe_skew();
    runner.watch_slowdown();
    for (std::size_t i = 0; i < context_.request.items.size(); ++i) {
      const auto& item = context_.request.items[i];
      context_.heartbeat.item(static_cast<int>(i));
      context_.heartbeat.allocator(first_to_run(item.allocators));
      context_.heartbeat.phase(Phase::use);
      const Case& bench_case = case_of(group_, item.case_id);
      const auto rows = rows_of(runner, bench_case, item.allocators);
      context_.heartbeat.allocator("");
      if (!leader()) continue;
      for (auto row : rows) {
        row.alone = context_.request.alone;
        row.handle = setups_.at(row.allocator).handle();
        row.multicast = bench_case.multicast.to_json();
        context_.records.append(to_json(row));
      }
      context_.item_done(static_cast<int>(i));
    }
    context_.heartbeat.item(-1);
    placements_->close();
    for (auto& [name, setup] : setups_) {
      context_.heartbeat.allocator(name);
      setup.close(clock_);
    }
    context_.heartbeat.allocator("");
  }

 private:
  bool leader() const { return context_.comm.rank() == 0; }

  /// Whose work a case begins with; "" when none of them can run.
  std::string first_to_run(const std::vector<std::string>& allocators) const {
    const auto first = std::find_if(allocators.begin(), allocators.end(), [&](const std::string& name) {
      return setups_.at(name).ready().workspace != nullptr;
    });
    return first == allocators.end() ? std::string{} : *first;
  }

  /// Once, over the first of the allocators, as they were asked for, whose workspace stands. That this failed costs no case its result, but for a wait in vain
  /// with no other failure: ranks that do not reach each other are a hang, here as anywhere.
  void measure_links() {
    if (context_.comm.size() < 2) return;
    const auto names = allocators_of(context_.request);
    const auto first = std::find_if(names.begin(), names.end(), [&](const std::string& name) {
      return setups_.at(name).ready().workspace != nullptr;
    });
    if (first == names.end()) return;
    const AllocatorWorkspace ready = setups_.at(*first).ready();
    context_.heartbeat.allocator(*first);
    context_.heartbeat.phase(Phase::init);
    context_.heartbeat.allow(deadlines_of(config_).round_s);
    try {
      const LinkTimesRecord times = measure_link_times(context_, backend_, *stream_, ready);
      if (leader()) context_.records.append(to_json(times));
      if (backend_.probe) measure_floors_over(ready);
    } catch (const PhaseFailed& failed) {
      if (ranks_lost_each_other(failed.failure())) throw;
      // Whoever waited for the rank that failed has raised its abort word, which would end every call that follows.
      context_.heartbeat.allow(deadlines_of(config_).round_s);
      ready.reset({.comm = context_.comm});
      if (!leader()) return;
      context_.records.append(to_json(EventRecord{.group = group_index(context_.comm),
                                                  .what = "links_not_measured",
                                                  .detail = describe(failed.failure()),
                                                  .data = nullptr}));
    }
  }

  void measure_floors_over(const AllocatorWorkspace& ready) {
    FloorsRecord floors = measure_floors(context_, backend_, *stream_, ready);
    floors.workspace = name_of(group_.workspace);
    floors.transport = name_of(group_.transport);
    floors.allocator = ready.allocator;
    if (leader()) context_.records.append(to_json(floors));
  }

  std::vector<RowRecord> rows_of(CaseRunner& runner, const Case& bench_case,
                                 const std::vector<std::string>& allocators) {
    std::vector<RowRecord> rows;
    std::vector<AllocatorWorkspace> ready;
    for (const auto& allocator : allocators) {
      const AllocatorSetup& setup = setups_.at(allocator);
      const auto skip = [&](std::string reason) {
        rows.push_back(row_without_run(bench_case, context_, allocator, "skipped", std::move(reason)));
      };
      // What the machine does not allow, the handle's trial found out. A failure after it is one, whatever its layer.
      if (setup.failure()) {
        rows.push_back(row_without_run(bench_case, context_, allocator, "failed",
                                       "the workspace could not be brought up: " + describe(*setup.failure()),
                                       setup.failure()));
      } else if (!setup.ready().workspace) {
        auto reason = setup.handle().value("reason", std::string("no handle type can be used"));
        if (group_.handle_asked != kUpstreamChoice) {
          skip(std::move(reason));
          continue;
        }
        // Whether its own choice works is what was asked; what a person chose may well be refused.
        const Failure failure{.layer = Layer::memory, .reason = Reason::disagreement, .detail = reason};
        rows.push_back(row_without_run(bench_case, context_, allocator, "failed", std::move(reason), failure));
      } else if (const auto problem = backend_.kernels->unsupported(bench_case.shape)) {
        skip(*problem);
      } else if (const auto excess = capacity_problem(group_.capacity, bench_case.shape)) {
        skip(*excess);
      } else {
        ready.push_back(setup.ready());
      }
    }
    if (ready.empty()) return rows;
    auto measured = runner.run(bench_case, ready, Compared{*placements_, comparisons_beside(bench_case)});
    rows.insert(rows.end(), std::make_move_iterator(measured.begin()), std::make_move_iterator(measured.end()));
    return rows;
  }

  /// How many comparisons of the same pattern this group comes to.
  std::size_t comparisons_beside(const Case& bench_case) const {
    const auto alike = std::count_if(group_.cases.begin(), group_.cases.end(), [&](const Case& other) {
      return !other.skip && other.group == bench_case.group && other.shape.pattern == bench_case.shape.pattern;
    });
    return static_cast<std::size_t>(alike) * (group_.allocators.size() - 1);
  }

  WorkerContext& context_;
  const WorkerConfig& config_;
  const CaseGroup& group_;
  Backend& backend_;
  std::unique_ptr<Stream> stream_;
  PhaseClock clock_;
  std::map<std::string, AllocatorSetup> setups_;
  std::optional<Placements> placements_;
};

}  // namespace

void run_case_group(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, Backend& backend) {
  GroupRun(context, config, group, backend).run();
}

}  // namespace symmbench
