// Forms of a lifecycle beside the plain one, which group_task_test.cpp has.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <set>
#include <string>
#include <vector>

#include "kernels/forwarding_kernels.hpp"
#include "plan/estimate.hpp"
#include "support/bench_group.hpp"

using namespace symmbench;
using namespace symmbench::test;

namespace {

RunConfig lifecycles_with(Json more) {
  Json options{{"minbytes", "4K"}, {"maxbytes", "4K"}, {"iters", "8"}, {"warmup_iters", "2"}, {"lifecycles", "2"}};
  options.update(more);
  return config_of(options);
}

/// What two ranks make of the first allocator's lifecycles.
std::vector<Json> records_of(const RunConfig& config, const GroupSetup& setup = {}) {
  const auto groups = make_plan(config, 2, 0).groups;
  const auto it =
      std::find_if(groups.begin(), groups.end(), [](const auto& g) { return g.kind == GroupKind::lifecycle; });
  REQUIRE(it != groups.end());
  return run_group(2, config, static_cast<std::size_t>(it - groups.begin()), setup);
}

std::vector<LifecycleRecord> cycles_in(const std::vector<Json>& records) {
  std::vector<LifecycleRecord> found;
  for (const Json& record : records) {
    if (type_of(record) == "lifecycle") found.push_back(lifecycle_from(record));
  }
  return found;
}

std::size_t retries_told(const std::vector<Json>& records) {
  return static_cast<std::size_t>(std::count_if(records.begin(), records.end(), [](const Json& record) {
    return type_of(record) == "event" && event_from(record).what == kRetriedNotReady;
  }));
}

/// Keeps in which workspaces a rank's calls ran, by where their flags are.
class WorkspaceLog final : public ForwardingKernels {
 public:
  WorkspaceLog(std::unique_ptr<KernelSet> inner, std::vector<DevicePtr>& flags)
      : ForwardingKernels(std::move(inner)), flags_(flags) {}
  void allreduce(Stream& stream, const AllreduceCall& call) override {
    const DevicePtr here = call.view->segment[WorkspaceView::kFlags].base[call.view->rank];
    if (flags_.empty() || flags_.back() != here) flags_.push_back(here);
    ForwardingKernels::allreduce(stream, call);
  }

 private:
  std::vector<DevicePtr>& flags_;
};

void expect_no_leaks(const LifecycleRecord& record) {
  for (const char* own : {"mappings", "handles", "va_bytes", "va_ranges", "device_bytes"}) {
    INFO(own);
    CHECK(record.leaks.at(own) == 0);
  }
}

}  // namespace

TEST_CASE("workspaces that are alive at once are used one after the other, and leave nothing behind") {
  std::vector<std::vector<DevicePtr>> used(2);
  GroupSetup setup;
  setup.kernels_of = [&](int rank, std::unique_ptr<KernelSet> kernels) -> std::unique_ptr<KernelSet> {
    return std::make_unique<WorkspaceLog>(std::move(kernels), used.at(rank));
  };
  const auto records = cycles_in(records_of(lifecycles_with({{"concurrent", "3"}}), setup));
  REQUIRE(records.size() == 2);
  for (const auto& record : records) {
    CHECK_FALSE(record.failure);
    CHECK(record.operation_us.count() == 1);
  }
  expect_no_leaks(records.back());
  for (const auto& of_rank : used) {
    REQUIRE(of_rank.size() >= 5);  // the second round may begin where the first ended
    CHECK(std::set(of_rank.begin(), of_rank.begin() + 3).size() == 3);  // each stood while the next ones were built
  }
}

TEST_CASE("a workspace that cannot be had beside the others fails the lifecycle, and all go back") {
  GroupSetup setup;
  // Trial and bench segment take one block each, a workspace three: the fault is in the second one.
  setup.faults_of = [](int rank) {
    return rank == 1 ? std::vector<DriverFault>{{DriverCall::create, 7, driver_code::kOutOfMemory, 1000}}
                     : std::vector<DriverFault>{};
  };
  const auto records = cycles_in(records_of(lifecycles_with({{"concurrent", "3"}}), setup));
  REQUIRE(records.size() == 1);
  REQUIRE(records[0].failure);
  CHECK(records[0].failure->phase == Phase::create);
  CHECK(records[0].failure->rank == 1);
  CHECK(records[0].failure->code == driver_code::kOutOfMemory);
  expect_no_leaks(records[0]);
}

