#include "app/console.hpp"

#include <fmt/format.h>

namespace symmbench {

Console::Console(const RunConfig& config, int world_size) : config_(config), world_size_(world_size) {}

void Console::begin(const std::string& device, bool emulated, const std::string& reason, const std::vector<Json>&) {
  if (config_.format == OutputFormat::none) return;
  fmt::print("device {} {}{}\n", device, emulated ? "EMULATED " : "", reason);
}

void Console::heard(const Json& record) {
  if (record.value("type", std::string()) == "row" && config_.format == OutputFormat::table) {
    fmt::print("{} {} {}\n", record.value("case_id", std::string()), record.value("allocator", std::string()),
               record.value("status", std::string()));
  }
}

void Console::end(const Json& report) {
  for (const auto& line : report.at("verdict").at("summary")) fmt::print("{}\n", line.get<std::string>());
}

}  // namespace symmbench
