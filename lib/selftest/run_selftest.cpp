#include "selftest/run_selftest.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "bench/rank_place.hpp"
#include "comm/job_nonce.hpp"
#include "config/repro.hpp"
#include "core/clock.hpp"
#include "job/case_group_task.hpp"
#include "job/device_decision.hpp"
#include "job/job_plan.hpp"
#include "job/mpi_job.hpp"
#include "job/run_deadlines.hpp"
#include "report/fold.hpp"
#include "report/schema_validation.hpp"
#include "selftest/remains.hpp"

namespace symmbench {
namespace {

constexpr int kFirstTag = 16;  ///< of the first job's messages; each has its own
constexpr int kGoOn = 0, kStop = 3;
constexpr double kStart_s = 10;     ///< starting workers, building workspaces and measuring, beside any wait in vain
constexpr double kWholeRun_s = 60;  ///< of a fault that is known when its run ends

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// One job after another among the ranks of one launch.
class Jobs {
 public:
  Jobs(MpiSession& mpi, const SelftestJob& selftest) : mpi_(mpi), selftest_(selftest) {
    tell_worker_its_place({.local_rank = mpi.local_rank_and_size().first, .supervisor_pid = ::getpid()});
    nonce_ = mpi.broadcast("job nonce", mpi.rank() == 0 ? make_job_nonce() : "");
  }

  /// Collective. Rank 0 does `coordinate`, which says whether to go on. False: not to, for some rank.
  bool run(const WorkerConfig& config, ChannelFaults faults, const std::function<bool(MpiJob&)>& coordinate) {
    MpiTransport transport(mpi_, kFirstTag + number_++);
    MpiJob job(transport,
               {.command = "symmbench selftest",
                .job_nonce = nonce_of_job(),
                .group_size = mpi_.size(),
                .deadlines = deadlines_of(config),
                .task = selftest_.task,
                .channel_faults = std::move(faults)},
               nullptr);
    int said = kStop;
    if (mpi_.rank() == 0) {
      said = coordinate(job) ? kGoOn : kStop;
      job.finish(said, true);
    } else {
      said = job.serve();
    }
    orderly_ = job.orderly();
    return orderly_ && said == kGoOn;
  }

  /// Of the last one.
  std::string nonce_of_job() const { return fmt::format("{}{:x}", nonce_, number_); }
  bool orderly() const { return orderly_; }

 private:
  MpiSession& mpi_;
  const SelftestJob& selftest_;
  std::string nonce_;
  int number_ = 0;
  bool orderly_ = true;
};

class Selftest {
 public:
  Selftest(MpiSession& mpi, const SelftestJob& job)
      : mpi_(mpi), job_(job), head_(job.head), scenarios_(scenarios_of(job.plan, mpi.size())), jobs_(mpi, job) {}

  SelftestResult run() {
    const auto start = Clock::now();
    const bool host = job_.plan.device == DeviceChoice::host;
    head_.device = {.kind = host ? "host" : "cuda", .emulated = host};
    bool go_on = look_at_machine();
    before_ = remains_now(jobs_.nonce_of_job(), mpi_.rank());
    for (std::size_t i = 0; go_on && i < scenarios_.runs.size(); ++i) go_on = run_one(scenarios_.runs[i]);
    SelftestResult result{.orderly = jobs_.orderly()};
    if (mpi_.rank() != 0) return result;
    head_.ended_at = utc_timestamp();
    head_.took_s = seconds_since(start);
    if (!go_on && !head_.cut_short) head_.cut_short = "a rank was lost";
    result.document = selftest_json(head_, job_.plan, tested_, scenarios_.apart, scenarios_.runs.size());
    result.exit_code = result.document.at("verdict").at("exit_code").get<int>();
    return result;
  }

 private:
  /// What every report says of its ranks, and how busy the machine is.
  bool look_at_machine() {
    WorkerConfig config;
    config.timeout_s = 20;
    return jobs_.run(config, {}, [&](MpiJob& job) {
      const RunOutcome outcome = job.run(
          std::vector{WorkRequest{.task = kPreflightTask, .label = kPreflightTask, .deadlines = job.deadlines()}});
      facts_ = job.records_of("rank");
      head_.widened_by = widening_of(hosts_of_run(facts_));
      RunConfig run;
      run.device = job_.plan.device;
      head_.device = decide_device(run, latest_facts(facts_), mpi_.size());
      if (!outcome.interrupted && head_.device.problem) head_.cut_short = head_.device.problem;
      return may_go_on(outcome) && !head_.device.problem;
    });
  }

