#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <map>
#include <regex>
#include <set>

#include "app/cli.hpp"
#include "app/command_list.hpp"
#include "plan/make_plan.hpp"
#include "plan/support.hpp"
#include "plan/support_table.hpp"
#include "report/schema_validation.hpp"
#include "tests/support/scratch_folder.hpp"

using namespace symmbench;

namespace {

RunConfig shipped(std::string_view name) {
  std::vector<std::string> words{"run", "--config", std::string(name)};
  // What GPUs do not have of everything is skipped there.
  if (name == "full") words.insert(words.end(), {"--device", "host"});
  return parse_command_line(words).config;
}

std::vector<Case> cases_of(std::string_view name, int ranks) {
  std::vector<Case> all;
  for (const CaseGroup& group : make_plan(shipped(name), ranks, 0).groups) {
    all.insert(all.end(), group.cases.begin(), group.cases.end());
  }
  return all;
}

/// "mnnvl/multicast/one_shot/allreduce/bf16/"
std::string kind_of(const CallShape& shape) {
  return fmt::format("{}/{}/{}/{}/{}/", name_of(shape.workspace), name_of(shape.transport), name_of(shape.algorithm),
                     name_of(shape.pattern), name_of(shape.dtype));
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
  CHECK(names == std::set<std::string_view>{"full", "h200-sweep", "qualify", "quick", "serving", "soak-short"});
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
    if (config.name == "full") continue;  // compares nothing
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

TEST_CASE("full has whatever the tables say can run on the emulated device, over each allocator that can back it") {
  std::set<std::string> planned;
  for (const CaseGroup& group : make_plan(shipped("full"), 4, 0).groups) {
    for (const Case& one : group.cases) {
      for (const auto& allocator : group.allocators) planned.insert(kind_of(one.shape) + allocator);
    }
  }
  std::size_t kinds = 0;
  for (const Support& row : support_table()) {
    if (row.device != DeviceChoice::host || row.reason) continue;
    for (const DType dtype : row.dtypes) {
      for (const auto& allocator : kAllocators) {
        if (!allocator.now || allocator_problem(allocator.value, row.transport)) continue;
        const auto kind = kind_of({.workspace = row.workspace,
                                   .transport = row.transport,
                                   .algorithm = row.algorithm,
                                   .pattern = row.pattern,
                                   .dtype = dtype}) +
                          std::string(allocator.name);
        CAPTURE(kind);
        CHECK(planned.contains(kind));
        ++kinds;
      }
    }
  }
  CHECK(kinds == planned.size());
}

TEST_CASE("full has every pair of values of every two parameters of a pattern") {
  using Value = std::pair<std::string, std::string>;  // of a parameter
  std::map<Pattern, std::set<Value>> values;
  std::map<Pattern, std::set<std::pair<Value, Value>>> pairs;
  for (const Case& one : cases_of("full", 4)) {
    const Json keys = one.keys();
    std::vector<Value> own;
    PatternParameters::visit([&](std::string_view name, std::string_view, auto) {
      const std::string key(name);
      if (!keys.at(key).is_null()) own.emplace_back(key, keys.at(key).dump());
    });
    if (own.empty()) continue;
    for (const char* key : {"hidden", "accumulate"}) own.emplace_back(key, keys.at(key).dump());
    for (const Value& value : own) {
      values[one.shape.pattern].insert(value);
      for (const Value& other : own) pairs[one.shape.pattern].emplace(value, other);
    }
  }
  CHECK(values.size() == std::size(kPatterns) - 1);  // all but plain allreduce
  for (const auto& [pattern, of_pattern] : values) {
    CAPTURE(name_of(pattern));
    CHECK(of_pattern.size() >= 8);
    for (const Value& value : of_pattern) {
      for (const Value& other : of_pattern) {
        CAPTURE(value.first, value.second, other.first, other.second);
        if (value.first != other.first) CHECK(pairs[pattern].contains({value, other}));
      }
    }
  }
}

TEST_CASE("a folder called like a shipped configuration does not hide it") {
  const ScratchFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  std::filesystem::create_directory("quick");
  CHECK_NOTHROW(load_config("quick"));
  std::filesystem::current_path(before);
}
