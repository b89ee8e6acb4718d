#include "job/agreement.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "config/option_value.hpp"
#include "core/binary_hash.hpp"
#include "core/counted.hpp"
#include "core/shown_text.hpp"
#include "report/verdict.hpp"

namespace symmbench {
namespace {

constexpr std::size_t kMostDifferences = 6;
constexpr std::size_t kMostBinaries = 4;

std::string place(std::span<const RankIntent> ranks, std::size_t rank) {
  return fmt::format("rank {} on {}", rank, ranks[rank].host);
}

/// The first rank for which `differs` from rank 0's.
template <class Differs>
std::optional<std::size_t> first_apart(std::span<const RankIntent> ranks, Differs&& differs) {
  const auto at = std::find_if(ranks.begin(), ranks.end(), differs);
  if (at == ranks.end()) return std::nullopt;
  return static_cast<std::size_t>(at - ranks.begin());
}

std::optional<Disagreement> objection_among(std::span<const RankIntent> ranks) {
  const auto objector = first_apart(ranks, [](const RankIntent& one) { return one.objection.has_value(); });
  if (!objector) return std::nullopt;
  const std::string& objection = *ranks[*objector].objection;
  const auto objects = [](const RankIntent& one) { return one.objection.has_value(); };
  const auto same = [&](const RankIntent& one) { return one.objection == objection; };
  if (std::all_of(ranks.begin(), ranks.end(), same)) return Disagreement{objection, static_cast<int>(ExitCode::usage)};
  if (std::all_of(ranks.begin(), ranks.end(), objects)) {
    return Disagreement{fmt::format("{} ({}; the others object too)", objection, place(ranks, *objector)),
                        static_cast<int>(ExitCode::usage)};
  }
  const auto count = std::count_if(ranks.begin(), ranks.end(), objects);
  return Disagreement{
      fmt::format("{} ({}; {} of {} ranks object)", objection, place(ranks, *objector), count, ranks.size()),
      static_cast<int>(ExitCode::no_verdict)};
}

bool same_binary(const RankIntent& a, const RankIntent& b) {
  const bool known = a.binary != kNoHash && b.binary != kNoHash;
  return a.build == b.build && (!known || a.binary == b.binary);
}

/// One rank of each binary that there is.
std::string binaries_of(std::span<const RankIntent> ranks) {
  std::vector<std::size_t> distinct;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    const auto known = [&](std::size_t other) { return same_binary(ranks[other], ranks[rank]); };
    if (std::none_of(distinct.begin(), distinct.end(), known)) distinct.push_back(rank);
  }
  std::vector<std::string> texts;
  for (const auto rank : distinct) {
    if (texts.size() == kMostBinaries) break;
    texts.push_back(fmt::format("{} {} (hash {})", place(ranks, rank), ranks[rank].build, ranks[rank].binary));
  }
  const auto more = distinct.size() - texts.size();
  return fmt::format("{}{}", fmt::join(texts, ", "), more > 0 ? fmt::format(" and {} more", more) : "");
}

std::string value_text(const OptionSpec* spec, const Json& object, const std::string& key) {
  const auto at = object.find(key);
  if (at == object.end()) return "unset";
  return in_short(spec != nullptr && !at->is_object() ? text_from_value(*spec, *at) : at->dump());
}

/// Appends what two objects of a configuration differ in; `path` stands before their keys.
void compare(const Json& one, const Json& other, const std::string& path, std::vector<std::string>& differences) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : one.items()) keys.push_back(key);
  for (const auto& [key, value] : other.items()) {
    if (!one.contains(key)) keys.push_back(key);
  }
  for (const auto& key : keys) {
    if (key == "sweeps" || (one.contains(key) && other.contains(key) && one.at(key) == other.at(key))) continue;
    const auto* spec = find_option(key);
    const auto name = path.empty() && spec != nullptr ? spec->flag_name() : path + key;
    differences.push_back(
        fmt::format("{} {} against {}", name, value_text(spec, one, key), value_text(spec, other, key)));
  }
}

}  // namespace

std::string text_of(const RankIntent& intent) {
  const Json json{{"host", intent.host},
                  {"build", intent.build},
                  {"binary", intent.binary},
                  {"doing", intent.doing},
                  {"objection", json_or_null(intent.objection)},
                  {"config", intent.config_text},
                  {"multicast_veto", json_or_null(intent.multicast_veto)},
                  {"widened_by", intent.widened_by}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

RankIntent intent_from(std::string_view text) {
  const Json json = parse_json(text, "what a rank is about to do");
  const auto part = [&](const char* key) { return json.value(key, std::string()); };
  RankIntent intent{.host = part("host"),
                    .build = part("build"),
                    .binary = part("binary"),
                    .doing = part("doing"),
                    .objection = std::nullopt,
                    .config_text = part("config")};
  const auto optional_part = [&](const char* key) {
    return json.contains(key) && json.at(key).is_string() ? std::optional(part(key)) : std::nullopt;
  };
  intent.objection = optional_part("objection");
  intent.multicast_veto = optional_part("multicast_veto");
  intent.widened_by = json.value("widened_by", 1.0);
  return intent;
}

std::vector<std::string> differing_options(const std::string& config_text, const std::string& other_config_text) {
  const Json one = parse_json(config_text, "configuration"), other = parse_json(other_config_text, "configuration");
  std::vector<std::string> differences;
  compare(one, other, "", differences);
  const Json sweeps = one.value("sweeps", Json::array()), others = other.value("sweeps", Json::array());
  if (sweeps.size() != others.size()) {
    differences.push_back(fmt::format("{} against {}", sweeps.size(), counted(others.size(), "sweep")));
  } else {
    for (std::size_t i = 0; i < sweeps.size(); ++i) {
      compare(sweeps[i], others[i], sweeps.size() == 1 ? "" : fmt::format("sweeps[{}].", i), differences);
    }
  }
  return differences;
}

std::optional<Disagreement> disagreement(std::string_view command, std::span<const RankIntent> ranks) {
  if (auto objection = objection_among(ranks)) return objection;
  const auto apart = [&](std::string why) {
    return Disagreement{fmt::format("{}: {}", command, why), static_cast<int>(ExitCode::no_verdict)};
  };
  const RankIntent& leader = ranks.front();
  if (const auto rank = first_apart(ranks, [&](const RankIntent& one) { return one.doing != leader.doing; })) {
    return apart(fmt::format("{} was started as `{}`, {} as `{}`: all ranks need the same", place(ranks, *rank),
                             ranks[*rank].doing, place(ranks, 0), leader.doing));
  }
  if (first_apart(ranks, [&](const RankIntent& one) { return !same_binary(one, leader); })) {
    return apart(fmt::format("all ranks need the same binary: {}", binaries_of(ranks)));
  }
  if (const auto rank =
          first_apart(ranks, [&](const RankIntent& one) { return one.config_text != leader.config_text; })) {
    auto differences = differing_options(ranks[*rank].config_text, leader.config_text);
    const auto more = differences.size() - std::min(differences.size(), kMostDifferences);
    differences.resize(differences.size() - more);
    return apart(fmt::format("{} has another configuration than {}: {}{}", place(ranks, *rank), place(ranks, 0),
                             fmt::join(differences, "; "), more > 0 ? fmt::format("; and {} more", more) : ""));
  }
  return std::nullopt;
}

}  // namespace symmbench
