#include "config/tuning.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <catch2/catch_test_macros.hpp>

#include "config/options.hpp"
#include "config/repro.hpp"
#include "config/resolve.hpp"
#include "core/units.hpp"
#include "tests/support/failures.hpp"
#include "tests/support/scratch_folder.hpp"

using namespace symmbench;

namespace {

Json step(Json up_to_bytes, const char* algorithm) { return {{"up_to_bytes", up_to_bytes}, {"algorithm", algorithm}}; }

/// A valid table: 4 ranks, plain: one_shot to 192 KiB for every dtype, to 64 KiB for fp32.
Json good() {
  return {
      {"family", "host"},
      {"emulated", true},
      {"source", "a test"},
      {"tables",
       {{{"world_size", 4},
         {"pattern", "allreduce"},
         {"choices", {step(192 * kKiB, "one_shot"), step(nullptr, "two_shot")}}},
        {{"world_size", 4}, {"pattern", "allreduce"}, {"dtype", "fp32"}, {"choices", {step(64 * kKiB, "one_shot")}}}}}};
}

TuningTable table() { return {.name = "file", .entries = tuning_entries(good(), "it")}; }

std::string tuning_refusal(const Json& document) {
  return failure_of([&] { (void)tuning_entries(document, "--tuning 't.json'"); }).detail;
}

/// The good table with one value changed.
Json table_with(const char* pointer, Json value) {
  Json document = good();
  document[Json::json_pointer(pointer)] = std::move(value);
  return document;
}

}  // namespace

TEST_CASE("a bound belongs to its step, one byte more to the next") {
  const auto tuning = table();
  CHECK(tuning.algorithm_for(4, "allreduce", DType::bf16, 1) == "one_shot");
  CHECK(tuning.algorithm_for(4, "allreduce", DType::bf16, 192 * kKiB) == "one_shot");
  CHECK(tuning.algorithm_for(4, "allreduce", DType::bf16, 192 * kKiB + 1) == "two_shot");
  CHECK(tuning.algorithm_for(4, "allreduce", DType::fp16, std::uint64_t{1} << 40) == "two_shot");
}

TEST_CASE("an entry of the dtype goes before one for every dtype, and above its last bound nothing is said") {
  const auto tuning = table();
  CHECK(tuning.algorithm_for(4, "allreduce", DType::fp32, 64 * kKiB) == "one_shot");
  CHECK(tuning.algorithm_for(4, "allreduce", DType::fp32, 64 * kKiB + 1) == std::nullopt);
  CHECK(tuning.algorithm_for(2, "allreduce", DType::bf16, 1) == std::nullopt);
  CHECK(tuning.algorithm_for(4, "residual_rmsnorm", DType::bf16, 1) == std::nullopt);
}

