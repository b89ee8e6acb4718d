#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

#include "bench/clocks.hpp"
#include "kernels/forwarding_kernels.hpp"
#include "support/bench_group.hpp"
#include "support/failures.hpp"

using namespace symmbench;
using namespace symmbench::test;
using Catch::Approx;

namespace {

constexpr std::uint64_t kNow = 1'700'000'000'000'000'000;  // ns since 1970, as device clocks count

/// Stands in for a GPU's probe on emulated ranks: moves bytes where a real one does, and has clocks that are 1 ms apart
/// per rank. Rank r begins every batch 2 r us after rank 0.
class ScriptedProbe final : public LinkProbe {
 public:
  explicit ScriptedProbe(int rank, std::optional<Reason> broken = std::nullopt) : broken_(broken) {
    stamp_ = on_time_ = kNow + 5'000 + static_cast<std::uint64_t>(rank) * 1'002'000;
    late_ = static_cast<std::uint64_t>(rank) * 50'000;
    for (std::size_t peer = 0; peer < readings_.size(); ++peer) {
      readings_[peer] = {static_cast<std::int64_t>(peer) * 1'000'000, 1500, kNow};
    }
  }

  void empty(Stream&) override {}
  void flag_barrier(Stream& stream, const RankView& view, const SegmentView& segment, std::uint32_t row) override {
    stream.fill(segment[view.rank] + row * kPacketBytes * static_cast<std::uint64_t>(view.world_size), kSentinel, 4);
  }
  void write_peers(Stream& stream, const RankView& view, const SegmentView& segment, std::uint32_t) override {
    if (broken_) throw Error({.layer = Layer::kernel, .reason = *broken_, .detail = "scripted"});
    const std::uint64_t share = segment.bytes / static_cast<std::uint64_t>(view.world_size) / 16 * 16;
    for (int peer = 0; peer < view.world_size; ++peer) {
      if (peer != view.rank) stream.fill(segment[peer] + static_cast<std::uint64_t>(view.rank) * share, 7, share / 4);
    }
  }
  void read_peers(Stream& stream, const RankView&, const SegmentView& segment, std::uint32_t, DevicePtr sink) override {
    stream.copy(to_pointer(sink), to_pointer(segment[0]), 4);
  }
  void ping(Stream& stream, const RankView& view, const SegmentView&, std::uint32_t, DevicePtr to) override {
    after_pause_ = true;
    if (view.rank != 0) return;
    stream.copy(to_pointer(to), readings_.data(), static_cast<std::uint64_t>(view.world_size) * sizeof(ClockReading));
  }
  /// A batch begins: rank 1 is 50 us late for the first one after clocks were read.
  void batch_begins() {
    stamp_ = on_time_ + (after_pause_ ? late_ : 0);
    after_pause_ = false;
  }
  void stamp(Stream& stream, DevicePtr to) override { stream.copy(to_pointer(to), &stamp_, sizeof(stamp_)); }

 private:
  std::optional<Reason> broken_;
  std::uint64_t stamp_, on_time_, late_;
  bool after_pause_ = false;
  std::array<ClockReading, 8> readings_;
};

/// Tells the probe when a batch begins.
class LateAfterPause final : public ForwardingKernels {
 public:
  LateAfterPause(std::unique_ptr<KernelSet> inner, ScriptedProbe* probe)
      : ForwardingKernels(std::move(inner)), probe_(probe) {}

  void device_barrier(Stream& stream, const RankView& view, const SegmentView& flags) override {
    probe_->batch_begins();
    ForwardingKernels::device_barrier(stream, view, flags);
  }

