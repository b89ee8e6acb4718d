#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <set>

#include "config/resolve.hpp"
#include "plan/make_plan.hpp"
#include "tests/support/failures.hpp"

using namespace symmbench;

namespace {

Plan plan_of(const Json& command_line, int ranks = 4) { return make_plan(resolve(nullptr, command_line), ranks, 0); }

Plan plan_of(const char* file, int ranks = 4) {
  const auto json = Json::parse(file);
  return make_plan(resolve(&json, Json::object()), ranks, 0);
}

/// "one_shot allreduce bf16 out 1x512", one per case of the first group.
std::vector<std::string> lines_of(const Plan& plan) {
  std::vector<std::string> lines;
  for (const auto& one : plan.groups.at(0).cases) {
    lines.push_back(fmt::format("{} {} {} {} {}x{}", name_of(one.shape.algorithm), name_of(one.shape.pattern),
                                name_of(one.shape.dtype), one.shape.in_place ? "in" : "out", one.shape.tokens,
                                one.shape.hidden));
  }
  return lines;
}

/// "asked -> run" in bytes, one per case.
std::vector<std::pair<std::uint64_t, std::uint64_t>> bytes_of(const Plan& plan) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> bytes;
  for (const auto& one : plan.groups.at(0).cases) bytes.emplace_back(one.asked_bytes, one.shape.message_bytes());
  return bytes;
}

using Lines = std::vector<std::string>;
using Bytes = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

}  // namespace

TEST_CASE("a bare run plans one measured group and one lifecycle group per allocator") {
  const auto plan = plan_of(Json::object());
  REQUIRE(plan.groups.size() == 3);
  CHECK(plan.groups[0].id == "measure/trtllm_fusion/unicast/auto");
  CHECK(plan.groups[0].kind == GroupKind::measure);
  CHECK(plan.groups[0].allocators == Lines{"symm_device_memory", "torch_symm_mem"});
  CHECK(plan.groups[0].cases.size() == 12);
  CHECK(plan.groups[1].id == "lifecycle/trtllm_fusion/unicast/auto/symm_device_memory");
  CHECK(plan.groups[2].id == "lifecycle/trtllm_fusion/unicast/auto/torch_symm_mem");
  for (const auto index : {1, 2}) {
    CHECK(plan.groups[index].kind == GroupKind::lifecycle);
    CHECK(plan.groups[index].allocators.size() == 1);
    CHECK(plan.groups[index].cases.empty());
    CHECK(plan.groups[index].lifecycles == 3);
    CHECK(plan.groups[index].capacity.message_bytes() == 1 << 20);
  }
  CHECK(plan.notes.empty());
  CHECK(plan_of({{"lifecycles", "0"}}).groups.size() == 1);
}

TEST_CASE("cases read as blocks of pattern, type, place and algorithm, sizes ascending") {
  CHECK(lines_of(plan_of({{"pattern", "allreduce,residual_rmsnorm"},
                          {"datatype", "bf16,fp32"},
                          {"in_place", "off,on"},
                          {"algorithm", "one_shot,two_shot"},
                          {"tokens", "1,4"},
                          {"hidden", "64"}})) ==
        Lines{"one_shot allreduce bf16 out 1x64",        "one_shot allreduce bf16 out 4x64",
              "two_shot allreduce bf16 out 1x64",        "two_shot allreduce bf16 out 4x64",
              "one_shot allreduce bf16 in 1x64",         "one_shot allreduce bf16 in 4x64",
              "two_shot allreduce bf16 in 1x64",         "two_shot allreduce bf16 in 4x64",
              "one_shot allreduce fp32 out 1x64",        "one_shot allreduce fp32 out 4x64",
              "two_shot allreduce fp32 out 1x64",        "two_shot allreduce fp32 out 4x64",
              "one_shot allreduce fp32 in 1x64",         "one_shot allreduce fp32 in 4x64",
              "two_shot allreduce fp32 in 1x64",         "two_shot allreduce fp32 in 4x64",
              "one_shot residual_rmsnorm bf16 out 1x64", "one_shot residual_rmsnorm bf16 out 4x64",
              "two_shot residual_rmsnorm bf16 out 1x64", "two_shot residual_rmsnorm bf16 out 4x64",
              "one_shot residual_rmsnorm fp32 out 1x64", "one_shot residual_rmsnorm fp32 out 4x64",
              "two_shot residual_rmsnorm fp32 out 1x64", "two_shot residual_rmsnorm fp32 out 4x64"});
}