TEST_CASE("a bad tuning table is refused with the place and what is allowed") {
  const std::string what = "--tuning 't.json': ";
  const std::string first = what + "tables[0].";
  const std::pair<Json, std::string> rows[] = {
      {Json::array(), "--tuning 't.json': must be an object"},
      {Json::object(), "--tuning 't.json': 'family' is missing"},
      {table_with("/famly", "host"), what + "unknown key 'famly'; did you mean 'family'?"},
      {table_with("/family", "h200"), what + "family: 'h200': must be host, or sm and the SM version as in sm90"},
      {table_with("/family", "sm9x"), what + "family: 'sm9x': must be host, or sm and the SM version as in sm90"},
      {table_with("/emulated", "yes"), what + "emulated: must be true or false"},
      {table_with("/source", ""), what + "source: must be a text"},
      {table_with("/tables", Json::array()), what + "tables: must be a list of at least one object"},
      {table_with("/tables", Json::object()), what + "tables: must be a list of at least one object"},
      {table_with("/tables/0", 5), what + "tables[0]: must be an object"},
      {table_with("/tables/0/world_size", 1), first + "world_size: '1': must be a whole number from 2 to 72"},
      {table_with("/tables/0/world_size", 73), first + "world_size: '73': must be a whole number from 2 to 72"},
      {table_with("/tables/0/world_size", 4.5), first + "world_size: '4.5': must be a whole number from 2 to 72"},
      {table_with("/tables/0/world_size", "4"), first + "world_size: '4': must be a whole number from 2 to 72"},
      {table_with("/tables/0/pattern", "allgather"),
       first + fmt::format("pattern: 'allgather': not one of {}", fmt::join(names_now(*find_option("pattern")), ", "))},
      {table_with("/tables/0/dtype", "bf61"), first + "dtype: 'bf61': not one of fp16, bf16, fp32"},
      {table_with("/tables/0/choices", Json::array()), first + "choices: must be a list of at least one object"},
      {table_with("/tables/0/choices/0/algorithm", "auto"),
       first + "choices[0].algorithm: 'auto': not one of one_shot, two_shot, two_shot_barrier, one_shot_pull"},
      {table_with("/tables/0/choices/0/algorithm", "nccl"),
       first + "choices[0].algorithm: 'nccl': not one of one_shot, two_shot, two_shot_barrier, one_shot_pull"},
      {table_with("/tables/0/choices/0/up_to_bytes", 0),
       first + "choices[0].up_to_bytes: '0': must be a whole number from 1 to 1099511627776"},
      {table_with("/tables/0/choices/0/up_to_bytes", -4),
       first + "choices[0].up_to_bytes: '-4': must be a whole number from 1 to 1099511627776"},
      {table_with("/tables/0/choices/0/up_to_bytes", UINT64_MAX),
       first + "choices[0].up_to_bytes: '18446744073709551615': must be a whole number from 1 to 1099511627776"},
      {table_with("/tables/0/choices/0/up_to_bytes", "64K"),
       first + "choices[0].up_to_bytes: '64K': must be a whole number from 1 to 1099511627776"},
      {table_with("/tables/0/choices/1/up_to_bytes", 192 * kKiB),
       first + "choices[1].up_to_bytes: '196608': must be greater than 196608, the bound before it"},
      {table_with("/tables/0/choices/1/up_to_bytes", 16),
       first + "choices[1].up_to_bytes: '16': must be greater than 196608, the bound before it"},
      {table_with("/tables/0/choices/0/up_to_bytes", nullptr),
       first + "choices[1]: nothing can follow the step before it, whose up_to_bytes is null"},
      {table_with("/tables/0/dtype", "fp32"),
       what + "tables[1]: overlaps tables[0]: 4 ranks, allreduce, fp32 are given twice"},
  };
  for (const auto& [document, message] : rows) {
    CAPTURE(document.dump());
    CHECK(tuning_refusal(document) == message);
  }
  Json without = good();
  without["tables"][0]["choices"][0].erase("up_to_bytes");
  CHECK(tuning_refusal(without) == first + "choices[0]: 'up_to_bytes' is missing");
}

TEST_CASE("every shipped tuning table is valid, and is named after its family") {
  REQUIRE_FALSE(shipped_tunings().empty());
  for (const auto& shipped : shipped_tunings()) {
    CAPTURE(shipped.name);
    const auto document = Json::parse(shipped.text);
    CHECK(document.at("family") == shipped.name);
    CHECK(tuning_from(std::string(shipped.name)).entries.size() == document.at("tables").size());
    CHECK(tuning_for_family(shipped.name) == shipped.name);
  }
  CHECK(tuning_for_family(sm_family(90)) == "sm90");
  CHECK(tuning_for_family(sm_family(120)) == "computed");
  CHECK(tuning_for_family("host") == "computed");
  CHECK(tuning_for_family("") == "computed");
}

TEST_CASE("a tuning file becomes part of the configuration, so that nobody reads it again") {
  const ScratchFolder folder;
  const auto path = folder / "t.json";
  write_text(path, good().dump());
  const auto config = resolve(nullptr, {{"tuning", path}});
  CHECK(config.tuning.name == "file");
  CHECK(config.tuning.algorithm_for(4, "allreduce", DType::bf16, 64) == "one_shot");
  write_text(path, "gone");
  const auto again = config_from_text(config.config_text);
  CHECK(again.config_text == config.config_text);
  CHECK(again.tuning.entries.size() == 2);
  CHECK(repro_command(config, {.program = "/b", .typed = {{"tuning", path}}, .world_size = 4}) ==
        "mpirun -n 4 /b run --tuning " + std::filesystem::path(path).string());
}

