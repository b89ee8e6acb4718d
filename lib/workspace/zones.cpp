#include "workspace/zones.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace symmbench {
namespace {

constexpr std::uint64_t kChunkWords = 1ull << 18;  // 1 MiB at a time while looking for the place

}  // namespace

ZoneScanner::ZoneScanner(Driver& driver, Stream& stream, KernelSet& kernels)
    : stream_(stream), kernels_(kernels), counts_(driver, kMaxZones * sizeof(std::uint64_t)) {}

std::optional<ZoneDamage> ZoneScanner::first_damage(std::span<const Zone> zones) {
  std::array<std::uint64_t, kMaxZones> counts{};
  stream_.fill(counts_.address(), 0, kMaxZones * sizeof(std::uint64_t) / kWordBytes);
  for (std::size_t i = 0; i < zones.size(); ++i) {
    kernels_.scan(stream_, zones[i].address, zones[i].words, zones[i].pattern,
                  counts_.address() + i * sizeof(std::uint64_t));
  }
  stream_.copy(counts.data(), to_pointer(counts_.address()), sizeof(counts));
  stream_.synchronize();
  for (std::size_t i = 0; i < zones.size(); ++i) {
    if (counts[i] != 0) return locate(i, zones[i], counts[i]);
  }
  return std::nullopt;
}

ZoneDamage ZoneScanner::locate(std::size_t index, const Zone& zone, std::uint64_t wrong_words) {
  ZoneDamage damage{.zone = index, .wrong_words = wrong_words};
  std::vector<std::uint32_t> chunk;
  for (std::uint64_t done = 0; done < zone.words; done += chunk.size()) {
    chunk.resize(std::min(kChunkWords, zone.words - done));
    stream_.copy(chunk.data(), to_pointer(zone.address + done * kWordBytes), chunk.size() * kWordBytes);
    stream_.synchronize();
    const auto wrong = std::find_if(chunk.begin(), chunk.end(), [&](auto word) { return word != zone.pattern; });
    if (wrong == chunk.end()) continue;
    damage.first_offset = (done + static_cast<std::uint64_t>(wrong - chunk.begin())) * kWordBytes;
    damage.found = *wrong;
    break;
  }
  return damage;
}

}  // namespace symmbench
