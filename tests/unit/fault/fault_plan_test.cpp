#include "fault/fault_plan.hpp"

#include <fmt/format.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <set>
#include <string>
#include <vector>

#include "support/contains.hpp"

using namespace symmbench;

namespace {

std::string problem_with(const std::vector<std::string>& texts, int world_size = 4) {
  try {
    (void)parse_fault_plan(texts, world_size);
  } catch (const Error& error) {
    CHECK(error.failure().layer == Layer::config);
    return error.failure().detail;
  }
  return "";
}

}  // namespace

TEST_CASE("a fault's name stands once in the table") {
  std::set<std::string_view> names;
  for (const FaultRow& row : fault_table()) CHECK(names.insert(row.name).second);
}

TEST_CASE("every fault that can be provoked says which check sees it, within which bound, and with which exit code") {
  for (const FaultRow& row : fault_table()) {
    CAPTURE(row.name);
    CHECK_FALSE(row.check.empty());
    if (row.seam == FaultSeam::link) {
      CHECK(row.exit_code == 0);
      continue;
    }
    if (row.seam == FaultSeam::batch) {
      CHECK(row.exit_code == 0);
      CHECK(row.parameters.allocator != row.parameters.rank);
      continue;
    }
    CHECK(row.bound_s > 0);
    CHECK((row.exit_code == 0 || row.exit_code == 1 || row.exit_code == 4));
    CHECK(row.parameters.rank);
  }
}

TEST_CASE("a fault is read with its parameters and written as it can be read again") {
  const std::string text = "driver_code:rank=3,call=cuMemMap,phase=map,at=2,count=5,code=801";
  const FaultSpec spec = parse_fault(text);
  CHECK(spec.rank == 3);
  CHECK(spec.call == DriverCall::map);
  CHECK(spec.at == 2);
  CHECK(spec.count == 5);
  CHECK(spec.code == 801);
  CHECK(spec.phase == Phase::map);
  CHECK(spec.text() == text);
  CHECK(parse_fault("canary:rank=1,peer=3,at=2").text() == "canary:rank=1,peer=3,at=2");
  CHECK(parse_fault("rank_late:rank=1,phase=close,at=2,seconds=5").text() ==
        "rank_late:rank=1,phase=close,at=2,seconds=5");
  CHECK(parse_fault("worker_killed").text() == "worker_killed:rank=0,phase=use,at=1");
  CHECK(parse_fault("packet_lost").text() == "packet_lost:rank=0");
  for (const char* of_channel : {"channel_error:rank=1,side=worker,call=recv,at=2,count=3,code=EIO",
                                 "channel_short:rank=1,side=supervisor,call=send,at=2,count=3"}) {
    CHECK(parse_fault(of_channel).text() == of_channel);
  }
}

TEST_CASE("a fault of the channel strikes one side of it") {
  const std::vector<std::string> texts{"channel_error:rank=1,side=worker,call=recv,at=7,code=EIO",
                                       "channel_short:rank=1"};
  const FaultPlan plan = parse_fault_plan(texts, 4);
  CHECK(plan.channel_faults(0).worker.empty());
  const ChannelFaults faults = plan.channel_faults(1);
  CHECK(faults.worker == std::vector<ChannelFault>{{.call = ChannelCall::recv, .nth = 7, .code = EIO}});
  CHECK(faults.supervisor == std::vector<ChannelFault>{{.call = ChannelCall::send, .code = ChannelFault::kShort}});
  CHECK(plan.driver_faults(1).empty());
}

TEST_CASE("faults strike the rank that they name and no other") {
  const std::vector<std::string> texts{"driver_code:rank=1,call=cuMemCreate,code=2", "packet_lost:rank=2"};
  const FaultPlan plan = parse_fault_plan(texts, 4);
  CHECK(plan.driver_faults(0).empty());
  REQUIRE(plan.driver_faults(1).size() == 1);
  CHECK(plan.driver_faults(1).front().code == 2);
  CHECK_FALSE(plan.protocol_fault(1));
  CHECK(plan.protocol_fault(2) == ProtocolFault::packet_lost);
}

TEST_CASE("a fault of the driver that names a phase counts the calls of that phase only") {
  const std::vector<std::string> texts{"driver_code:rank=1,call=cuMemMap,phase=map", "pattern:rank=1"};
  const FaultPlan plan = parse_fault_plan(texts, 2);
  std::optional<Phase> now = Phase::create;
  const auto faults = plan.driver_faults(1, [&] { return now; });
  REQUIRE(faults.size() == 2);
  CHECK_FALSE(faults[0].when());
  now = Phase::map;
  CHECK(faults[0].when());
  CHECK_FALSE(faults[1].when());
  CHECK(faults[1].lost);
  CHECK(faults[1].word.has_value());
}

TEST_CASE("a fault of the driver strikes the call of its row, with its code, unless told otherwise") {
  for (const FaultRow& row : fault_table()) {
    if (row.seam != FaultSeam::driver && row.seam != FaultSeam::lost_call) continue;
    CAPTURE(row.name);
    const FaultSpec spec = parse_fault(fmt::format("{}:rank=1", row.name));
    CHECK(spec.call == row.call);
    CHECK(spec.code == row.code);
  }
}