TEST_CASE("auto is left open until the device is known; then the configuration says which table it was") {
  const auto open = resolve(nullptr, Json::object());
  CHECK(open.tuning.name == "auto");
  CHECK(open.tuning.entries.empty());
  const auto decided = with_tuning(open, "sm90");
  CHECK(decided.tuning.name == "sm90");
  CHECK_FALSE(decided.tuning.entries.empty());
  CHECK(Json::parse(decided.config_text).at("tuning") == "sm90");
  CHECK(config_from_text(decided.config_text).config_text == decided.config_text);
  CHECK(with_tuning(open, "computed").tuning.entries.empty());
  CHECK(resolve(nullptr, {{"tuning", "computed"}}).tuning.name == "computed");
}

TEST_CASE("a tuning that is no name and no file, or a broken file, is refused") {
  const ScratchFolder folder;
  const auto refused = [](const Json& typed) { return failure_of([&] { (void)resolve(nullptr, typed); }).detail; };
  CHECK(refused({{"tuning", "sm91"}}) == "--tuning 'sm91': not a file, and not one of auto, computed, sm90");
  const auto path = folder / "t.json";
  write_text(path, "{\n");
  CHECK(refused({{"tuning", path}}).starts_with("tuning file " + path + ": line 2"));
  write_text(path, table_with("/tables/0/world_size", 99).dump());
  CHECK(refused({{"tuning", path}}) ==
        "--tuning '" + path + "': tables[0].world_size: '99': must be a whole number from 2 to 72");
  CHECK(refused({{"tuning", folder.path()}}).find("not a file, and not one of") != std::string::npos);
  const Json config{{"tuning", table_with("/tables/0/world_size", 99)}};
  CHECK(failure_of([&] { (void)resolve(&config, Json::object(), {.file_name = "config file x.json"}); }).detail ==
        "config file x.json: tuning.tables[0].world_size: '99': must be a whole number from 2 to 72");
}

TEST_CASE("a run with --tune takes its own algorithms, and says where its table goes") {
  const Json file{{"algorithm", "two_shot_barrier"}};
  const auto config = resolve(&file, {{"tune", "on"}, {"output_dir", "out"}});
  CHECK(config.sweeps.at(0).algorithms == std::vector<std::string>{"one_shot", "two_shot"});
  CHECK(output_path(config, OutputFileKind::tuning) == "out/tuning.json");
  CHECK(output_path(config, OutputFileKind::report) == "out/report.json");
  CHECK(config_from_text(config.config_text).config_text == config.config_text);
  CHECK(output_path(resolve(nullptr, {{"tune", "on"}}), OutputFileKind::tuning) == "./tuning.json");
  CHECK(output_path(resolve(nullptr, {{"tune", "on"}}), OutputFileKind::report) == std::nullopt);
  CHECK(output_path(resolve(nullptr, {{"output_dir", "out"}, {"report", "r.json"}}), OutputFileKind::report) ==
        "r.json");
  CHECK(output_path(resolve(nullptr, {{"output_dir", "out"}}), OutputFileKind::tuning) == std::nullopt);
  const auto refused = [](const Json& typed) { return failure_of([&] { (void)resolve(nullptr, typed); }).detail; };
  CHECK(refused({{"tune", "on"}, {"algorithm", "one_shot"}}) ==
        "--algorithm 'one_shot': must not be combined with --tune, which measures one_shot and two_shot, and "
        "two_shot_barrier where neither can run");
  CHECK(refused({{"tune", "on"}, {"report", "tuning.json"}}) ==
        "--report 'tuning.json': must not be the file that --tune writes its tuning table to");
}
