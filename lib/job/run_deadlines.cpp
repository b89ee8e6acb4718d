#include "job/run_deadlines.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "bench/batch_ring.hpp"
#include "core/text.hpp"
#include "plan/estimate.hpp"

namespace symmbench {
namespace {

std::optional<double> number(const Json& facts, const char* key) {
  const auto at = facts.find(key);
  return at != facts.end() && at->is_number() ? std::optional(at->get<double>()) : std::nullopt;
}

/// Where nothing is known, as many as there are ranks: it then widens nothing.
double cores_of(const Json& facts, double unknown) {
  std::optional<double> cores = number(facts, "cpus_allowed");
  if (!cores) cores = number(facts, "cpus");
  const auto quota = number(facts, "cpu_quota");
  if (quota && (!cores || *quota < *cores)) cores = quota;
  return cores.value_or(unknown);
}

/// Which device a plan without one means: a run that does not ask for the emulated one has GPUs.
bool plans_emulated(const RunConfig& config) { return config.device == DeviceChoice::host; }

/// What a rank fills at a time, at most: its workspace when that is brought up, its ring before every batch.
double bytes_to_fill(const CaseGroup& group, bool emulated) {
  double bytes = filled_bytes(group);
  for (const auto& one : group.cases) {
    if (!one.skip) bytes = std::max(bytes, static_cast<double>(ring_bytes(one, emulated)));
  }
  return bytes;
}

/// A group of a plan, with its deadlines in s.
struct GroupDeadlines {
  double setup_s = 0;
  Deadlines waits{};
  std::optional<double> batch_least_s, batch_most_s;
};

GroupDeadlines deadlines_of_group(const RunConfig& config, const CaseGroup& group) {
  const bool emulated = plans_emulated(config);
  const WorkerConfig own = config_of_group(config, group, emulated);
  GroupDeadlines deadlines{.setup_s = own.setup_s, .waits = deadlines_of(own)};
  for (const auto& one : group.cases) {
    if (one.skip) continue;
    const double iteration_s = assumed_iteration_s(one, emulated);
    const auto shape = batch_shape(one, emulated, longest_batch(deadlines.waits, iteration_s));
    const double batch_s = allowance_s(deadlines.waits, iteration_s * shape.iterations);
    deadlines.batch_least_s = std::min(deadlines.batch_least_s.value_or(batch_s), batch_s);
    deadlines.batch_most_s = std::max(deadlines.batch_most_s.value_or(batch_s), batch_s);
  }
  return deadlines;
}

}  // namespace

std::vector<HostOfRun> hosts_of_run(const std::vector<Json>& rank_facts) {
  std::vector<HostOfRun> hosts;
  std::vector<std::string> identities;
  for (const auto& record : rank_facts) {
    const Json& facts = record.at("facts");
    const auto name = facts.value("host", std::string("unknown"));
    // Virtual hosts share the cores of one machine.
    const auto identity = facts.value("machine", facts.value("boot_id", name));
    auto at = std::find(identities.begin(), identities.end(), identity);
    if (at == identities.end()) {
      identities.push_back(identity);
      hosts.push_back({.host = name, .load = {.cores = 0, .load_1m = 0, .ranks = 0}});
      at = identities.end() - 1;
    }
    HostLoad& load = hosts[static_cast<std::size_t>(at - identities.begin())].load;
    ++load.ranks;
    // Ranks bound to cores of their own have all of them together; a quota may be one for all: the most that any has.
    load.cores = std::max(load.cores, cores_of(facts, 0));
    load.load_1m = std::max(load.load_1m, number(facts, "load_1m").value_or(0));
  }
  for (auto& host : hosts) {
    if (host.load.cores == 0) host.load = {.cores = static_cast<double>(host.load.ranks), .ranks = host.load.ranks};
  }
  return hosts;
}

double widening_of(const std::vector<HostOfRun>& hosts) {
  std::vector<HostLoad> loads;
  for (const auto& host : hosts) loads.push_back(host.load);
  return widening(loads);
}

WorkerConfig config_of_group(const WorkerConfig& config, const CaseGroup& group, bool emulated) {
  WorkerConfig own = config;
  own.setup_s = assumed_fill_s(group.capacity.world_size(), bytes_to_fill(group, emulated), emulated);
  return own;
}

Json deadlines_json(const WorkerConfig& asked, const std::vector<HostOfRun>& hosts) {
  const double widened_by = widening_of(hosts);
  const Deadlines waits = deadlines_of(asked.timeout_s, asked.deadline_scale * widened_by);
  Json json{{"timeout_s", asked.timeout_s}, {"scale", asked.deadline_scale},
            {"widened_by", widened_by},     {"kernel_wait_s", waits.kernel_wait_s},
            {"round_s", waits.round_s},     {"watchdog_s", waits.watchdog_s},
            {"hosts", Json::array()}};
  for (const auto& host : hosts) {
    json["hosts"].push_back({{"host", host.host},
                             {"ranks", host.load.ranks},
                             {"cores", host.load.cores},
                             {"load_1m", host.load.load_1m},
                             {"widened_by", widening(host.load)}});
  }
  return json;
}

std::string plan_deadlines_text(const RunConfig& config, const Plan& plan) {
  const Deadlines waits = deadlines_of(config);
  std::string text = fmt::format(
      "\nDeadlines, where every task has a core; with more tasks, or load, than cores, all are longer by their ratio, "
      "up "
      "to {} times (signs of life and farewells: {})\n"
      "  start-up: MPI_Init {} s, each round between ranks {} s, device contexts {} s; MPI_Finalize {} s\n"
      "  a kernel gives up after {} s, its stream after {} s, a round between ranks after {} s, the watchdog after {} "
      "s\n",
      kMostWidening, kMostOfSigns, deadline::kMpiInit_s, deadline::kStartRound_s, waits.context_s,
      deadline::kFinalize_s, waits.kernel_wait_s, waits.stream_s, waits.round_s, waits.watchdog_s);
  text += fmt::format(
      "  after a first wait in vain the others are heard for {} s; a killed worker has {} s to die\n"
      "  a supervisor has {} s to answer; rank 0 speaks every {} s and is lost after {} s, {} s where it reads or "
      "writes "
      "reports; farewells {} s\n"
      "  after a signal, never longer: {} s for workers, {} s for rank 0's exit code, {} s for farewells; {} s in "
      "all\n",
      waits.settle_s, waits.die_s, waits.stop_s, deadline::kBeat_s, waits.leader_s, waits.between_runs_s,
      waits.finish_s, deadline::kInterruptedRun_s, deadline::kInterruptedServe_s, deadline::kInterruptedFinish_s,
      deadline::kLeaveWithin_s);
  for (const auto& group : plan.groups) {
    const GroupDeadlines own = deadlines_of_group(config, group);
    text += fmt::format("  {}: a phase {:.3g} s", group.id, own.waits.round_s);
    if (own.setup_s > 0) {
      text += fmt::format(" ({:.3g} s and {} x {:.2g} s for {})", waits.round_s, kWorkFactor * config.deadline_scale,
                          own.setup_s,
                          format_bytes(static_cast<std::uint64_t>(bytes_to_fill(group, plans_emulated(config)))));
    }
    if (own.batch_least_s) {
      text += fmt::format(", a batch {:.3g} to {:.3g} s ({:.3g} s and {} x its iterations, as assumed)",
                          *own.batch_least_s, *own.batch_most_s, own.waits.round_s, kWorkFactor);
    }
    text += "\n";
  }
  return text;
}

Json plan_deadlines_json(const RunConfig& config, const Plan& plan) {
  const Deadlines waits = deadlines_of(config);
  Json groups = Json::array();
  for (const auto& group : plan.groups) {
    const GroupDeadlines own = deadlines_of_group(config, group);
    groups.push_back({{"id", group.id},
                      {"round", own.waits.round_s},
                      {"setup_assumed", own.setup_s},
                      {"batch_least", json_or_null(own.batch_least_s)},
                      {"batch_most", json_or_null(own.batch_most_s)}});
  }
  return {
      {"kernel_wait", waits.kernel_wait_s},
      {"stream", waits.stream_s},
      {"round", waits.round_s},
      {"watchdog", waits.watchdog_s},
      {"start_up",
       {{"mpi_init", deadline::kMpiInit_s}, {"round", deadline::kStartRound_s}, {"device_context", waits.context_s}}},
      {"supervisors",
       {{"settle", waits.settle_s},
        {"die", waits.die_s},
        {"stop", waits.stop_s},
        {"leader", waits.leader_s},
        {"beat", deadline::kBeat_s},
        {"silent", waits.silent_s},
        {"between_runs", waits.between_runs_s},
        {"finish", waits.finish_s}}},
      {"after_signal",
       {{"run", deadline::kInterruptedRun_s},
        {"serve", deadline::kInterruptedServe_s},
        {"finish", deadline::kInterruptedFinish_s},
        {"leave", deadline::kLeaveWithin_s}}},
      {"finalize", deadline::kFinalize_s},
      {"work_factor", kWorkFactor},
      {"most_widening", kMostWidening},
      {"most_widening_of_signs", kMostOfSigns},
      {"groups", std::move(groups)}};
}

}  // namespace symmbench
