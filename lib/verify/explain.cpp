#include "verify/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <map>
#include <tuple>
#include <utility>

#include "core/names.hpp"
#include "core/text.hpp"
#include "kernels/patterns.hpp"
#include "verify/suspects.hpp"

namespace symmbench {
namespace {

constexpr auto kKinds = name_table<BlameKind>({{BlameKind::unwritten, "unwritten"},
                                               {BlameKind::missing, "missing"},
                                               {BlameKind::stale, "stale"},
                                               {BlameKind::doubled, "doubled"},
                                               {BlameKind::foreign, "foreign"},
                                               {BlameKind::bit_flip, "bit_flip"},
                                               {BlameKind::unexplained, "unexplained"}});

/// A recorded mismatch and what could have caused it.
struct Open {
  const Mismatch* mismatch;
  std::vector<Suspect> suspects;
};

int blame_block_of(const Mismatch& mismatch, const CallShape& shape) {
  const OutputSpec& output = output_of(shape.pattern, static_cast<OutputKind>(mismatch.output));
  return blame_block(mismatch.index, output.elements(shape));
}

/// Whether it is the only wrong element of its packet, as far as that is known: a lost or stale word takes its
/// neighbours with it, a flipped bit does not.
bool stands_alone(const Mismatch& mismatch, const VerifyReport& report, const ExplainParameters& parameters) {
  const std::uint64_t wrong = report.wrong_in_block[blame_block_of(mismatch, parameters.shape)];
  if (wrong > kMaxMismatches / kBlameBlocks) return false;  // not all of them were recorded
  const std::uint64_t lanes = kPacketBytes / element_bytes(parameters.shape.dtype);
  return std::count_if(report.mismatch, report.mismatch + report.mismatches, [&](const Mismatch& other) {
           return other.iteration == mismatch.iteration && other.output == mismatch.output &&
                  other.index / lanes == mismatch.index / lanes;
         }) == 1;
}

std::vector<Open> find_suspects(const VerifyReport& report, const ExplainParameters& parameters) {
  std::vector<Open> open;
  for (std::uint32_t i = 0; i < report.mismatches; ++i) {
    const Mismatch& mismatch = report.mismatch[i];
    auto suspects = suspects_of(mismatch, parameters);
    const Suspect flip{BlameKind::bit_flip};
    if (std::find(suspects.begin(), suspects.end(), flip) != suspects.end() &&
        stands_alone(mismatch, report, parameters)) {
      suspects = {flip};
    }
    open.push_back({&mismatch, std::move(suspects)});
  }
  return open;
}

/// The suspect that most open mismatches share and how many; among equals the first in the order of Suspect. 0: none is
/// left.
std::pair<Suspect, std::size_t> strongest(const std::vector<Open>& open) {
  std::map<Suspect, std::size_t> votes;
  for (const auto& [mismatch, suspects] : open) {
    for (const auto& suspect : suspects) ++votes[suspect];
  }
  if (votes.empty()) return {};
  return *std::max_element(votes.begin(), votes.end(),
                           [](const auto& a, const auto& b) { return a.second < b.second; });
}

/// Where the strongest explains no more than chance would, neither do those that are judged as it is.
void drop_coincidences(std::vector<Open>& open, const Suspect& strongest) {
  const bool flips = strongest.kind == BlameKind::bit_flip;
  for (Open& each : open) {
    std::erase_if(each.suspects,
                  [&](const Suspect& suspect) { return (suspect.kind == BlameKind::bit_flip) == flips; });
  }
}

std::vector<const Mismatch*> take_explained(std::vector<Open>& open, const Suspect& suspect) {
  std::vector<const Mismatch*> explained;
  std::erase_if(open, [&](const Open& candidate) {
    const auto& suspects = candidate.suspects;
    if (std::find(suspects.begin(), suspects.end(), suspect) == suspects.end()) return false;
    explained.push_back(candidate.mismatch);
    return true;
  });
  return explained;
}

BlameFinding make_finding(const Suspect& suspect, const std::vector<const Mismatch*>& mismatches,
                          const CallShape& shape) {
  const auto kind = static_cast<OutputKind>(mismatches[0]->output);
  const std::uint64_t bits = element_bits(output_of(shape.pattern, kind).type, shape.dtype);
  BlameFinding finding{.kind = suspect.kind,
                       .age = suspect.age,
                       .index_shift = suspect.index_shift,
                       .mismatches = mismatches.size(),
                       .first_offset_bytes = mismatches[0]->index * bits / 8,
                       .first_iteration = mismatches[0]->iteration,
                       .output = kind};
  if (suspect.source_rank >= 0) finding.source_rank = suspect.source_rank;
  for (const auto* mismatch : mismatches) {
    const std::uint64_t offset = mismatch->index * bits / 8;
    finding.first_offset_bytes = std::min(finding.first_offset_bytes, offset);
    finding.end_offset_bytes = std::max(finding.end_offset_bytes, (mismatch->index * bits + bits + 7) / 8);
    finding.first_iteration = std::min(finding.first_iteration, mismatch->iteration);
  }
  return finding;
}

std::string what_happened(const BlameFinding& finding) {
  const std::string whose =
      finding.source_rank ? fmt::format("rank {}'s data", *finding.source_rank) : std::string("the whole output");
  switch (finding.kind) {
    case BlameKind::unwritten:
      return "output never written";
    case BlameKind::missing:
      return whose + " missing";
    case BlameKind::doubled:
      return whose + " added twice";
    case BlameKind::stale:
      return fmt::format("{} stale by {} iteration{}", whose, finding.age, finding.age == 1 ? "" : "s");
    case BlameKind::foreign:
      return fmt::format("{} from {:+} elements away", whose, finding.index_shift);
    case BlameKind::bit_flip:
      return "one bit flipped";
    case BlameKind::unexplained:
      return "wrong in a way that no single mistake explains";
  }
  return "";
}

std::string summarise(const Blame& blame) {
  std::string text;
  if (!blame.findings.empty()) {
    const BlameFinding& first = blame.findings[0];
    text =
        fmt::format("{} in [{}, {}) of {}, first in iteration {}; {} of {} recorded mismatches", what_happened(first),
                    format_bytes(first.first_offset_bytes), format_bytes(first.end_offset_bytes), name_of(first.output),
                    first.first_iteration, first.mismatches, blame.recorded);
    if (blame.findings.size() > 1) text += fmt::format("; then {}", what_happened(blame.findings[1]));
    text += fmt::format("; {} of {} elements wrong", blame.wrong_elements, blame.checked_elements);
  }
  if (blame.guard_words_overwritten != 0) {
    text += fmt::format("{}{} guard words around the outputs overwritten", text.empty() ? "" : "; ",
                        blame.guard_words_overwritten);
  }
  return text;
}

}  // namespace

std::string_view name_of(BlameKind kind) { return kKinds.name(kind); }

Blame explain(const VerifyReport& report, const ExplainParameters& parameters) {
  Blame blame{.checked_elements = report.checked_elements,
              .wrong_elements = report.wrong_elements,
              .unwritten_elements = report.unwritten_elements,
              .guard_words_overwritten = report.guard_words_overwritten,
              .max_error = std::bit_cast<float>(report.max_error_bits),
              .recorded = report.mismatches};
  std::copy_n(report.wrong_in_block, kBlameBlocks, blame.wrong_in_block.begin());
  blame.matrix.resize(static_cast<std::size_t>(parameters.shape.world_size));

  const auto put_down = [&](const Suspect& suspect, const std::vector<const Mismatch*>& explained) {
    blame.by_kind[static_cast<std::size_t>(suspect.kind)] += explained.size();
    if (suspect.source_rank >= 0) {
      auto& row = blame.matrix[static_cast<std::size_t>(suspect.source_rank)];
      for (const auto* mismatch : explained)
        ++row[static_cast<std::size_t>(blame_block_of(*mismatch, parameters.shape))];
    }
    blame.findings.push_back(make_finding(suspect, explained, parameters.shape));
  };
  std::vector<Open> open = find_suspects(report, parameters);
  for (auto [suspect, votes] = strongest(open); votes != 0; std::tie(suspect, votes) = strongest(open)) {
    if (is_convincing(suspect, votes, open.size(), parameters)) {
      put_down(suspect, take_explained(open, suspect));
    } else {
      drop_coincidences(open, suspect);
    }
  }
  if (!open.empty()) {
    std::vector<const Mismatch*> rest;
    for (const Open& each : open) rest.push_back(each.mismatch);
    put_down(Suspect{}, rest);
  }
  std::ranges::stable_sort(blame.findings, std::greater{}, &BlameFinding::mismatches);
  blame.summary = summarise(blame);
  return blame;
}

Json to_json(const Blame& blame) {
  Json kinds = Json::object(), findings = Json::array(), sources = Json::array();
  for (int kind = 0; kind < kBlameKinds; ++kind) {
    const std::uint64_t count = blame.by_kind[static_cast<std::size_t>(kind)];
    if (count != 0) kinds[std::string(name_of(static_cast<BlameKind>(kind)))] = count;
  }
  for (const auto& finding : blame.findings) {
    findings.push_back({{"kind", name_of(finding.kind)},
                        {"source_rank", json_or_null(finding.source_rank)},
                        {"age_iterations", finding.kind == BlameKind::stale ? Json(finding.age) : Json(nullptr)},
                        {"index_shift", finding.kind == BlameKind::foreign ? Json(finding.index_shift) : Json(nullptr)},
                        {"mismatches", finding.mismatches},
                        {"first_offset_bytes", finding.first_offset_bytes},
                        {"end_offset_bytes", finding.end_offset_bytes},
                        {"first_iteration", finding.first_iteration},
                        {"output", name_of(finding.output)}});
  }
  for (std::size_t rank = 0; rank < blame.matrix.size(); ++rank) {
    const auto& blocks = blame.matrix[rank];
    if (std::any_of(blocks.begin(), blocks.end(), [](std::uint64_t count) { return count != 0; })) {
      sources.push_back({{"rank", rank}, {"blocks", blocks}});
    }
  }
  // An infinite error has no JSON number.
  const bool finite = blame.max_error <= std::numeric_limits<float>::max();
  return {{"summary", blame.summary},
          {"wrong_elements", blame.wrong_elements},
          {"unwritten_elements", blame.unwritten_elements},
          {"guard_words_overwritten", blame.guard_words_overwritten},
          {"max_error", finite ? Json(blame.max_error) : Json(nullptr)},
          {"recorded", blame.recorded},
          {"kinds", kinds},
          {"findings", findings},
          {"wrong_in_block", blame.wrong_in_block},
          {"source_blocks", sources}};
}

std::optional<int> blamed_source(const Json& blame) {
  const auto findings = blame.find("findings");
  if (findings == blame.end()) return std::nullopt;
  for (const Json& finding : *findings) {
    if (const Json& rank = finding.at("source_rank"); rank.is_number_integer()) return rank.get<int>();
  }
  return std::nullopt;
}

}  // namespace symmbench