TEST_CASE("a driver that is not ready at first costs tries, which are told, and no lifecycle") {
  GroupSetup setup;
  setup.faults_of = [](int rank) {
    return rank == 0 ? std::vector<DriverFault>{{DriverCall::create, 3, driver_code::kNotReady, 2}}
                     : std::vector<DriverFault>{};
  };
  const auto written = records_of(lifecycles_with(Json::object()), setup);
  const auto records = cycles_in(written);
  REQUIRE(records.size() == 2);
  CHECK(records[0].retries == 2);
  CHECK(records[1].retries == 0);
  for (const auto& record : records) CHECK_FALSE(record.failure);
  CHECK(retries_told(written) == 2);
  expect_no_leaks(records[0]);
}

TEST_CASE("as many workspaces at once as are planned count in the estimate of memory") {
  const auto bytes = [](const char* many) {
    const auto plan = make_plan(lifecycles_with({{"concurrent", many}}), 2, 0);
    return plan_memory(plan, kUsualGranularity, {}).groups.back().workspaces.at(0).bytes;
  };
  CHECK(bytes("5") == 5 * bytes("1"));
}

TEST_CASE("under memory pressure a workspace that fits is made, and one that does not is refused, with nothing left") {
  GroupSetup setup;
  setup.driver_of = [](int) {
    return std::make_unique<HostDriver>(HostDriverOptions{.memory_limit_bytes = std::uint64_t{1} << 30});
  };
  const auto records = cycles_in(records_of(lifecycles_with({{"memory_pressure", "on"}, {"lifecycles", "4"}}), setup));
  REQUIRE(records.size() == 4);
  for (std::size_t i = 0; i < records.size(); ++i) {
    CHECK_FALSE(records[i].failure);
    CHECK(records[i].refused == i % 2);
    CHECK(records[i].phase_us.empty() == (i % 2 == 1));
    expect_no_leaks(records[i]);
  }
}

TEST_CASE("a workspace that is re-attached is used twice at one address, and leaves nothing behind") {
  std::vector<std::vector<DevicePtr>> used(2);
  GroupSetup setup;
  setup.kernels_of = [&](int rank, std::unique_ptr<KernelSet> kernels) -> std::unique_ptr<KernelSet> {
    return std::make_unique<WorkspaceLog>(std::move(kernels), used.at(rank));
  };
  const auto with = [&](const char* allocator) {
    return cycles_in(
        records_of(lifecycles_with({{"reattach", "on"}, {"allocator", allocator}, {"lifecycles", "1"}}), setup));
  };
  const auto records = with("symm_device_memory");
  REQUIRE(records.size() == 1);
  CHECK_FALSE(records[0].failure);
  CHECK(records[0].reattached == 1);
  expect_no_leaks(records[0]);
  for (const auto& of_rank : used) CHECK(of_rank.size() == 1);
  CHECK(with("torch_symm_mem").at(0).reattached == 0);
}

TEST_CASE("a re-attachment that fails is told with its phase, and all goes back") {
  GroupSetup setup;
  // Trial one, workspace three, bench segment one: the next export is of the re-attachment.
  setup.faults_of = [](int rank) {
    return rank == 1 ? std::vector<DriverFault>{{DriverCall::export_handle, 6, driver_code::kNotSupported}}
                     : std::vector<DriverFault>{};
  };
  const auto records =
      cycles_in(records_of(lifecycles_with({{"reattach", "on"}, {"allocator", "symm_device_memory"}}), setup));
  REQUIRE(records.size() == 1);
  REQUIRE(records[0].failure);
  CHECK(records[0].failure->phase == Phase::export_handle);
  CHECK(records[0].failure->rank == 1);
  expect_no_leaks(records[0]);
}
