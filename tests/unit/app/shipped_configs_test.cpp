#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <regex>
#include <set>

#include "app/cli.hpp"
#include "app/command_list.hpp"
#include "plan/make_plan.hpp"
#include "report/schema_validation.hpp"
#include "tests/support/scratch_folder.hpp"

using namespace symmbench;

namespace {

RunConfig shipped(std::string_view name) { return parse_command_line({"run", "--config", std::string(name)}).config; }

std::vector<Case> cases_of(std::string_view name, int ranks) {
  std::vector<Case> all;
  for (const CaseGroup& group : make_plan(shipped(name), ranks, 0).groups) {
    all.insert(all.end(), group.cases.begin(), group.cases.end());
  }
  return all;
}

}  // namespace

TEST_CASE("every shipped configuration is found by name, valid, and says what it is for and how long it takes") {
  std::set<std::string_view> names;
  for (const auto& config : shipped_configs()) {
    CAPTURE(config.name);
    names.insert(config.name);
    const auto document = load_config(std::string(config.name)).value;
    CHECK(validate(document, schema_text("config")).empty());
    const auto about = document.at("description").get<std::string>();
    CHECK(std::regex_search(about, std::regex("[0-9] s |seconds|minute")));
    CHECK(list_text(list_json("configs")).find(about) != std::string::npos);
    CHECK(parse_command_line({"run", "--config", std::string(config.name)}).config_path == config.name);
  }
  CHECK(names == std::set<std::string_view>{"h200-sweep", "qualify", "quick", "serving", "soak-short"});
}

TEST_CASE("every case of a shipped configuration can run on 2, 4 and 8 ranks") {
  for (const auto& config : shipped_configs()) {
    for (const int ranks : {2, 4, 8}) {
      CAPTURE(config.name, ranks);
      const auto cases = cases_of(config.name, ranks);
      CHECK_FALSE(cases.empty());
      for (const Case& one : cases) {
        CAPTURE(one.id());
        CHECK_FALSE(one.skip);
      }
    }
  }
}

TEST_CASE("a shipped configuration that compares allocators takes placements enough for a verdict") {
  constexpr int kNeeded = 6;
  for (const auto& config : shipped_configs()) {
    CAPTURE(config.name);
    CHECK(shipped(config.name).placements >= kNeeded);
  }
}

TEST_CASE("configurations that judge GPUs never run on anything else by themselves, and what cannot run is no pass") {
  for (const auto* name : {"qualify", "serving", "h200-sweep"}) {
    CHECK(shipped(name).device == DeviceChoice::cuda);
  }
  CHECK(shipped("qualify").strict);
  CHECK(parse_command_line({"run", "--config", "qualify", "--device", "host"}).config.device == DeviceChoice::host);
}

TEST_CASE("serving has every power of two of tokens at every hidden size") {
  std::set<std::pair<std::uint64_t, std::uint64_t>> shapes;
  for (const Case& one : cases_of("serving", 4)) shapes.emplace(one.shape.hidden, one.shape.tokens);
  std::set<std::pair<std::uint64_t, std::uint64_t>> asked;
  for (const std::uint64_t hidden : {4096, 7168, 8192}) {
    for (std::uint64_t tokens = 1; tokens <= 16384; tokens *= 2) asked.emplace(hidden, tokens);
  }
  CHECK(shapes == asked);
}

TEST_CASE("a folder called like a shipped configuration does not hide it") {
  const ScratchFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  std::filesystem::create_directory("quick");
  CHECK_NOTHROW(load_config("quick"));
  std::filesystem::current_path(before);
}