  bool may_go_on(const RunOutcome& outcome) {
    if (outcome.interrupted) head_.cut_short = outcome.interrupted_by;
    return !outcome.interrupted;
  }

  bool run_one(const Scenario& scenario) {
    RunConfig config = config_of(scenario, job_.plan);
    config.deadline_scale *= head_.widened_by;
    ScenarioOutcome outcome;
    const bool go_on = jobs_.run(config, parse_fault_plan(config.inject).channel_faults(mpi_.rank()), [&](MpiJob& job) {
      const JobPlan plan(config, mpi_.size());
      const std::string started_at = utc_timestamp();
      const auto start = Clock::now();
      const RunOutcome done = job.run([&](int group) { return plan.work(group, config, head_.device.kind); });
      outcome.took_s = seconds_since(start);
      outcome.report = report_of(config, plan, job.records(), started_at, done);
      return may_go_on(done);
    });
    if (!jobs_.orderly()) return false;
    const auto left = left_since(before_, remains_now(jobs_.nonce_of_job(), mpi_.rank()), mpi_.rank());
    const auto left_of_all = mpi_.gather("what a fault left behind", Json(left).dump());
    if (mpi_.rank() != 0 || head_.cut_short) return go_on;
    for (const std::string& text : left_of_all) {
      for (const Json& each : parse_json(text, "what a fault left behind")) outcome.left_behind.push_back(each);
    }
    judge_one(scenario, config, std::move(outcome));
    return go_on;
  }

  Json report_of(const RunConfig& config, const JobPlan& plan, const std::vector<Json>& of_job,
                 const std::string& started_at, const RunOutcome& done) const {
    RunStarted started{.tool = head_.tool,
                       .run = {{"command", head_.command},
                               {"repro_command", nullptr},
                               {"config", repeatable(config)},
                               {"seed", config.seed},
                               {"started_at", started_at},
                               {"injected", config.inject}},
                       .device = {{"asked", head_.device.kind},
                                  {"kind", head_.device.kind},
                                  {"emulated", head_.device.emulated},
                                  {"reason", head_.device.reason}},
                       .world_size = plan.world_size(),
                       .group_size = plan.group_size(),
                       .planned_rows = plan.planned_rows(),
                       .planned_lifecycles = plan.planned_lifecycles()};
    RunEnded ended{.ended_at = utc_timestamp(), .complete = !done.interrupted};
    if (done.interrupted) ended.interrupted_by = done.interrupted_by;
    std::vector<Json> records = facts_;
    records.push_back(to_json(started));
    records.insert(records.end(), of_job.begin(), of_job.end());
    records.push_back(to_json(ended));
    return fold_report(records);
  }

  void judge_one(const Scenario& scenario, const RunConfig& config, ScenarioOutcome outcome) {
    const FaultRow& fault = scenario.fault();
    outcome.bound_s = fault.bound_s > 0 ? bound_s(fault, deadlines_of(config)) + kStart_s * head_.widened_by
                                        : kWholeRun_s * head_.widened_by;
    for (const auto& violation : validate(outcome.report, schema_text("report"))) {
      outcome.invalid.push_back(fmt::format("{}: {}", violation.path, violation.message));
    }
    TestedFault& tested = tested_.emplace_back(TestedFault{scenario, std::move(outcome), {}});
    tested.sighting = sighting_of(scenario, tested.outcome);
    tested.outcome.report = nullptr;  // judged, and large
    job_.tell(tested);
  }

  MpiSession& mpi_;
  const SelftestJob& job_;
  SelftestHead head_;
  Scenarios scenarios_;
  Jobs jobs_;
  Remains before_;
  std::vector<Json> facts_;
  std::vector<TestedFault> tested_;
};

}  // namespace

SelftestResult run_selftest(MpiSession& mpi, const SelftestJob& job) { return Selftest(mpi, job).run(); }

}  // namespace symmbench