TEST_CASE("a leak loses the calls that give something back, all of them unless told which") {
  const FaultSpec spec = parse_fault("leak:rank=1");
  CHECK(spec.call == DriverCall::release);
  CHECK(parse_fault(spec.text()).count == spec.count);
  const std::vector<std::string> texts{"leak:rank=1,call=cuMemAddressFree,at=3,count=2"};
  const auto faults = parse_fault_plan(texts, 2).driver_faults(1);
  REQUIRE(faults.size() == 1);
  CHECK(faults.front().lost);
  CHECK(faults.front().call == DriverCall::free_range);
  CHECK(faults.front().nth == 3);
  CHECK(faults.front().times == 2);
}

TEST_CASE("a slow kernel is slow in every placement, a slow placement in one, and no other allocator is") {
  const std::vector<std::string> texts{"slow_kernel:allocator=symm_device_memory,percent=5",
                                       "slow_placement:allocator=torch_symm_mem,placement=3,percent=20"};
  const FaultPlan plan = parse_fault_plan(texts, 2);
  for (int placement = 0; placement < 8; ++placement) {
    CHECK(plan.slowed_by("symm_device_memory", placement, 0) == 0.05);
    CHECK(plan.slowed_by("torch_symm_mem", placement, 0) == (placement == 3 ? 0.2 : 0));
    CHECK(plan.slowed_by("cuda_ipc", placement, 0) == 0);
  }
  for (std::size_t i = 0; i < texts.size(); ++i) CHECK(plan.faults[i].text() == texts[i]);
}

TEST_CASE("a slow rank is slow under every allocator and in every placement, and no other rank is") {
  const std::vector<std::string> texts{"slow_rank:rank=1,percent=50"};
  const FaultPlan plan = parse_fault_plan(texts, 2);
  CHECK(plan.slows_batches());
  CHECK_FALSE(parse_fault_plan({}, 2).slows_batches());
  for (const char* allocator : {"symm_device_memory", "torch_symm_mem"}) {
    CHECK(plan.slowed_by(allocator, 4, 1) == 0.5);
    CHECK(plan.slowed_by(allocator, 4, 0) == 0);
  }
}

TEST_CASE("a slow link is slow in both directions, and no other link is") {
  const std::vector<std::string> texts{"slow_link:rank=1,peer=3,percent=900"};
  const FaultPlan plan = parse_fault_plan(texts, 4);
  for (int rank = 0; rank < 4; ++rank) {
    for (int peer = 0; peer < 4; ++peer) {
      const bool slow = (rank == 1 && peer == 3) || (rank == 3 && peer == 1);
      CHECK(plan.link_slowed_by(rank, peer) == (slow ? 9 : 0));
    }
  }
  CHECK(plan.faults[0].text() == texts[0]);
  CHECK_FALSE(plan.slows_batches());
}

TEST_CASE("what is wrong with a fault is said with its name, the parameter, the value and what is allowed") {
  struct Wrong {
    std::vector<std::string> texts;
    std::vector<std::string> said;
  };
  const auto wrong =
      GENERATE(Wrong{{"paket_lost"}, {"paket_lost", "did you mean packet_lost"}},
               Wrong{{"slow_link:rank=1"}, {"slow_link:rank=1", "peer must be another rank than 1"}},
               Wrong{{"canary:rank=1,peer=4"}, {"peer must be below the number of ranks, which is 4"}},
               Wrong{{"dead_link:rank=2,peer=2"}, {"peer must be another rank"}},
               Wrong{{"worker_killed:phase=mapping"}, {"phase must be one of start, create", "not 'mapping'"}},
               Wrong{{"packet_lost:peer=1"}, {"packet_lost has no parameter 'peer'", "rank"}},
               Wrong{{"packet_lost:rank"}, {"rank needs a value"}},
               Wrong{{"leak:call=cuMemUnmap"}, {"call must be one of cuMemRelease", "not cuMemUnmap"}},
               Wrong{{"leak:code=2"}, {"leak has no parameter 'code'"}},
               Wrong{{"packet_lost:rank=1,rank=2"}, {"rank is given twice"}},
               Wrong{{"packet_lost:rank=-1"}, {"rank must be a whole number from 0", "'-1'"}},
               Wrong{{"packet_lost:rank=4"}, {"rank must be below the number of ranks, which is 4"}},
               Wrong{{"driver_code:call=cuMemCreat"}, {"no driver call 'cuMemCreat'"}},
               Wrong{{"driver_code:at=0"}, {"at must be a whole number from 1", "'0'"}},
               Wrong{{"driver_code:code=2x"}, {"code must be a whole number", "'2x'"}},
               Wrong{{"slow_kernel:allocator=torch"}, {"allocator must be one of", "torch_symm_mem", "'torch'"}},
               Wrong{{"slow_kernel:placement=1"}, {"slow_kernel has no parameter 'placement'"}},
               Wrong{{"slow_placement:percent=0"}, {"percent must be a whole number from 1", "'0'"}},
               Wrong{{"channel_error:code=12"}, {"name of an errno", "'12'"}},
               Wrong{{"channel_error:call=cuMemCreate"}, {"call must be send or recv", "'cuMemCreate'"}},
               Wrong{{"channel_error:side=both"}, {"side must be supervisor or worker", "'both'"}},
               Wrong{{"packet_lost:rank=1", "one_slot:rank=1"}, {"rank 1 has a protocol fault already"}});
  const auto problem = problem_with(wrong.texts);
  CAPTURE(problem);
  for (const auto& part : wrong.said) CHECK(contains(problem, part));
}
