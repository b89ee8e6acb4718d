#include "plan/support_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <span>
#include <vector>

#include "kernels/patterns.hpp"
#include "plan/support.hpp"

namespace symmbench {
namespace {

constexpr DType kAllDTypes[] = {DType::fp16, DType::bf16, DType::fp32};

/// One that every algorithm can take: a row per rank, of whole groups of any format.
CallShape usual_call(const Support& kind, DType dtype) {
  constexpr int kRanks = 4;
  return {.workspace = kind.workspace,
          .transport = kind.transport,
          .algorithm = kind.algorithm,
          .pattern = kind.pattern,
          .dtype = dtype,
          .world_size = kRanks,
          .tokens = kRanks,
          .hidden = 8192};
}

void add(std::vector<Support>& table, const Support& kind) {
  std::vector<Support> rows;
  for (const DType dtype : kAllDTypes) {
    const auto reason = impossible(usual_call(kind, dtype), kind.device);
    auto row = std::find_if(rows.begin(), rows.end(), [&](const Support& one) { return one.reason == reason; });
    if (row == rows.end()) {
      row = rows.insert(rows.end(), kind);
      row->reason = reason;
    }
    row->dtypes.push_back(dtype);
  }
  table.insert(table.end(), rows.begin(), rows.end());
}

void add_patterns(std::vector<Support>& table, Support kind) {
  for (const auto& pattern : kPatterns) {
    if (!pattern.now) continue;
    kind.pattern = pattern.value;
    add(table, kind);
  }
}

std::vector<Support> full_table() {
  std::vector<Support> table;
  for (const auto device : {DeviceChoice::host, DeviceChoice::cuda}) {
    for (const auto& algorithm : kAlgorithms) {
      if (!algorithm.now) continue;
      if (algorithm.reference) {
        add_patterns(table, {.device = device, .algorithm = algorithm.value});
        continue;
      }
      for (const auto& workspace : kWorkspaceKinds) {
        for (const auto& transport : kTransportKinds) {
          if (!workspace.now || !transport.now) continue;
          add_patterns(table, {.device = device,
                               .workspace = workspace.value,
                               .transport = transport.value,
                               .algorithm = algorithm.value});
        }
      }
    }
  }
  return table;
}

}  // namespace

const std::vector<Support>& support_table() {
  static const std::vector<Support> table = full_table();
  return table;
}

std::string ranks_text(const Support& row) {
  const std::span<const int> of_pattern = spec_of(row.pattern).world_sizes;
  std::span<const int> of_workspace;
  if (!is_reference(row.algorithm)) of_workspace = row_of(kWorkspaceKinds, row.workspace).world_sizes;
  std::vector<int> sizes;
  const auto add_if_in = [&](std::span<const int> from, std::span<const int> others) {
    std::copy_if(from.begin(), from.end(), std::back_inserter(sizes), [&](int size) {
      return others.empty() || std::find(others.begin(), others.end(), size) != others.end();
    });
  };
  if (of_pattern.empty()) {
    add_if_in(of_workspace, {});
  } else {
    add_if_in(of_pattern, of_workspace);
  }
  if (sizes.empty()) return std::string(kAnyNumber);
  return fmt::format("{} or {}", fmt::join(sizes.begin(), sizes.end() - 1, ", "), sizes.back());
}

}  // namespace symmbench