TEST_CASE("a fused pattern asked in place too runs out of place only, with a note") {
  const auto plan = plan_of({{"pattern", "residual_rmsnorm"}, {"in_place", "off,on"}, {"tokens", "1"}});
  CHECK(lines_of(plan) ==
        Lines{"one_shot residual_rmsnorm bf16 out 1x8192", "two_shot residual_rmsnorm bf16 out 1x8192"});
  CHECK(plan.notes == Lines{"residual_rmsnorm: not run in place, it has two outputs"});
}

TEST_CASE("plain allreduce turns bytes into whole rows, or below one row into one short row of whole packets") {
  const auto plan =
      plan_of({{"algorithm", "one_shot"}, {"minbytes", "1"}, {"maxbytes", "50001"}, {"stepbytes", "12500"}});
  CHECK(lines_of(plan) == Lines{"one_shot allreduce bf16 out 1x8", "one_shot allreduce bf16 out 1x6248",
                                "one_shot allreduce bf16 out 1x8192", "one_shot allreduce bf16 out 2x8192",
                                "one_shot allreduce bf16 out 3x8192"});
  CHECK(bytes_of(plan) == Bytes{{1, 16}, {12501, 12496}, {25001, 16384}, {37501, 32768}, {50001, 49152}});
  CHECK(plan.notes ==
        Lines{"allreduce bf16: 1 B runs as 16 B (1 x 8)", "allreduce bf16: 12501 B runs as 12496 B (1 x 6248)",
              "allreduce bf16: 25001 B runs as 16 KiB (1 x 8192)", "allreduce bf16: 37501 B runs as 32 KiB (2 x 8192)",
              "allreduce bf16: 50001 B runs as 48 KiB (3 x 8192)"});
}

TEST_CASE("plain allreduce with rows that are no whole packets runs one row of as many bytes") {
  CHECK(lines_of(plan_of({{"algorithm", "one_shot"}, {"hidden", "100"}, {"minbytes", "1008"}, {"maxbytes", "1008"}})) ==
        Lines{"one_shot allreduce bf16 out 1x504"});
}

TEST_CASE("fused patterns round up to one row and drop what then is the same") {
  const auto plan = plan_of({{"pattern", "residual_rmsnorm"}, {"algorithm", "one_shot"}});
  CHECK(bytes_of(plan) == Bytes{{16384, 16384}, {65536, 65536}, {262144, 262144}, {1048576, 1048576}});
  CHECK(plan.notes == Lines{"residual_rmsnorm bf16: 1 KiB, 4 KiB run as 16 KiB (1 x 8192)"});

  const auto wide =
      plan_of({{"pattern", "residual_rmsnorm"}, {"algorithm", "one_shot"}, {"datatype", "fp32"}, {"maxbytes", "16K"}});
  CHECK(bytes_of(wide) == Bytes{{1024, 32768}});
  CHECK(wide.notes == Lines{"residual_rmsnorm fp32: 1 KiB, 4 KiB, 16 KiB run as 32 KiB (1 x 8192)"});
}

TEST_CASE("a case that is asked for twice runs once, with a note") {
  const auto by_hidden = plan_of({{"algorithm", "one_shot"}, {"hidden", "8192,4096"}, {"maxbytes", "4K"}});
  CHECK(by_hidden.groups[0].cases.size() == 2);
  REQUIRE(by_hidden.notes.size() == 1);
  CHECK(by_hidden.notes[0].starts_with("2 cases are asked for twice, run once: g0x4/trtllm_fusion/"));

  const auto by_auto = plan_of({{"algorithm", "one_shot,auto"}, {"maxbytes", "1K"}});
  CHECK(by_auto.groups[0].cases.size() == 1);
  CHECK(by_auto.groups[0].cases[0].algorithm_asked == "one_shot");

  const auto by_sweep = plan_of(R"({"maxbytes": "1K", "algorithm": "one_shot", "sweeps": [{}, {}]})");
  CHECK(by_sweep.groups[0].cases.size() == 1);
}

