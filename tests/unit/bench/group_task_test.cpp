#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <iterator>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "bench/process_holdings.hpp"
#include "kernels/forwarding_kernels.hpp"
#include "support/bench_group.hpp"
#include "support/shared_gpu.hpp"

using namespace symmbench;
using namespace symmbench::test;

namespace {

/// Hands everything on, but adds one to a word of this rank's input before the `nth` allreduce: what a corrupted link
/// does to a message.
class CorruptingKernels final : public ForwardingKernels {
 public:
  CorruptingKernels(std::unique_ptr<KernelSet> inner, int nth) : ForwardingKernels(std::move(inner)), left_(nth) {}

  void allreduce(Stream& stream, const AllreduceCall& call) override {
    if (left_-- == 0) stream.fill(call.input, 0x40004000u, 1);
    ForwardingKernels::allreduce(stream, call);
  }

 private:
  int left_;
};

/// What a rank does with each batch, in order.
using BatchLog = std::vector<std::string>;

class LoggingHeartbeat final : public QuietHeartbeat {
 public:
  explicit LoggingHeartbeat(BatchLog& log) : log_(log) {}
  void iteration(std::uint64_t value) override { log_.push_back("iteration " + std::to_string(value)); }

 private:
  BatchLog& log_;
};

/// In whose work a rank began its batches, each switch once.
class AllocatorHeartbeat final : public QuietHeartbeat {
 public:
  explicit AllocatorHeartbeat(std::vector<std::string>& turns) : turns_(turns) {}
  void allocator(std::string_view name) override { now_ = name; }
  void iteration(std::uint64_t) override {
    if (turns_.empty() || turns_.back() != now_) turns_.push_back(now_);
  }

 private:
  std::vector<std::string>& turns_;
  std::string now_;
};

class LoggingKernels final : public ForwardingKernels {
 public:
  LoggingKernels(std::unique_ptr<KernelSet> inner, BatchLog& log) : ForwardingKernels(std::move(inner)), log_(log) {}

  void device_barrier(Stream& stream, const RankView& view, const SegmentView& flags) override {
    log_.emplace_back("barrier");
    ForwardingKernels::device_barrier(stream, view, flags);
  }
  void check(Stream& stream, const BatchView& batch, const CheckCall& call, std::uint64_t advance) override {
    log_.emplace_back("check");
    ForwardingKernels::check(stream, batch, call, advance);
  }

 private:
  BatchLog& log_;
};

/// Keeps where the workspaces of a rank's calls have their flags.
class WatchingKernels final : public ForwardingKernels {
 public:
  WatchingKernels(std::unique_ptr<KernelSet> inner, std::set<DevicePtr>& flags)
      : ForwardingKernels(std::move(inner)), flags_(flags) {}

  void allreduce(Stream& stream, const AllreduceCall& call) override {
    flags_.insert(call.view->segment[WorkspaceView::kFlags].base[call.view->rank]);
    ForwardingKernels::allreduce(stream, call);
  }

 private:
  std::set<DevicePtr>& flags_;
};

Json small_run() {
  return {{"minbytes", "4K"}, {"maxbytes", "4K"}, {"iters", "8"}, {"cudagraph", "2"}, {"warmup_iters", "2"}};
}

std::vector<Json> lifecycles_in(const std::vector<Json>& records) {
  std::vector<Json> found;
  std::copy_if(records.begin(), records.end(), std::back_inserter(found),
               [](const Json& record) { return type_of(record) == "lifecycle"; });
  return found;
}

/// The first one of the plan for two ranks.
std::size_t lifecycle_group(const RunConfig& config) {
  const auto groups = make_plan(config, 2, 0).groups;
  const auto it =
      std::find_if(groups.begin(), groups.end(), [](const auto& g) { return g.kind == GroupKind::lifecycle; });
  REQUIRE(it != groups.end());
  return static_cast<std::size_t>(it - groups.begin());
}

}  // namespace

