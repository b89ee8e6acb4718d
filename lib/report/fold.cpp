#include "report/fold.hpp"

#include "findings/findings.hpp"
#include "report/bisect.hpp"
#include "report/comparisons.hpp"
#include "report/crossover.hpp"
#include "report/host_rows.hpp"
#include "report/pick.hpp"
#include "report/probe.hpp"
#include "report/rank_rows.hpp"
#include "report/rows.hpp"
#include "report/stability.hpp"
#include "report/stability_comparison.hpp"
#include "report/transport_comparison.hpp"
#include "report/verdict.hpp"

namespace symmbench {
namespace {

Json events_json(const RecordSet& records) {
  Json list = Json::array();
  for (const auto& event : records.events) {
    list.push_back({{"group", event.group}, {"what", event.what}, {"detail", event.detail}});
  }
  return list;
}

Json deadlines_of_run(const Json& deadlines) {
  Json hosts = Json::array();
  const Json given = member(deadlines, "hosts");
  for (const Json& host : given.is_array() ? given : Json::array()) {
    hosts.push_back({{"host", pick_text(host, "host")},
                     {"ranks", pick_integer(host, "ranks")},
                     {"cores", pick_number(host, "cores")},
                     {"load_1m", pick_number(host, "load_1m")},
                     {"widened_by", pick_number(host, "widened_by")}});
  }
  Json folded{{"hosts", std::move(hosts)}};
  for (const auto* key : {"timeout_s", "scale", "widened_by", "kernel_wait_s", "round_s", "watchdog_s"}) {
    folded[key] = pick_number(deadlines, key);
  }
  return folded;
}

/// By place in run.injected: how often the fault struck; null where that is not counted.
Json struck_json(const RecordSet& records, std::size_t faults) {
  Json struck = Json::array();
  for (std::size_t i = 0; i < faults; ++i) struck.push_back(0);
  for (const auto& event : records.events) {
    const Json index = pick_integer(event.data, "index");
    if (event.what != "fault_struck" || !index.is_number_unsigned() || index.get<std::size_t>() >= faults) continue;
    Json& total = struck[index.get<std::size_t>()];
    const Json times = pick_integer(event.data, "struck");
    total = times.is_null() || total.is_null() ? Json(nullptr)
                                               : Json(total.get<std::int64_t>() + times.get<std::int64_t>());
  }
  return struck;
}

Json run_json(const RecordSet& records, const Outcomes& outcomes) {
  const Json& run = records.started.run;
  Json folded{{"command", pick_text(run, "command")},
              {"repro_command", pick_text(run, "repro_command")},
              {"launcher", pick_text(run, "launcher")},
              {"config", pick_object(run, "config")},
              {"seed", pick_integer(run, "seed")},
              {"world_size", records.started.world_size},
              {"group_size", records.started.group_size},
              {"started_at", pick_text(run, "started_at")},
              {"ended_at", records.ended ? Json(records.ended->ended_at) : Json(nullptr)},
              {"complete", records.complete()},
              {"interrupted_by", records.ended ? json_or_null(records.ended->interrupted_by) : Json(nullptr)},
              {"events", events_json(records)},
              {"incidents", fold_run_incidents(records, outcomes)}};
  if (const Json injected = member(run, "injected"); injected.is_array()) {
    folded["injected"] = injected;
    folded["injected_struck"] = struck_json(records, injected.size());
  }
  if (const Json deadlines = pick_object(run, "deadlines"); !deadlines.is_null()) {
    folded["deadlines"] = deadlines_of_run(deadlines);
  }
  return folded;
}

Json device_json(const Json& device) {
  return {{"kind", pick_text(device, "kind")},
          {"emulated", pick_flag(device, "emulated")},
          {"asked", pick_text(device, "asked")},
          {"reason", pick_text(device, "reason")}};
}

}  // namespace

Json fold_report(std::span<const Json> records, const RunGate* gate) {
  const RecordSet set = sort_records(records);
  const Outcomes outcomes(set);
  const Json& tool = set.started.tool;
  Json report{{"schema_version", kReportSchemaVersion},
              {"tool",
               {{"version", pick_text(tool, "version")},
                {"git", pick_text(tool, "git")},
                {"build", pick_text(tool, "build")},
                {"binary_hash", pick_text(tool, "binary_hash")}}},
              {"run", run_json(set, outcomes)},
              {"device", device_json(set.started.device)},
              {"fabric", fold_fabric(set)},
              {"hosts", fold_hosts(set)},
              {"ranks", fold_ranks(set)},
              {"results", fold_rows(set, outcomes, set.started.planned_rows)}};
  report["stability"] = fold_stability(set, outcomes, report["results"]);
  report["stability_comparison"] = fold_stability_comparison(report["stability"]);
  report["comparison"] = fold_comparison(outcomes, set.started.planned_rows, report["results"]);
  report["transport_comparison"] = fold_transport_comparison(set.started, outcomes, report["results"]);
  report["crossover"] = fold_crossover(outcomes, set.started.planned_rows, report["results"]);
  report["probe"] = fold_probe(set);
  report["bisect"] = fold_bisect(set);
  report["findings"] = fold_findings(report);
  report["gate"] = gate != nullptr ? gate->judge(report) : gate_not_judged(report);
  report["verdict"] = verdict_json(report, {.strict = set.started.strict,
                                            .skip_if_unsupported = set.started.skip_if_unsupported,
                                            .unsupported = set.ended && set.ended->unsupported,
                                            .instead = set.ended ? set.ended->instead : std::nullopt});
  return report;
}

}  // namespace symmbench