TEST_CASE("case ids are unique, name every key that was asked for, and stay as they are") {
  const auto plan = plan_of({{"pattern", "allreduce,residual_rmsnorm"},
                             {"datatype", "fp16,bf16,fp32"},
                             {"in_place", "off,on"},
                             {"algorithm", "one_shot,two_shot,two_shot_barrier"},
                             {"hidden", "512,1024"},
                             {"handle", "auto,posix_fd"}});
  std::set<std::string> ids;
  std::size_t cases = 0;
  for (const auto& group : plan.groups) {
    for (const auto& one : group.cases) {
      ids.insert(one.id());
      ++cases;
    }
  }
  CHECK(ids.size() == cases);
  CHECK(ids.contains("g0x4/trtllm_fusion/unicast/auto/one_shot/residual_rmsnorm/bf16/out/1x512"));

  const auto special = plan_of({{"pattern", "residual_rmsnorm"},
                                {"algorithm", "one_shot"},
                                {"tokens", "1"},
                                {"blocks", "8"},
                                {"threads", "256"},
                                {"pdl", "off"},
                                {"cudagraph", "50"},
                                {"buffers", "5"},
                                {"weight_bias", "1"},
                                {"epsilon", "1e-5"}});
  CHECK(special.groups[0].cases[0].id() ==
        "g0x4/trtllm_fusion/unicast/auto/one_shot/residual_rmsnorm/bf16/out/1x8192/b8/t256/nopdl/graph50/buffers5/wb1/"
        "eps1e-05");
}

TEST_CASE("in place has a buffer per iteration, however few were asked for") {
  const auto plan = plan_of({{"in_place", "off,on"}, {"algorithm", "one_shot"}, {"tokens", "1"}, {"buffers", "5"}});
  REQUIRE(plan.groups[0].cases.size() == 2);
  for (const auto& one : plan.groups[0].cases) CHECK(one.buffers == (one.shape.in_place ? 0 : 5));
}

TEST_CASE("row keys are flat, ordered and typed, with null where a pattern has no such parameter") {
  auto one = plan_of({{"algorithm", "auto"}, {"maxbytes", "1K"}}).groups[0].cases[0];
  CHECK(one.keys().dump() ==
        R"({"case_id":"g0x4/trtllm_fusion/unicast/auto/one_shot/allreduce/bf16/out/1x512","workspace":"trtllm_fusion",)"
        R"("transport":"unicast","group":0,"group_size":4,"handle_asked":"auto","multicast_asked":"off",)"
        R"("algorithm":"one_shot","algorithm_asked":"auto","pattern":"allreduce","weight_bias":null,"epsilon":null,)"
        R"("quant_scale":null,"global_scale":null,"quant_group":null,"scale_layout":null,"experts":null,)"
        R"("top_k":null,"routed_scaling":null,"dtype":"bf16","accumulate":"fp32","in_place":false,"tokens":1,)"
        R"("hidden":512,"asked_bytes":1024,"message_bytes":1024,"buffers_asked":0,"variant":"","reference":false})");
  one.shape.pattern = Pattern::residual_rmsnorm;
  CHECK(one.keys()["epsilon"].dump() == "1e-06");
  CHECK(one.keys()["weight_bias"] == 0.0);
  CHECK(one.keys()["quant_scale"].is_null());
  one.shape.pattern = Pattern::residual_rmsnorm_fp8;
  CHECK(one.keys()["quant_scale"].dump() == "0.01");
  CHECK(one.variant().empty());
  one.shape.parameters.quant_scale = 0.5f;
  CHECK(one.variant() == "qs0.5");
  one.shape.pattern = Pattern::residual_rmsnorm_nvfp4;
  one.shape.parameters.scale_layout = ScaleLayout::tiles_8x4;
  CHECK(one.keys()["scale_layout"] == "8x4");
  CHECK(one.keys()["global_scale"] == 512);
  CHECK(one.variant() == "sl8x4");
  one.shape.pattern = Pattern::residual_rmsnorm_group_fp8;
  CHECK(one.keys()["quant_group"].dump() == "128");
}