TEST_CASE("the heartbeat says in whose work a rank is, batch by batch") {
  std::array<std::vector<std::string>, 2> turns;
  run_group(2, config_of(small_run()), 0,
            {.heartbeat_of = [&](int rank) { return std::make_unique<AllocatorHeartbeat>(turns.at(rank)); }});
  const std::string symm = "symm_device_memory", torch = "torch_symm_mem";
  for (const auto& of_rank : turns) {
    // Warm-up of both, then A-B-B-A; one algorithm's cases after the other's.
    REQUIRE(of_rank.size() >= 5);
    CHECK(std::vector(of_rank.begin(), of_rank.begin() + 5) == std::vector{symm, torch, symm, torch, symm});
  }
}

TEST_CASE("a group of cases gives one verified row per case and allocator") {
  Json options = small_run();
  options["pattern"] = "allreduce,residual_rmsnorm";
  options["algorithm"] = "one_shot,two_shot,two_shot_barrier";
  const auto rows = rows_in(run_group(2, config_of(options)));
  REQUIRE(rows.size() == 2 * 3 * 2);
  for (const auto& row : rows) {
    INFO(row.case_id << " " << row.allocator << " " << row.reason.value_or(""));
    CHECK(row.status == "ok");
    CHECK(row.wrong_elements == 0);
    CHECK(row.checked_iterations == 2 + 8 * 4);  // warm-up, and a batch of two in both blocks of each placement
    CHECK(row.rank_mean_us.size() == 2);
    CHECK(row.handle.at("used") == "posix_fd");
  }
}

TEST_CASE("the heartbeat hears of a batch when it has been launched and nobody has waited for it") {
  Json options = small_run();
  options["allocator"] = "torch_symm_mem";
  options["algorithm"] = "one_shot";
  std::array<BatchLog, 2> logs;
  const auto log_of = [&](int rank) -> BatchLog& { return logs[static_cast<std::size_t>(rank)]; };
  GroupSetup setup;
  setup.kernels_of = [&](int rank, auto inner) {
    return std::make_unique<LoggingKernels>(std::move(inner), log_of(rank));
  };
  setup.heartbeat_of = [&](int rank) { return std::make_unique<LoggingHeartbeat>(log_of(rank)); };
  run_group(2, config_of(options), 0, setup);
  for (const BatchLog& log : logs) {
    REQUIRE(log.size() >= 6);
    CHECK(BatchLog(log.begin(), log.begin() + 6) ==
          BatchLog{"barrier", "iteration 0", "check", "barrier", "iteration 2", "check"});
  }
}

TEST_CASE("compared allocators take turns in every placement, and each gets the iterations that were asked for") {
  Json options = small_run();
  options["iters"] = "64";
  options["algorithm"] = "one_shot";
  const auto rows = rows_in(run_group(2, config_of(options)));
  REQUIRE(rows.size() == 2);
  const auto places_of = [](const RowRecord& row) {
    std::vector<std::pair<int, int>> places;
    for (const auto& block : row.blocks) places.emplace_back(block.position, block.placement);
    return places;
  };
  std::vector<std::pair<int, int>> first, second;
  for (int placement = 0; placement < 8; ++placement) {
    for (const int position : {0, 3}) first.emplace_back(4 * placement + position, placement);
    for (const int position : {1, 2}) second.emplace_back(4 * placement + position, placement);
  }
  CHECK(places_of(rows[0]) == first);
  CHECK(places_of(rows[1]) == second);
  std::size_t batches = 0;
  for (const auto& block : rows[0].blocks) batches += block.batch_us.size();
  CHECK(batches * rows[0].iterations_per_batch == 64);
}

TEST_CASE("one allocator, or one placement asked for, is measured where it stands") {
  for (const auto& [key, value] : {std::pair{"allocator", "torch_symm_mem"}, std::pair{"placements", "1"}}) {
    Json options = small_run();
    options["algorithm"] = "one_shot";
    options[key] = value;
    for (const auto& row : rows_in(run_group(2, config_of(options)))) {
      CHECK(row.checked_iterations == 2 + 8);
      for (const auto& block : row.blocks) CHECK(block.placement == 0);
    }
  }
}

