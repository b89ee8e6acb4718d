#include "report/upstream_choice.hpp"

#include <catch2/catch_test_macros.hpp>

#include "catalog/upstream_stacks.hpp"
#include "report/schema_validation.hpp"
#include "run_builder.hpp"
#include "support/contains.hpp"

using namespace symmbench;

namespace {

constexpr std::uint64_t kMebi = 1 << 20;

/// The largest message that still counts as small.
struct Limit {
  int ranks;
  std::uint64_t bytes;
};

Json choice_of(const char* stack, const UpstreamFacts& facts, int ranks, std::uint64_t bytes,
               const char* pattern = "allreduce") {
  for (const Json& choice : upstream_choice(facts, {.ranks = ranks, .message_bytes = bytes, .pattern = pattern})) {
    if (choice.at("stack") == stack) return choice;
  }
  return nullptr;
}

constexpr UpstreamFacts kH200{.multicast = false, .confidential = false, .sm_version = 90, .hosts = 1};
constexpr UpstreamFacts kNvl72{.multicast = true, .confidential = false, .sm_version = 103, .hosts = 4};

}  // namespace

TEST_CASE(
    "FlashInfer over trtllm sends at once up to 128, 8 and 2.625 MiB on 2, 4 and 8 ranks, and has no rule for 16") {
  constexpr Limit kLimits[] = {{2, 128 * kMebi}, {4, 8 * kMebi}, {8, 21 * kMebi / 8}};
  for (const Limit& row : kLimits) {
    CAPTURE(row.ranks);
    const Json at = choice_of("flashinfer", kH200, row.ranks, row.bytes);
    CHECK(at["workspace"] == "trtllm_fusion");
    CHECK(at["allocator"] == "symm_device_memory");
    CHECK(at["algorithm"] == "one_shot");
    CHECK(choice_of("flashinfer", kH200, row.ranks, row.bytes + 16)["algorithm"] == "two_shot");
  }
  const Json sixteen = choice_of("flashinfer", kH200, 16, 1024);
  CHECK(sixteen["workspace"] == "trtllm_fusion");
  CHECK(sixteen["algorithm"].is_null());
  CHECK(contains(sixteen["reason"].get<std::string>(), "no entry for 16 ranks"));
  const Json more = choice_of("flashinfer", kH200, 17, 1024);
  CHECK(more["workspace"].is_null());
  CHECK(contains(more["reason"].get<std::string>(), "at most 16 ranks"));
}

TEST_CASE("FlashInfer over mnnvl sends at once while what all ranks receive is 1 MiB") {
  for (const int ranks : {2, 4, 8, 16, 64}) {
    const std::uint64_t most = kMebi / static_cast<std::uint64_t>(ranks);
    const Json at = choice_of("flashinfer", kNvl72, ranks, most);
    CHECK(at["workspace"] == "mnnvl");
    CHECK(at["allocator"] == "symm_device_memory");
    CHECK(at["algorithm"] == "one_shot");
    CHECK(choice_of("flashinfer", kNvl72, ranks, most + 16)["algorithm"] == "two_shot");
  }
}

TEST_CASE("Confidential Computing takes multicast and SymmDeviceMemory out of FlashInfer's choice") {
  UpstreamFacts facts = kNvl72;
  facts.confidential = true;
  const Json choice = choice_of("flashinfer", facts, 4, 1024);
  CHECK(choice["workspace"] == "trtllm_fusion");
  CHECK(choice["allocator"] == "torch_symm_mem");
}

TEST_CASE("SGLang stays with trtllm within a host, takes mnnvl over several, and has no way with SM90 there") {
  for (const int sm : {90, 100, 103}) {
    CHECK(choice_of("sglang", {true, false, sm, 1}, 4, 1024)["workspace"] == "trtllm_fusion");
  }
  CHECK(choice_of("sglang", {true, false, 100, 2}, 8, 1024)["workspace"] == "mnnvl");
  for (const UpstreamFacts& facts : {UpstreamFacts{true, false, 90, 2}, UpstreamFacts{true, false, 120, 1}}) {
    const Json none = choice_of("sglang", facts, 8, 1024);
    CHECK(none["workspace"].is_null());
    CHECK(contains(none["reason"].get<std::string>(), "an error"));
  }
}