 private:
  ScriptedProbe* probe_;
};

/// One size, two algorithms. `timeout_s`: twice what a kernel waits for a rank that failed.
RunConfig small_probe_run(const char* timeout_s = "20") {
  return config_of({{"minbytes", "4K"},
                    {"maxbytes", "4K"},
                    {"timeout", timeout_s},
                    {"iters", "8"},
                    {"placements", "1"},
                    {"cudagraph", "2"},
                    {"warmup_iters", "2"},
                    {"lifecycles", "1"},
                    {"algorithm", "one_shot,two_shot_barrier"}});
}

std::vector<Json> of_type(const std::vector<Json>& records, const std::string& type) {
  std::vector<Json> found;
  std::copy_if(records.begin(), records.end(), std::back_inserter(found),
               [&](const Json& record) { return type_of(record) == type; });
  return found;
}

}  // namespace

TEST_CASE("a group with a link probe reports its floors once, and its cases stay right") {
  const auto records =
      run_group(4, small_probe_run(), 0, {.probe_of = [](int rank) { return std::make_unique<ScriptedProbe>(rank); }});
  const auto floors = of_type(records, "floors");
  REQUIRE(floors.size() == 1);
  const FloorsRecord record = floors_from(floors[0]);
  CHECK(record.group == 0);
  CHECK(record.workspace == "trtllm_fusion");
  CHECK_FALSE(record.allocator.empty());
  CHECK(record.hop_us == Approx(0.75));
  CHECK(record.empty_kernel_us > 0);
  CHECK(record.flag_barrier_us > 0);
  CHECK(record.peer_write_gbs > 0);
  CHECK(record.peer_read_gbs > 0);
  const auto rows = rows_in(records);
  REQUIRE(rows.size() == 2 * 2);
  for (const auto& row : rows) {
    INFO(row.case_id << " " << row.reason.value_or(""));
    CHECK(row.status == "ok");
    CHECK(row.wrong_elements == 0);
  }
}

TEST_CASE(
    "each rank's reads of every other one's memory are timed once, and only a link that is to be slow is delayed") {
  std::atomic<int> delays = 0;
  const auto records = run_group(4, small_probe_run(), 0,
                                 {.delay = [&](Stream&, double us) { delays += us > 0 ? 1 : 0; },
                                  .link_slowed_by = [](int rank, int peer) { return rank + peer == 4 ? 9.0 : 0.0; }});
  const auto times = of_type(records, "link_times");
  REQUIRE(times.size() == 1);
  const LinkTimesRecord record = link_times_from(times[0]);
  CHECK(record.bytes == 16384);
  CHECK(record.allocator == "symm_device_memory");
  REQUIRE(record.read_us.size() == 4);
  for (std::size_t reader = 0; reader < 4; ++reader) {
    for (std::size_t owner = 0; owner < 4; ++owner) CHECK((record.read_us[reader][owner] > 0) == (reader != owner));
  }
  CHECK(delays == 2 * 6);  // of ranks 1 and 3: three reads in each pass but the first
  for (const auto& row : rows_in(records)) CHECK(row.status == "ok");
}

TEST_CASE("ranks that begin apart are seen apart, whatever their clocks say") {
  const auto probe_of = [](int rank) { return std::make_unique<ScriptedProbe>(rank); };
  for (const int ranks : {2, 4}) {
    for (const auto& row : rows_in(run_group(ranks, small_probe_run(), 0, {.probe_of = probe_of}))) {
      REQUIRE(row.skew_us.size() == SkewMeter::kSamples);
      for (const double skew_us : row.skew_us) CHECK(skew_us == Approx(2.0 * (ranks - 1)));
      CHECK(*row.clock_error_us == Approx(ranks == 2 ? 0.75 + 0.064 : 1.5 + 0.064));
      std::size_t timed = 0;
      for (const auto& block : row.blocks) timed += block.batch_us.size();
      CHECK(timed * row.iterations_per_batch == 8);
    }
  }
}

TEST_CASE("the first stamped batch after a pause is no sample of how far apart ranks begin") {
  std::array<ScriptedProbe*, 2> probes{};
  GroupSetup setup;
  setup.probe_of = [&](int rank) {
    auto probe = std::make_unique<ScriptedProbe>(rank);
    probes[static_cast<std::size_t>(rank)] = probe.get();
    return probe;
  };
  setup.kernels_of = [&](int rank, auto inner) {
    return std::make_unique<LateAfterPause>(std::move(inner), probes[static_cast<std::size_t>(rank)]);
  };
  for (const auto& row : rows_in(run_group(2, small_probe_run(), 0, setup))) {
    REQUIRE(row.skew_us.size() == SkewMeter::kSamples);
    for (const double skew_us : row.skew_us) CHECK(skew_us == Approx(2.0));
  }
}