TEST_CASE("groups of ranks divide the job and say so where they cannot") {
  const auto plan = make_plan(resolve(nullptr, {{"group_size", "2"}}), 4, 1);
  CHECK(plan.world_size == 4);
  CHECK(plan.group_size == 2);
  CHECK(plan.groups[0].capacity.world_size() == 2);
  CHECK(plan.groups[0].cases[0].shape.world_size == 2);
  CHECK(plan.groups[0].cases[0].id().starts_with("g1x2/"));

  const auto refusal = [](const char* size, int ranks) {
    return failure_of([&] { (void)plan_of({{"group_size", size}}, ranks); }).detail;
  };
  CHECK(refusal("3", 4) == "--group-size '3': must divide the number of ranks, which is 4");
  CHECK(refusal("8", 4) == "--group-size '8': must be at most the number of ranks, which is 4");
  CHECK(refusal("0", 144) ==
        "--group-size '0': must split the 144 ranks into groups of at most 72: one workspace spans no more");
  CHECK_NOTHROW(plan_of({{"group_size", "72"}}, 144));
}

TEST_CASE("a rank count that a pattern cannot have is skipped with its reason, plain allreduce runs on any") {
  for (const int ranks : {2, 3, 4, 5, 6, 8, 12, 16, 72}) {
    CAPTURE(ranks);
    const auto plan =
        plan_of({{"pattern", "allreduce,residual_rmsnorm"}, {"tokens", "1"}, {"algorithm", "one_shot"}}, ranks);
    const auto& cases = plan.groups[0].cases;
    REQUIRE(cases.size() == 2);
    CHECK_FALSE(cases[0].skip);
    const bool power = ranks == 2 || ranks == 4 || ranks == 8 || ranks == 16;
    CHECK(cases[1].skip.has_value() == !power);
    if (!power) CHECK(*cases[1].skip == fmt::format("residual_rmsnorm runs on 2, 4, 8 or 16 ranks, not on {}", ranks));
  }
}

TEST_CASE("a lone rank has nothing to reduce with, and no workspace or lifecycle is planned") {
  const auto plan = plan_of(Json::object(), 1);
  REQUIRE(plan.groups.size() == 1);
  CHECK(plan.groups[0].capacity.message_bytes() == 0);
  for (const auto& one : plan.groups[0].cases) {
    CHECK(one.skip == "one rank has no peer: start 2 or more ranks with mpirun -n");
  }
}

TEST_CASE("a message beyond the largest Lamport slot is skipped with the figure and sizes no workspace") {
  const auto plan =
      plan_of({{"algorithm", "one_shot,two_shot,two_shot_barrier"}, {"minbytes", "512M"}, {"maxbytes", "2G"}});
  const auto& cases = plan.groups[0].cases;
  REQUIRE(cases.size() == 6);
  CHECK(cases[0].skip == "one_shot needs 4 x 512 MiB = 2147483648 bytes of a Lamport slot, which has 2145386496");
  CHECK(cases[1].skip);        // one_shot, 2 GiB
  CHECK_FALSE(cases[2].skip);  // two_shot, 512 MiB
  CHECK(cases[3].skip);        // two_shot, 2 GiB
  CHECK_FALSE(cases[5].skip);  // two_shot_barrier has no such limit
  CHECK(plan.groups[0].capacity.message_bytes() == std::uint64_t{2} << 30);

  const auto lamport_only = plan_of({{"algorithm", "one_shot,two_shot"}, {"minbytes", "512M"}, {"maxbytes", "2G"}});
  CHECK(lamport_only.groups[0].capacity.message_bytes() == std::uint64_t{512} << 20);
}

TEST_CASE("rows that are no whole packets are skipped where rows matter") {
  const auto fused =
      plan_of({{"pattern", "residual_rmsnorm"}, {"hidden", "100"}, {"tokens", "4"}, {"algorithm", "one_shot"}});
  CHECK(fused.groups[0].cases[0].skip ==
        "rows of 100 x bf16 are 200 bytes, no whole 16-byte packets: hidden must be a multiple of 8");
  CHECK_FALSE(plan_of({{"hidden", "100"}, {"tokens", "4"}, {"algorithm", "one_shot"}}).groups[0].cases[0].skip);
  CHECK(plan_of({{"hidden", "100"}, {"tokens", "3"}, {"algorithm", "one_shot"}}).groups[0].cases[0].skip);
}

