#pragma once
#include <string>
#include <vector>

#include "core/json.hpp"

namespace symmbench::test {

/// The preflight record of a rank on `host` with the emulated device and, with an SM version, a GPU of its own.
struct RankFactsOf {
  int rank = 0;
  std::string host = "node-a";
  int sm_version = 0;  ///< 0: the cuda device is not usable
  std::uint64_t free_bytes = std::uint64_t{1} << 40;

  Json record() const {
    Json cuda{{"kind", "cuda"}, {"usable", sm_version != 0}, {"absent", sm_version == 0}, {"reason", nullptr}};
    if (sm_version != 0) {
      cuda["sm_version"] = sm_version;
      cuda["uuid"] = "GPU-" + host + std::to_string(rank);
      cuda["free_bytes"] = free_bytes;
    } else {
      cuda["reason"] = "no driver";
    }
    const Json emulated{{"kind", "host"}, {"usable", true}, {"reason", nullptr}, {"free_bytes", free_bytes}};
    return {{"type", "rank"},
            {"rank", rank},
            {"facts", {{"host", host}, {"boot_id", "boot-" + host}, {"devices", {cuda, emulated}}}}};
  }
};

inline std::vector<Json> facts_of(const std::vector<RankFactsOf>& ranks) {
  std::vector<Json> records;
  for (const auto& rank : ranks) records.push_back(rank.record());
  return records;
}

}  // namespace symmbench::test