TEST_CASE("placements of one allocator lie at different addresses on every rank") {
  Json options = small_run();
  options["algorithm"] = "one_shot";
  std::array<std::set<DevicePtr>, 2> flags;
  GroupSetup setup;
  setup.kernels_of = [&](int rank, auto inner) {
    return std::make_unique<WatchingKernels>(std::move(inner), flags[static_cast<std::size_t>(rank)]);
  };
  run_group(2, config_of(options), 0, setup);
  for (const auto& addresses : flags) CHECK(addresses.size() == 2 * 8);
}

TEST_CASE("placements end where their share of the memory does, on every rank alike, and an event says so") {
  Json options = small_run();
  options["algorithm"] = "one_shot";
  GroupSetup setup;
  // A quarter of it, over two ranks: a placement takes a few blocks of 2 MiB.
  setup.driver_of = [](int rank) {
    return std::make_unique<SharedGpu>(0, std::uint64_t{rank == 1 ? 240u : 2400u} << 20);
  };
  const auto records = run_group(2, config_of(options), 0, setup);
  for (const auto& row : rows_in(records)) {
    CHECK(row.status == "ok");
    CHECK(row.blocks.back().placement >= 1);
    CHECK(row.blocks.back().placement < 7);
  }
  const auto limited = std::find_if(records.begin(), records.end(), [](const Json& record) {
    return type_of(record) == "event" && event_from(record).what == "placements_limited";
  });
  REQUIRE(limited != records.end());
  CHECK(event_from(*limited).detail.find("rank 1 has too little memory for more") != std::string::npos);
}

TEST_CASE(
    "what is slow on purpose is delayed once a batch, by a share of its own time, in the placements that are meant") {
  Json options = small_run();
  options["algorithm"] = "one_shot";
  const auto delays_of = [&](const std::set<int>& slow_placements) {
    std::mutex mutex;
    std::vector<double> delays_us;
    GroupSetup setup;
    setup.slowed_by = [&](std::string_view allocator, int placement) {
      return allocator == "torch_symm_mem" && slow_placements.contains(placement) ? 0.5 : 0.0;
    };
    setup.delay = [&](Stream&, double us) {
      const std::lock_guard lock(mutex);
      delays_us.push_back(us);
    };
    run_group(2, config_of(options), 0, setup);
    return delays_us;
  };
  // Once in the recording of each placement's batch, on both ranks, which agree on what a batch takes.
  const auto one = delays_of({2});
  REQUIRE(one.size() == 2);
  CHECK(one[0] > 0);
  CHECK(one[0] == one[1]);
  CHECK(delays_of({0, 1, 2, 3, 4, 5, 6, 7}).size() == 2 * 8);
  CHECK(delays_of({}).empty());
}

TEST_CASE("one corrupted word of one rank fails the row, names the rank, and the next case is clean") {
  Json options = small_run();
  options["minbytes"] = "1K";
  options["algorithm"] = "one_shot";
  options["allocator"] = "torch_symm_mem";
  const auto corrupt = [](int rank, std::unique_ptr<KernelSet> inner) -> std::unique_ptr<KernelSet> {
    if (rank != 1) return inner;
    return std::make_unique<CorruptingKernels>(std::move(inner), 1);  // the second launch of the recorded graph
  };
  const auto rows = rows_in(run_group(2, config_of(options), 0, {.kernels_of = corrupt}));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].status == "failed");
  CHECK(rows[0].failure->reason == Reason::wrong_data);
  CHECK(rows[0].wrong_elements > 0);
  CHECK(rows[0].blame.is_object());
  CHECK(rows[1].status == "ok");
}

TEST_CASE("an allocator without a usable handle gives skipped rows with the reason") {
  Json options = small_run();
  options["handle"] = "fabric";
  for (const auto& row : rows_in(run_group(2, config_of(options)))) {
    CHECK(row.status == "skipped");
    CHECK_FALSE(row.reason->empty());
  }
}