TEST_CASE("the workspace is sized once, for the largest case and the narrowest type of the group") {
  const auto narrow = plan_of({{"datatype", "fp32,bf16"}, {"maxbytes", "64K"}});
  CHECK(narrow.groups[0].capacity.message_bytes() == 65536);
  CHECK(narrow.groups[0].capacity.element_bytes() == 2);
  CHECK(plan_of({{"datatype", "fp32"}, {"maxbytes", "64K"}}).groups[0].capacity.element_bytes() == 4);
}

TEST_CASE("for nccl-tests' table both halves of a line are planned one after the other") {
  CHECK(lines_of(plan_of({{"format", "nccl"}, {"tokens", "1,2"}, {"algorithm", "one_shot"}})) ==
        Lines{"one_shot allreduce bf16 out 1x8192", "one_shot allreduce bf16 in 1x8192",
              "one_shot allreduce bf16 out 2x8192", "one_shot allreduce bf16 in 2x8192"});
}

TEST_CASE("sweeps that share workspace, handle and allocators share a group; others get their own") {
  const auto shared = plan_of(R"({"sweeps": [{"tokens": 1, "datatype": "fp16"}, {"tokens": 2, "datatype": "bf16"}]})");
  CHECK(shared.groups.size() == 3);
  CHECK(shared.groups[0].cases.size() == 4);

  const auto handles = plan_of({{"handle", "auto,posix_fd"}, {"tokens", "1"}});
  CHECK(handles.groups.size() == 6);
  CHECK(handles.groups[1].id == "measure/trtllm_fusion/unicast/posix_fd");

  const auto split = plan_of(R"({"tokens": 1, "sweeps": [{"allocator": "symm_device_memory"},
                                 {"allocator": "torch_symm_mem"}]})");
  REQUIRE(split.groups.size() == 4);
  CHECK(split.groups[0].id == "measure/trtllm_fusion/unicast/auto");
  CHECK(split.groups[1].id == "measure/trtllm_fusion/unicast/auto/torch_symm_mem");

  const auto overlap =
      failure_of([] { (void)plan_of(R"({"tokens": 1, "sweeps": [{"allocator": "symm_device_memory"}, {}]})"); });
  CHECK(overlap.detail.starts_with("--allocator 'symm_device_memory,torch_symm_mem': must be the same list"));
}

TEST_CASE("a lifecycle group takes the largest workspace measured with its allocator") {
  const auto plan = plan_of(R"({"tokens": 1, "sweeps": [{"allocator": "symm_device_memory"},
                                {"allocator": "torch_symm_mem", "tokens": 9},
                                {"allocator": "symm_device_memory", "tokens": 7, "datatype": "fp32"}]})");
  for (const auto& group : plan.groups) {
    if (group.kind != GroupKind::lifecycle) continue;
    CHECK(group.capacity.message_bytes() == (group.allocators[0] == "torch_symm_mem" ? 9 * 16384 : 7 * 32768));
  }
}

TEST_CASE("a plan is the same wherever it is made from the same configuration") {
  const auto config = resolve(nullptr, {{"pattern", "allreduce,residual_rmsnorm"}});
  const auto here = make_plan(config, 4, 0), there = make_plan(config_from_text(config.config_text), 4, 0);
  REQUIRE(here.groups.size() == there.groups.size());
  for (std::size_t i = 0; i < here.groups.size(); ++i) {
    CHECK(here.groups[i].id == there.groups[i].id);
    REQUIRE(here.groups[i].cases.size() == there.groups[i].cases.size());
    for (std::size_t j = 0; j < here.groups[i].cases.size(); ++j) {
      CHECK(here.groups[i].cases[j].keys() == there.groups[i].cases[j].keys());
    }
  }
}

TEST_CASE("a sweep of absurdly many cases is refused, not attempted") {
  const auto failure = failure_of([] {
    (void)plan_of({{"minbytes", "16"},
                   {"maxbytes", "65536"},
                   {"stepbytes", "16"},
                   {"datatype", "fp16,bf16,fp32"},
                   {"in_place", "off,on"},
                   {"algorithm", "one_shot,two_shot,two_shot_barrier"},
                   {"hidden", "1048576"},
                   {"handle", "auto,posix_fd,fabric,upstream"}});
  });
  CHECK(failure.detail == "the sweeps must give at most 65536 cases: give fewer sizes, shapes or algorithms");
}