TEST_CASE("vLLM leaves payloads above 64, 80, 64 and 16 MiB on 2, 4, 8 and 16 ranks of SM103 to NCCL") {
  constexpr Limit kLimits[] = {{2, 64 * kMebi}, {4, 80 * kMebi}, {8, 64 * kMebi}, {16, 16 * kMebi}};
  for (const Limit& row : kLimits) {
    CAPTURE(row.ranks);
    CHECK(choice_of("vllm", kNvl72, row.ranks, row.bytes)["workspace"] == "mnnvl");
    const Json above = choice_of("vllm", kNvl72, row.ranks, row.bytes + 16);
    CHECK(above["workspace"] == "nccl");
    CHECK(above["allocator"].is_null());
  }
  CHECK(choice_of("vllm", {false, false, 103, 1}, 4, 1024)["workspace"] == "trtllm_fusion");
  CHECK(choice_of("vllm", kNvl72, 12, 1024)["workspace"].is_null());
  CHECK(choice_of("vllm", kH200, 4, 1024)["workspace"].is_null());
  CHECK(choice_of("vllm", kNvl72, 4, 1024, "residual_rmsnorm")["workspace"].is_null());
}

TEST_CASE("What is not known is null, with the fact that is missing") {
  for (const char* stack : {"flashinfer", "sglang", "vllm"}) {
    const Json choice = choice_of(stack, {}, 4, 1024);
    CHECK(choice["workspace"].is_null());
    CHECK(choice["allocator"].is_null());
    CHECK(choice["algorithm"].is_null());
    CHECK(contains(choice["reason"].get<std::string>(), "not known"));
  }
  const Json choice = choice_of("flashinfer", {.multicast = false}, 4, 1024);
  CHECK(choice["workspace"] == "trtllm_fusion");
  CHECK(choice["allocator"].is_null());
  CHECK(choice["algorithm"] == "one_shot");
}

TEST_CASE("Every rule has the change that made it and its date") {
  for (const UpstreamStackRow& row : kUpstreamStacks) {
    CHECK_FALSE(row.change.empty());
    CHECK(row.date.size() == 10);
  }
}

TEST_CASE("The facts of a group are those of all its ranks, or unknown") {
  RecordSet records;
  records.started.group_size = 2;
  records.started.device = {{"kind", "cuda"}};
  const auto rank = [](const char* boot, Json multicast, Json confidential, int sm) {
    return Json{{"boot_id", boot},
                {"devices",
                 {{{"kind", "host"}, {"multicast_supported", true}},
                  {{"kind", "cuda"},
                   {"multicast_supported", std::move(multicast)},
                   {"confidential_computing", std::move(confidential)},
                   {"sm_version", sm}}}}};
  };
  records.rank_facts = {{0, rank("a", true, false, 90)},
                        {1, rank("a", false, nullptr, 90)},
                        {2, rank("a", true, true, 90)},
                        {3, rank("b", nullptr, nullptr, 100)},
                        {4, rank("c", true, false, 90)}};
  const UpstreamFacts one = upstream_facts(records, 0);
  CHECK(one.multicast == false);
  CHECK_FALSE(one.confidential);
  CHECK(one.sm_version == 90);
  CHECK(one.hosts == 1);
  const UpstreamFacts two = upstream_facts(records, 1);
  CHECK_FALSE(two.multicast);
  CHECK(two.confidential == true);
  CHECK_FALSE(two.sm_version);
  CHECK(two.hosts == 2);
  CHECK_FALSE(upstream_facts(records, 2).hosts);  // its second rank told nothing
  CHECK_FALSE(upstream_facts(records, -1).hosts);
}