TEST_CASE("without an iteration count a case samples until its interval or its time is used up") {
  Json options = small_run();
  options.erase("iters");
  options["algorithm"] = "one_shot";
  const auto rows = rows_in(run_group(2, config_of(options)));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].blocks.size() == rows[1].blocks.size());
  CHECK(rows[0].blocks.size() % 2 == 0);
}

TEST_CASE("what another process takes of the device's memory is no leak of ours") {
  Json options = small_run();
  options["lifecycles"] = "3";
  GroupSetup setup;
  setup.driver_of = [](int) { return std::make_unique<SharedGpu>(6 << 20); };
  setup.emulated = false;
  const RunConfig config = config_of(options);
  const auto records = lifecycles_in(run_group(2, config, lifecycle_group(config), setup));
  REQUIRE(records.size() == 3);
  CHECK(lifecycle_from(records.back()).leaks.at("device_bytes") == 0);
}

TEST_CASE("what a lifecycle does not give back is counted by kind, whatever the device says is free") {
  Json options = small_run();
  options["lifecycles"] = "2";
  const RunConfig config = config_of(options);
  const auto leaks_of = [&](DriverCall lost) {
    GroupSetup setup;
    setup.faults_of = [=](int rank) {
      return rank == 1 ? std::vector<DriverFault>{{.call = lost, .times = 1000, .lost = true}}
                       : std::vector<DriverFault>{};
    };
    return lifecycle_from(run_group(2, config, lifecycle_group(config), setup).back()).leaks;
  };
  const Json handles = leaks_of(DriverCall::release);
  CHECK(handles.at("handles") > 0);
  CHECK(handles.at("device_bytes") > 0);
  CHECK(handles.at("va_bytes") == 0);
  const Json addresses = leaks_of(DriverCall::free_range);
  CHECK(addresses.at("va_bytes") > 0);
  CHECK(addresses.at("handles") == 0);
  CHECK(addresses.at("device_bytes") == 0);
  CHECK(leaks_of(DriverCall::free_local).at("device_bytes") > 0);
}

TEST_CASE("lifecycles time every phase in order and leave nothing behind") {
  Json options = small_run();
  options["lifecycles"] = "3";
  const RunConfig config = config_of(options);
  const std::size_t index = lifecycle_group(config);
  const auto written = run_group(2, config, index);
  const auto records = lifecycles_in(written);
  REQUIRE(records.size() == 3);
  CHECK(written.size() == 3 + 1);  // the trial of the handle type, once however many cycles there are
  for (const auto& json : records) {
    const LifecycleRecord record = lifecycle_from(json);
    CHECK_FALSE(record.failure);
    std::vector<std::string> phases;
    for (const auto& [phase, span_us] : record.phase_us) {
      phases.push_back(phase);
      CHECK(span_us.count() == 1);
    }
    CHECK(record.operation_us.count() == 1);
    CHECK(record.started_at <= record.ended_at);
    CHECK(phases ==
          std::vector<std::string>{"create", "export", "exchange", "import", "map", "init", "verify", "use", "close"});
  }
  // Ranks that are threads see each other's descriptors and threads come and go: of those, what is left at the end counts.
  const Json leaks = lifecycle_from(records.back()).leaks;
  for (const char* own : {"mappings", "handles", "va_bytes", "va_ranges", "device_bytes"}) {
    INFO(own);
    CHECK(leaks.at(own) == 0);
  }

  const ProcessHoldings before = process_holdings();
  options["lifecycle_fresh"] = "on";
  const auto fresh = lifecycles_in(run_group(2, config_of(options), index));
  const ProcessHoldings after = process_holdings();
  CHECK(after.descriptors == before.descriptors);
  CHECK(after.threads == before.threads);
  CHECK(after.processes == before.processes);
  CHECK(after.shm == before.shm);
  REQUIRE(fresh.size() == 1);  // the others are for workers of their own
  CHECK_FALSE(lifecycle_from(fresh[0]).failure);

  const auto rest = run_group(2, config, index, {.first_lifecycle = 2});  // as after a worker that died in round 1
  REQUIRE(rest.size() == 1);
  CHECK(lifecycle_from(rest[0]).iteration == 2);
}