TEST_CASE("floors that cannot be measured cost no case its result") {
  const auto records = run_group(2, small_probe_run("2"), 0, {.probe_of = [](int rank) {
                                   return std::make_unique<ScriptedProbe>(
                                       rank, rank == 1 ? std::optional(Reason::not_supported) : std::nullopt);
                                 }});
  CHECK(of_type(records, "floors").empty());
  const auto events = of_type(records, "event");
  REQUIRE(events.size() == 1);
  CHECK(event_from(events[0]).what == "links_not_measured");
  CHECK(event_from(events[0]).detail.find("rank 1") != std::string::npos);
  for (const auto& row : rows_in(records)) CHECK(row.status == "ok");
}

TEST_CASE("ranks that wait for each other in vain while links are measured are a hang, not an event") {
  const auto failure = failure_of([] {
    run_group(2, small_probe_run("2"), 0, {.probe_of = [](int rank) {
                return std::make_unique<ScriptedProbe>(rank,
                                                       rank == 1 ? std::optional(Reason::timed_out) : std::nullopt);
              }});
  });
  CHECK(failure.reason == Reason::timed_out);
  CHECK((failure.rank == 1 || failure.peer == 1));
}

TEST_CASE("without a probe, alone, or in a lifecycle nothing is measured of links and clocks") {
  CHECK(of_type(run_group(2, small_probe_run()), "floors").empty());
  for (const auto& row : rows_in(run_group(2, small_probe_run()))) {
    CHECK(row.skew_us.empty());
    CHECK_FALSE(row.clock_error_us);
  }
  const auto probe_of = [](int rank) { return std::make_unique<ScriptedProbe>(rank); };
  CHECK(of_type(run_group(1, small_probe_run(), 0, {.probe_of = probe_of}), "floors").empty());
  const auto groups = make_plan(small_probe_run(), 2, 0).groups;
  const auto it =
      std::find_if(groups.begin(), groups.end(), [](const auto& g) { return g.kind == GroupKind::lifecycle; });
  REQUIRE(it != groups.end());
  CHECK(of_type(run_group(2, small_probe_run(), static_cast<std::size_t>(it - groups.begin()), {.probe_of = probe_of}),
                "floors")
            .empty());
}

TEST_CASE("clocks that drift are interpolated between the readings before and after") {
  // Rank 1's clock is 100 us ahead at first and gains 10 us in the second between the readings.
  const std::vector<ClockReading> before{{0, 0, kNow}, {100'000, 1400, kNow}};
  const std::vector<ClockReading> after{{0, 0, kNow + 1'000'000'000}, {110'000, 1600, kNow + 1'000'000'000}};
  const auto stamp = [&](std::uint64_t at_ns, std::int64_t late_ns) {
    const auto offset_ns = 100'000 + static_cast<std::int64_t>(at_ns / 100'000);
    return std::vector<std::uint64_t>{kNow + at_ns, kNow + at_ns + static_cast<std::uint64_t>(offset_ns + late_ns)};
  };
  const std::vector<std::vector<std::uint64_t>> stamps{stamp(0, 3000), stamp(500'000'000, 3000),
                                                       stamp(900'000'000, -1000)};
  const auto spread_us = arrival_spread_us(before, after, stamps);
  REQUIRE(spread_us.size() == 3);
  CHECK(spread_us[0] == Approx(3).margin(0.002));
  CHECK(spread_us[1] == Approx(3).margin(0.002));
  CHECK(spread_us[2] == Approx(1).margin(0.002));
  CHECK(clock_error_us(before, after) == Approx(0.8 + 0.064));
}
