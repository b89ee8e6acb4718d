#include "job/multicast_veto.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "catalog/multicast.hpp"
#include "job/device_decision.hpp"

namespace symmbench {
namespace {

bool says_no(std::string value) {
  std::transform(value.begin(), value.end(), value.begin(), [](unsigned char c) { return std::tolower(c); });
  constexpr std::array<std::string_view, 6> kNo{"0", "false", "off", "no", "f", "n"};
  return std::find(kNo.begin(), kNo.end(), value) != kNo.end();
}

/// NCCL takes a number; 2 is its default.
bool says_yes(const std::string& value) {
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
         value.find_first_not_of('0') != std::string::npos;
}

}  // namespace

std::optional<std::string> multicast_veto(const std::function<const char*(const char*)>& variable) {
  for (const auto& one : kMulticastVariables) {
    const std::string name(one.name);
    const char* set = variable(name.c_str());
    const std::string value = set == nullptr ? "" : set;
    if (value.empty() || (one.disables ? says_no(value) : says_yes(value))) continue;
    return fmt::format("{}={}", name, value);
  }
  return std::nullopt;
}

std::optional<std::string> multicast_veto(std::span<const RankIntent> ranks) {
  const auto has_veto = [](const RankIntent& one) { return one.multicast_veto.has_value(); };
  const auto first = std::find_if(ranks.begin(), ranks.end(), has_veto);
  if (first == ranks.end()) return std::nullopt;
  return fmt::format("multicast is vetoed by {} on rank {} on {} ({} of {} ranks)", *first->multicast_veto,
                     first - ranks.begin(), first->host, std::count_if(first, ranks.end(), has_veto), ranks.size());
}

std::optional<std::string> multicast_missing(const std::vector<Json>& rank_facts, const std::string& kind) {
  for (const auto& record : rank_facts) {
    const Json entry = device_entry(record, kind);
    const Json supported = entry.is_object() ? entry.value("multicast_supported", Json(nullptr)) : Json(nullptr);
    if (supported == true) continue;
    return fmt::format("rank {} on {}: its device {} multicast", record.at("rank").get<int>(),
                       record.at("facts").value("host", "an unknown host"),
                       supported == false ? "has no" : "does not say whether it has");
  }
  return std::nullopt;
}

}  // namespace symmbench
