#include "job/launcher_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <vector>

#include "core/secret_names.hpp"
#include "core/text.hpp"
#include "report/redact.hpp"
#include "supervise/process_identity.hpp"

namespace symmbench {
namespace {

constexpr std::string_view kLaunchers[] = {"mpirun", "mpiexec", "orterun", "prterun", "prun", "srun"};
constexpr std::string_view kExports[] = {"-x", "--x", "--env"};              // NAME=value follows
constexpr std::string_view kPairs[] = {"-env", "--env", "-genv", "--genv"};  // NAME and value follow
constexpr std::string_view kLists[] = {"--export", "-envlist"};              // NAME=value,NAME=value follows

template <std::size_t N>
bool among(const std::string_view (&options)[N], std::string_view word) {
  return std::find(std::begin(options), std::end(options), word) != std::end(options);
}

std::string masked_value(const std::string& word) {
  const auto equals = word.find('=');
  return equals == std::string::npos ? word : fmt::format("{}={}", word.substr(0, equals), kSecretMask);
}

std::string masked_list(const std::string& words) {
  std::vector<std::string> parts = split_list(words);
  for (std::string& part : parts) part = masked_value(part);
  return fmt::format("{}", fmt::join(parts, ","));
}

/// "NAME=value", as env(1) takes it.
bool is_assignment(const std::string& word) {
  const auto equals = word.find('=');
  return equals != std::string::npos && equals > 0 &&
         std::all_of(word.begin(), word.begin() + static_cast<std::ptrdiff_t>(equals),
                     [](unsigned char c) { return std::isupper(c) != 0 || std::isdigit(c) != 0 || c == '_'; });
}

}  // namespace

std::string masked_launcher_line(std::span<const std::string> words) {
  std::vector<std::string> shown;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string before = i > 0 ? words[i - 1] : "", second = i > 1 ? words[i - 2] : "";
    const auto equals = words[i].find('=');
    std::string word = words[i];
    if (among(kExports, before) || is_assignment(word)) {
      word = masked_value(word);
    } else if (among(kPairs, second) && before.find('=') == std::string::npos) {
      word = kSecretMask;
    } else if (among(kLists, before)) {
      word = masked_list(word);
    } else if (equals != std::string::npos && among(kLists, word.substr(0, equals))) {
      word = word.substr(0, equals + 1) + masked_list(word.substr(equals + 1));
    }
    shown.push_back(std::move(word));
  }
  return Redactor().text(fmt::format("{}", fmt::join(shown, " ")));
}

std::optional<std::string> launcher_line() {
  constexpr int kMostWrappers = 4;  // numactl, a shell
  std::optional<pid_t> pid = ::getppid();
  for (int i = 0; i <= kMostWrappers && pid && *pid > 1; ++i, pid = parent_of(*pid)) {
    const std::vector<std::string> words = command_line_of(*pid);
    if (words.empty() || !among(kLaunchers, std::filesystem::path(words.front()).filename().string())) continue;
    return masked_launcher_line(words);
  }
  return std::nullopt;
}

}  // namespace symmbench
