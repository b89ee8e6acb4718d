#pragma once
#include <functional>

#include "bench/any_group.hpp"
#include "config/resolve.hpp"
#include "device/faulty/faulty_driver.hpp"
#include "device/host/host_driver.hpp"
#include "kernels/host/host_delay.hpp"
#include "kernels/host/host_kernels.hpp"
#include "plan/make_plan.hpp"
#include "support/bench_fakes.hpp"
#include "support/thread_ranks.hpp"

namespace symmbench::test {

/// Wraps the kernels of one rank; tests put a broken set in.
using KernelsOf = std::function<std::unique_ptr<KernelSet>(int rank, std::unique_ptr<KernelSet> inner)>;

/// What a group runs with, where it is not the emulated device from its first item on.
struct GroupSetup {
  KernelsOf kernels_of = {};
  std::function<std::unique_ptr<LinkProbe>(int rank)> probe_of = {};
  std::function<LibraryChoice(int rank)> open_library = {};
  std::function<std::unique_ptr<Heartbeat>(int rank)> heartbeat_of = {};
  std::function<std::unique_ptr<Driver>(int rank)> driver_of = {};
  std::function<std::vector<DriverFault>(int rank)> faults_of = {};
  bool emulated = true;
  std::function<double(std::string_view allocator, int placement)> slowed_by = {};
  std::function<void(Stream& stream, double us)> delay = delay_on_host;
  std::function<DeviceSample()> sample = {};
  std::function<std::function<std::optional<bool>()>(int rank)> slowed_down_of = {};
  std::function<DeviceErrors()> errors = {};
  std::uint64_t first_lifecycle = 0;
  std::function<double(int rank, int peer)> link_slowed_by = {};
};

inline RunConfig config_of(const Json& options) { return resolve(nullptr, options); }

/// Runs one case group of the plan with ranks as threads, each with an emulated device of its own; all records.
inline std::vector<Json> run_group(int ranks, const RunConfig& config, std::size_t group_index = 0,
                                   const GroupSetup& setup = {}) {
  const CaseGroup group = make_plan(config, ranks, 0).groups.at(group_index);
  WorkRequest request{.task = "group", .label = group.id};
  for (const auto& bench_case : group.cases) request.items.push_back({bench_case.id(), group.allocators});
  if (group.kind == GroupKind::lifecycle) {
    request.items.push_back({group.id, group.allocators});
    request.rounds = Rounds{.wanted = group.lifecycles, .wanted_s = group.soak_s, .done = setup.first_lifecycle};
  }

  CollectedRecords records;
  run_ranks(ranks, [&](int rank, Communicator& comm) {
    const auto heartbeat = setup.heartbeat_of ? setup.heartbeat_of(rank) : std::make_unique<QuietHeartbeat>();
    Backend backend;
    backend.account = std::make_unique<DriverAccount>();
    std::unique_ptr<Driver> driver = std::make_unique<AccountedDriver>(
        setup.driver_of ? setup.driver_of(rank) : std::make_unique<HostDriver>(), *backend.account);
    if (setup.faults_of) driver = std::make_unique<FaultyDriver>(std::move(driver), setup.faults_of(rank));
    backend.driver = std::make_unique<ObservedDriver>(std::move(driver));
    backend.emulated = setup.emulated;
    if (setup.probe_of) backend.probe = setup.probe_of(rank);
    backend.kernels = make_host_kernels();
    backend.delay = setup.delay;
    backend.sample = setup.sample;
    if (setup.slowed_down_of) backend.slowed_down = setup.slowed_down_of(rank);
    backend.errors = setup.errors;
    if (setup.kernels_of) backend.kernels = setup.kernels_of(rank, std::move(backend.kernels));
    backend.slows_batches = static_cast<bool>(setup.slowed_by);
    if (setup.slowed_by) backend.slowed_by = setup.slowed_by;
    if (setup.link_slowed_by) {
      backend.link_slowed_by = [&setup, rank](int peer) { return setup.link_slowed_by(rank, peer); };
    }
    if (setup.open_library) backend.open_nccl = [&setup, rank](Algorithm) { return setup.open_library(rank); };
    backend.give_up = backend.driver->register_host(heartbeat->give_up_record(), sizeof(GiveUpRecord));
    WorkerContext context{.request = request,
                          .comm = comm,
                          .records = records,
                          .heartbeat = *heartbeat,
                          .job_nonce = "test",
                          .item_done = [](int) {}};
    run_any_group(context, config, group, backend);
  });
  return records.all();
}

inline std::vector<RowRecord> rows_in(const std::vector<Json>& records) {
  std::vector<RowRecord> rows;
  for (const auto& record : records) {
    if (type_of(record) == "row") rows.push_back(row_from(record));
  }
  return rows;
}

}  // namespace symmbench::test
