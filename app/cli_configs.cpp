#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "app/cli.hpp"
#include "config/option_value.hpp"

namespace symmbench {
namespace {

namespace fs = std::filesystem;

constexpr int kLevelsToSourceTree = 4;  // <source>/build/<preset>/bin/symmbench

/// Where the shipped configuration files are: installed beside the program, or in the source tree that it was built in.
std::optional<fs::path> config_folder() {
  std::error_code ignored;
  const auto program = fs::read_symlink("/proc/self/exe", ignored);
  auto folder = program.parent_path();
  for (int level = 0; level <= kLevelsToSourceTree && !folder.empty(); ++level, folder = folder.parent_path()) {
    for (const auto* place : {"share/symmbench/configs", "configs"}) {
      if (fs::exists(folder / place / "schema" / "config.schema.json", ignored)) return folder / place;
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> shipped_configs() {
  std::vector<std::string> paths;
  const auto folder = config_folder();
  if (!folder) return paths;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(*folder, ignored)) {
    if (entry.path().extension() == ".json") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string find_config(const std::string& name) {
  std::error_code ignored;
  if (fs::exists(name, ignored)) return name;
  std::vector<std::string> known;
  for (const auto& path : shipped_configs()) {
    known.push_back(fs::path(path).stem().string());
    if (known.back() == name) return path;
  }
  fail_config(fmt::format("--config '{}': neither a file nor a shipped configuration{}", name,
                          known.empty() ? "" : fmt::format(" ({})", fmt::join(known, ", "))));
}

}  // namespace symmbench