TEST_CASE("a run with --tune plans the algorithms of one size beside one another") {
  CHECK(lines_of(plan_of({{"tune", "on"}, {"tokens", "1,4"}, {"hidden", "64"}})) ==
        Lines{"one_shot allreduce bf16 out 1x64", "two_shot allreduce bf16 out 1x64",
              "one_shot allreduce bf16 out 4x64", "two_shot allreduce bf16 out 4x64"});
}

TEST_CASE("a run with --tune leaves out what cannot run, and takes two_shot_barrier where nothing else can") {
  const auto plan = plan_of({{"tune", "on"}, {"minbytes", "1G"}, {"maxbytes", "1G"}});
  REQUIRE(plan.groups.at(0).cases.size() == 1);
  CHECK(plan.groups.at(0).cases.at(0).shape.algorithm == Algorithm::two_shot_barrier);
  CHECK_FALSE(plan.groups.at(0).cases.at(0).skip);
  const auto fused =
      plan_of({{"tune", "on"}, {"pattern", "residual_rmsnorm"}, {"minbytes", "16K"}, {"maxbytes", "16K"}}, 3);
  REQUIRE(fused.groups.at(0).cases.size() == 1);
  CHECK(fused.groups.at(0).cases.at(0).skip);
}

TEST_CASE("a case knows what auto takes for it, also where it was not asked for") {
  const auto plan = plan_of({{"algorithm", "two_shot"}, {"tuning", "sm90"}, {"minbytes", "64K"}, {"maxbytes", "64K"}});
  const auto& one = plan.groups.at(0).cases.at(0);
  CHECK(one.shape.algorithm == Algorithm::two_shot);
  CHECK(one.auto_choice.algorithm == Algorithm::one_shot);
  CHECK(one.auto_choice.source == "sm90");
}

TEST_CASE("NCCL's cases are a group of their own, once, without a workspace") {
  const auto plan = plan_of({{"algorithm", "nccl,one_shot"},
                             {"pattern", "allreduce,residual_rmsnorm"},
                             {"handle", "auto,upstream"},
                             {"tokens", "1,4"},
                             {"blocks", "8"},
                             {"pdl", "off"},
                             {"lifecycles", "1"}});
  REQUIRE(plan.groups.size() == 2 + 1 + 4);
  const auto& group = plan.groups[2];
  CHECK(group.kind == GroupKind::library);
  CHECK(group.id == "library/nccl");
  CHECK(group.allocators == Lines{"nccl"});
  CHECK(group.capacity.empty());
  CHECK(group.cases[0].keys()["reference"] == true);
  Lines ids;
  for (const auto& one : group.cases) ids.push_back(one.id());
  CHECK(ids == Lines{"g0x4/nccl/unicast/auto/nccl/allreduce/bf16/out/1x8192",
                     "g0x4/nccl/unicast/auto/nccl/allreduce/bf16/out/4x8192"});
  CHECK_FALSE(group.cases[0].skip);
  CHECK(plan.notes == Lines{"residual_rmsnorm: not run with nccl, which has plain allreduce only"});
  for (const auto& one : plan.groups[0].cases) CHECK(one.shape.algorithm == Algorithm::one_shot);
}

TEST_CASE("NCCL alone plans nothing else, and two sweeps with it share one group") {
  const auto plan = plan_of(R"({"algorithm": "nccl", "sweeps": [
      {"tokens": 1, "allocator": "torch_symm_mem"}, {"tokens": [1, 2], "datatype": "fp32"}]})");
  REQUIRE(plan.groups.size() == 1);
  CHECK(plan.groups[0].cases.size() == 3);
  CHECK(plan.notes.empty());
}

TEST_CASE("a message beyond every workspace is no problem of NCCL's") {
  const auto plan = plan_of({{"algorithm", "nccl"}, {"minbytes", "8G"}, {"maxbytes", "8G"}});
  CHECK_FALSE(plan.groups[0].cases.at(0).skip);
}
