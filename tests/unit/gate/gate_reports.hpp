#pragma once
#include <fmt/format.h>

#include <string>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// A report as far as gates read it.
inline Json gate_report(const std::string& kind = "cuda", const std::string& gpu = "NVIDIA H200") {
  Json ranks = Json::array();
  for (int rank = 0; rank < 2; ++rank) {
    ranks.push_back({{"rank", rank},
                     {"host", "node1"},
                     {"gpu_name", gpu},
                     {"devices", Json::array({Json{{"kind", kind}, {"driver_version", 13000}}})},
                     {"environment", {{"NCCL_NVLS_ENABLE", "0"}}}});
  }
  return {{"schema_version", "1.5.0"},
          {"tool", {{"version", "0.1.0"}, {"git", "abc"}, {"build", "Release"}}},
          {"run",
           {{"complete", true},
            {"started_at", "2026-01-31T23:59:59.000Z"},
            {"world_size", 2},
            {"group_size", 2},
            {"config", {{"seed", 1}, {"report", "a.json"}, {"sweeps", Json::array({Json{{"hidden", {8192}}}})}}}}},
          {"device", {{"kind", kind}, {"emulated", kind == "host"}}},
          {"fabric", {{"profile", nullptr}, {"hosts", 1}}},
          {"ranks", ranks},
          {"results", Json::array()}};
}

/// Eight placements around `time_us`, 1 % up and down.
inline Json gate_row(std::uint64_t tokens, const std::string& allocator, double time_us, std::size_t placements = 8) {
  Json times = Json::array();
  for (std::size_t i = 0; i < placements; ++i) times.push_back(time_us * (i % 2 ? 1.01 : 0.99));
  return {{"case_id", fmt::format("g0x2/trtllm_fusion/unicast/auto/one_shot/allreduce/bf16/out/{}x512", tokens)},
          {"allocator", allocator},
          {"workspace", "trtllm_fusion"},
          {"transport", "unicast"},
          {"group", 0},
          {"group_size", 2},
          {"handle", {{"asked", "auto"}}},
          {"algorithm", "one_shot"},
          {"pattern", "allreduce"},
          {"dtype", "bf16"},
          {"in_place", false},
          {"tokens", tokens},
          {"hidden", 512},
          {"message_bytes", tokens * 1024},
          {"status", "ok"},
          {"reason", nullptr},
          {"time_us", {{"mean", time_us}, {"samples", 4 * placements}}},
          {"placement_us", times},
          {"busbw_gbs", nullptr}};
}

/// Four sizes of two allocators, B's times `slower` times as long for the second allocator.
inline Json gate_report_of(double slower) {
  Json report = gate_report();
  for (std::uint64_t tokens = 1; tokens <= 8; tokens *= 2) {
    report["results"].push_back(gate_row(tokens, "symm_device_memory", 10.0 * static_cast<double>(tokens)));
    report["results"].push_back(gate_row(tokens, "torch_symm_mem", 11.0 * static_cast<double>(tokens) * slower));
  }
  return report;
}

}  // namespace symmbench
