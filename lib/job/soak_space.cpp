#include "job/soak_space.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "core/deadlines.hpp"
#include "core/finishes_within.hpp"
#include "core/text.hpp"
#include "journal/lifecycle_spans.hpp"

namespace symmbench {
namespace {

/// Of the folder, or of the first one above it that exists. nullopt: unknown.
std::optional<std::uint64_t> free_bytes_at(const std::string& dir) {
  std::error_code failed;
  std::filesystem::path place = std::filesystem::absolute(dir, failed);
  while (!failed && !std::filesystem::exists(place, failed) && place.has_relative_path()) place = place.parent_path();
  const auto space = std::filesystem::space(place, failed);
  return failed ? std::nullopt : std::optional<std::uint64_t>(space.available);
}

std::uint64_t lifecycle_groups(const RunConfig& config) {
  std::uint64_t groups = 0;
  for (const auto& sweep : config.sweeps) {
    groups += sweep.workspaces.size() * sweep.handles.size() * sweep.allocators.size();
  }
  return groups;
}

}  // namespace

std::optional<std::string> soak_space_problem(const RunConfig& config, const std::optional<std::string>& journal_dir) {
  if (config.soak_s <= 0 || !journal_dir) return std::nullopt;
  const auto free_bytes = result_within(deadline::kFileSystem_s, [dir = *journal_dir] {
                            return free_bytes_at(dir);
                          }).value_or(std::nullopt);
  const std::uint64_t needed_bytes = LifecycleSpans::kMostBytes * lifecycle_groups(config);
  if (!free_bytes || *free_bytes >= needed_bytes) return std::nullopt;
  return fmt::format("--soak: its journal may come to {}, and '{}' has {} free: give --journal another place",
                     format_bytes(needed_bytes), *journal_dir, format_bytes(*free_bytes));
}

}  // namespace symmbench
