#include "config/resolve.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/config_file.hpp"
#include "config/options.hpp"
#include "config/repro.hpp"
#include "config/sizes.hpp"
#include "tests/support/failures.hpp"

using namespace symmbench;

namespace {

std::string all_patterns() { return fmt::format("{}", fmt::join(names_now(option("pattern")), ",")); }

RunConfig with(const Json& command_line) { return resolve(nullptr, command_line); }

RunConfig with(const char* file, const Json& command_line = Json::object()) {
  const auto json = Json::parse(file);
  return resolve(&json, command_line);
}

/// A file that exists for one test.
struct TemporaryFile {
  std::string path;
  explicit TemporaryFile(const std::string& text)
      : path(std::filesystem::temp_directory_path() / ("symmbench_config_" + std::to_string(::getpid()) + ".json")) {
    std::ofstream(path) << text;
  }
  ~TemporaryFile() { std::filesystem::remove(path); }
};

}  // namespace

TEST_CASE("allocators can be asked for by the names that tables have") {
  CHECK(with(Json{{"allocator", "symm,torch,ipc"}}).sweeps.front().allocators ==
        std::vector<std::string>{"symm_device_memory", "torch_symm_mem", "cuda_ipc"});
}

TEST_CASE("a percentage is one in a file and on the command line, with or without its sign") {
  for (const char* file : {R"({"baseline": "a", "max_regress": "2.5%"})", R"({"baseline": "a", "max_regress": 2.5})",
                           R"({"baseline": "a", "max_regress": "2.5"})"}) {
    CHECK(with(file).max_regress == 2.5);
  }
}

TEST_CASE("a bare run compares both allocators over both algorithms and a handful of sizes") {
  const auto config = with(Json::object());
  REQUIRE(config.sweeps.size() == 1);
  const auto& sweep = config.sweeps.front();
  CHECK(sweep.workspaces == std::vector<std::string>{"trtllm_fusion"});
  CHECK(sweep.allocators == std::vector<std::string>{"symm_device_memory", "torch_symm_mem"});
  CHECK(sweep.handles == std::vector<std::string>{"auto"});
  CHECK(sweep.algorithms == std::vector<std::string>{"one_shot", "two_shot"});
  CHECK(sweep.patterns == std::vector<std::string>{"allreduce"});
  CHECK(sweep.dtypes == std::vector<DType>{DType::bf16});
  CHECK(sweep.in_place == std::vector<bool>{false});
  CHECK(sweep.hidden == std::vector<std::uint64_t>{8192});
  CHECK(sweep.tokens.empty());
  CHECK(sizes_of(sweep) == std::vector<std::uint64_t>{1024, 4096, 16384, 65536, 262144, 1048576});
  CHECK_FALSE(sweep.iters);
  CHECK(sweep.parameters.epsilon == 1e-6f);
  CHECK(config.lifecycles > 0);
  CHECK(config.device == DeviceChoice::automatic);
  CHECK(config.check == CheckMode::on);
  CHECK(config.isolation == Isolation::process);
  CHECK(config.format == OutputFormat::table);
  CHECK(config.timeout_s == 20);
  CHECK(config.outputs.empty());
}

TEST_CASE("what is typed reaches the configuration in its own unit") {
  const auto config = with({{"minbytes", "1.5K"},      {"maxbytes", "2MiB"},
                            {"stepbytes", "512K"},     {"iters", "7"},
                            {"warmup_iters", "0"},     {"check", "0"},
                            {"datatype", "fp32,fp16"}, {"cudagraph", "10"},
                            {"timeout", "1500ms"},     {"report", "out dir/r.json"},
                            {"device", "host"},        {"handle", "posix_fd"},
                            {"in_place", "off,on"},    {"hidden", "64,128"},
                            {"group_size", "2"},       {"seed", "9007199254740991"},
                            {"placements", "12"},      {"strict", "on"},
                            {"isolation", "none"},     {"deadline_scale", "2.5"},
                            {"time_limit", "10m"},     {"ci_width", "0.1"},
                            {"format", "nccl"},        {"raw_samples", "on"},
                            {"journal", "j"},          {"skip_if_unsupported", "on"},
                            {"weight_bias", "1"},      {"epsilon", "1e-5"},
                            {"quant_scale", "0.5"},    {"global_scale", "896"},
                            {"quant_group", "64"},     {"scale_layout", "8x4"},
                            {"experts", "4"},          {"top_k", "6"},
                            {"routed_scaling", "2.5"}, {"blocks", "8"},
                            {"threads", "256"},        {"pdl", "off"},
                            {"accumulate", "storage"}, {"buffers", "5"},
                            {"lifecycles", "0"},       {"pattern", all_patterns()}});
  const auto& sweep = config.sweeps.front();
  CHECK(sizes_of(sweep) == std::vector<std::uint64_t>{1536, 525824, 1050112, 1574400});
  CHECK(sweep.step_factor == 0);
  CHECK(sweep.iters == 7);
  CHECK(sweep.warmup_iters == 0);
  CHECK(sweep.dtypes == std::vector<DType>{DType::fp32, DType::fp16});
  CHECK(sweep.cudagraph == 10);
  CHECK(sweep.handles == std::vector<std::string>{"posix_fd"});
  CHECK(sweep.in_place == std::vector<bool>{false, true});
  CHECK(sweep.hidden == std::vector<std::uint64_t>{64, 128});
  CHECK(sweep.parameters.weight_bias == 1);
  CHECK(sweep.parameters.epsilon == 1e-5f);
  CHECK(sweep.parameters.quant_scale == 0.5f);
  CHECK(sweep.parameters.global_scale == 896.0f);
  CHECK(sweep.parameters.quant_group == 64);
  CHECK(sweep.parameters.scale_layout == ScaleLayout::tiles_8x4);
  CHECK(sweep.parameters.experts == 4);
  CHECK(sweep.parameters.top_k == 6);
  CHECK(sweep.parameters.routed_scaling == 2.5f);
  CHECK(sweep.blocks == 8);
  CHECK(sweep.threads == 256);
  CHECK(sweep.buffers == 5);
  CHECK_FALSE(sweep.pdl);
  CHECK(sweep.accumulation == Accumulation::storage);
  CHECK(sweep.trigger == TriggerPoint::early);
  CHECK(config.check == CheckMode::off);
  CHECK(config.timeout_s == 1.5);
  CHECK(output_path(config, OutputFileKind::report) == "out dir/r.json");
  CHECK(config.journal_path == "j");
  CHECK(config.device == DeviceChoice::host);
  CHECK(config.group_size == 2);
  CHECK(config.seed == 9007199254740991u);
  CHECK(config.strict);
  CHECK(config.skip_if_unsupported);
  CHECK(config.raw_samples);
  CHECK(config.isolation == Isolation::none);
  CHECK(config.deadline_scale == 2.5);
  CHECK(config.placements == 12);
  CHECK(config.time_limit_s == 600);
  CHECK(config.ci_width == 0.1);
  CHECK(config.format == OutputFormat::nccl);
  CHECK(config.lifecycles == 0);
}

TEST_CASE("the command line wins over the sweep, the sweep over the file's top level, that over the defaults") {
  const char* file = R"({"iters": 20, "hidden": 1024, "lifecycles": 5, "description": "x", "$schema": "y",
                         "sweeps": [{"iters": 30, "description": "z"}, {"datatype": ["fp16"]}]})";
  const auto config = with(file);
  REQUIRE(config.sweeps.size() == 2);
  CHECK(config.sweeps[0].iters == 30);
  CHECK(config.sweeps[1].iters == 20);
  CHECK(config.sweeps[0].hidden == std::vector<std::uint64_t>{1024});
  CHECK(config.sweeps[0].dtypes == std::vector<DType>{DType::bf16});
  CHECK(config.sweeps[1].dtypes == std::vector<DType>{DType::fp16});
  CHECK(config.lifecycles == 5);

  const auto typed = with(file, {{"iters", "40"}, {"lifecycles", "1"}});
  CHECK(typed.sweeps[0].iters == 40);
  CHECK(typed.sweeps[1].iters == 40);
  CHECK(typed.lifecycles == 1);
}

TEST_CASE("a soak replaces a number of lifecycles that was given below it, and the other way round") {
  CHECK(with("{}").soak_s == 0);
  const auto soak = with(R"({"lifecycles": 5})", {{"soak", "1.5m"}});
  CHECK(soak.soak_s == 90);
  CHECK(soak.lifecycles == 1);
  CHECK(config_from_text(soak.config_text).soak_s == 90);
  const auto counted = with(R"({"soak": "2h"})", {{"lifecycles", "7"}});
  CHECK(counted.soak_s == 0);
  CHECK(counted.lifecycles == 7);
  CHECK(config_from_text(counted.config_text).soak_s == 0);
}

TEST_CASE("one workspace at a time stands in a lifecycle unless more are asked for") {
  CHECK(with("{}").concurrent == 1);
  CHECK(with(R"({"concurrent": 4})").concurrent == 4);
  CHECK(failure_of([] { with(R"({"concurrent": 0})"); }).reason == Reason::invalid_argument);
}

TEST_CASE("lifecycles under memory pressure are asked for by number") {
  CHECK_FALSE(with("{}").memory_pressure);
  CHECK(with(R"({"memory_pressure": true})").memory_pressure);
  CHECK(failure_of([] {
          with(R"({"soak": "2h"})", {{"memory_pressure", "on"}});
        }).detail == "--memory-pressure: must not be combined with --soak: give --lifecycles N");
}

TEST_CASE("fresh lifecycles are asked for by number") {
  CHECK_FALSE(with("{}").lifecycle_fresh);
  CHECK(with(R"({"lifecycle_fresh": true})").lifecycle_fresh);
  CHECK(failure_of([] {
          with(R"({"soak": "2h"})", {{"lifecycle_fresh", "on"}});
        }).detail == "--lifecycle-fresh: must not be combined with --soak: give --lifecycles N");
}

TEST_CASE("a flag of the file can be taken back on the command line") {
  CHECK(with(R"({"strict": true})").strict);
  CHECK_FALSE(with(R"({"strict": true})", {{"strict", "off"}}).strict);
}

TEST_CASE("tokens of one layer replace sizes of the layers below, and the other way round") {
  CHECK(with(R"({"minbytes": "4K", "sweeps": [{"tokens": [1, 2]}]})").sweeps[0].tokens ==
        std::vector<std::uint64_t>{1, 2});
  const auto sizes = with(R"({"tokens": [1, 2]})", {{"minbytes", "4K"}, {"maxbytes", "8K"}}).sweeps[0];
  CHECK(sizes.tokens.empty());
  CHECK(sizes.min_bytes == 4096);
  const auto steps = with(R"({"stepbytes": "1K"})", {{"stepfactor", "2"}}).sweeps[0];
  CHECK(steps.step_bytes == 0);
  CHECK(steps.step_factor == 2);
}

TEST_CASE("tokens replaced by sizes that the same layer leaves open fall back to defaults") {
  const auto sweep = with(R"({"tokens": [1, 2]})", {{"minbytes", "4K"}}).sweeps[0];
  CHECK(sweep.min_bytes == 4096);
  CHECK(sweep.max_bytes == 1 << 20);
  CHECK(sweep.step_factor == 4);
}

TEST_CASE("the configuration text is a config file that resolves to the same configuration") {
  const char* file = R"({"timeout": "5s", "sweeps": [{"tokens": [1, 8], "datatype": "fp32"},
                         {"stepbytes": "64K", "in_place": [false, true], "weight_bias": 1, "epsilon": 1e-5,
                          "pattern": ["allreduce", "residual_rmsnorm"]}]})";
  for (const auto& config : {with(Json::object()), with(file), with(file, {{"iters", "3"}, {"report", "r.json"}})}) {
    const auto again = config_from_text(config.config_text);
    CHECK(again.config_text == config.config_text);
    CHECK(again.sweeps.size() == config.sweeps.size());
    CHECK(again.sweeps.back().tokens == config.sweeps.back().tokens);
    CHECK(again.timeout_s == config.timeout_s);
    CHECK(again.outputs == config.outputs);
  }
}

TEST_CASE("the configuration text does not depend on the order or spelling in which it was given") {
  CHECK(with({{"minbytes", "4K"}, {"datatype", "fp16"}}).config_text ==
        with({{"datatype", "fp16"}, {"minbytes", "4096"}}).config_text);
  CHECK(with(R"({"timeout": 5})").config_text == with(R"({"timeout": "5000ms"})").config_text);
  CHECK(with({{"iters", "4"}}).config_text != with({{"iters", "5"}}).config_text);
}

TEST_CASE("allocator upstream is what the library would take in this environment") {
  const Json asked{{"allocator", "upstream"}};
  CHECK(resolve(nullptr, asked, {.upstream_is_torch = false}).sweeps[0].allocators ==
        std::vector<std::string>{"symm_device_memory"});
  CHECK(resolve(nullptr, asked, {.upstream_is_torch = true}).sweeps[0].allocators ==
        std::vector<std::string>{"torch_symm_mem"});
  CHECK(
      resolve(nullptr, {{"allocator", "torch_symm_mem,upstream"}}, {.upstream_is_torch = true}).sweeps[0].allocators ==
      std::vector<std::string>{"torch_symm_mem"});

  const char* variable = "FLASHINFER_TRTLLM_AR_USE_TORCH_SYMM_MEM";
  ::setenv(variable, "1", 1);
  CHECK(context_from_environment(std::nullopt).upstream_is_torch);
  ::setenv(variable, "0", 1);
  CHECK_FALSE(context_from_environment(std::nullopt).upstream_is_torch);
  ::unsetenv(variable);
  CHECK_FALSE(context_from_environment(std::nullopt).upstream_is_torch);
}

TEST_CASE("sizes grow by factor or step up to and including the largest") {
  const auto sizes = [](const Json& typed) { return sizes_of(with(typed).sweeps[0]); };
  CHECK(sizes({{"minbytes", "64"}, {"maxbytes", "64"}}) == std::vector<std::uint64_t>{64});
  CHECK(sizes({{"minbytes", "1"}, {"maxbytes", "4"}, {"stepfactor", "1.1"}}) == std::vector<std::uint64_t>{1, 2, 3, 4});
  CHECK(sizes({{"minbytes", "10"}, {"maxbytes", "40"}, {"stepbytes", "15"}}) == std::vector<std::uint64_t>{10, 25, 40});
  CHECK(sizes({{"minbytes", "1K"}, {"maxbytes", "1T"}, {"stepfactor", "1e12"}}) == std::vector<std::uint64_t>{1024});
}

TEST_CASE("the repro command names what differs from the defaults and gives the same sweeps back") {
  const auto repro = [](const RunConfig& config) {
    return repro_command(config, {.program = "/opt/symm bench", .typed = {}, .world_size = 2});
  };
  const std::string start = "mpirun -n 2 '/opt/symm bench' run";
  CHECK(repro(with(Json::object())) == start);
  CHECK(repro(with({{"minbytes", "4K"}, {"strict", "on"}, {"report", "r.json"}, {"check", "off"}})) ==
        start + " --minbytes 4096 --check off --strict");
  CHECK(repro(with({{"datatype", "fp16,fp32"}, {"in_place", "off,on"}, {"tokens", "1,2"}})) ==
        start + " --datatype fp16,fp32 --in-place off,on --tokens 1,2");
}

TEST_CASE("where options alone cannot say it, the repro command is what was typed, with its files made absolute") {
  const TemporaryFile file(R"({"sweeps": [{}, {"datatype": "fp16"}]})");
  const auto directory = std::filesystem::path(file.path).parent_path();
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(directory);
  const auto name = std::filesystem::path(file.path).filename().string();
  const auto line = repro_command(
      with(R"({"sweeps": [{}, {"datatype": "fp16"}]})"),
      {.program = "/b",
       .typed =
           {{"config", name}, {"report", "a.json"}, {"csv", "on"}, {"iters", "5"}, {"tune", "true"}, {"strict", "off"}},
       .world_size = 4});
  std::filesystem::current_path(before);
  CHECK(line == "mpirun -n 4 /b run --config " + (directory / name).string() + " --iters 5 --tune=on");
  CHECK(repro_command(with(R"({"sweeps": [{}, {}]})"),
                      {.program = "/b", .typed = {{"config", "quick"}, {"minbytes", "4K"}}, .world_size = 4}) ==
        "mpirun -n 4 /b run --config quick --minbytes 4K");
}

TEST_CASE("a config file that is no JSON is refused with line and column") {
  const TemporaryFile file("{\n  \"iters\": 5,\n  \"hidden\" 7\n}\n");
  const auto failure = failure_of([&] { (void)read_config_file(file.path); });
  CHECK(failure.layer == Layer::config);
  CHECK(failure.detail.find("config file " + file.path + ": line 3, column 12: not JSON") != std::string::npos);
}

TEST_CASE("a config file that gives a key twice is refused, also within a sweep") {
  CHECK(failure_of([&] {
          (void)read_config_file(TemporaryFile(R"({"iters": 5, "hidden": 7, "iters": 6})").path);
        }).detail.ends_with(": key 'iters' is given twice"));
  CHECK(failure_of([&] {
          (void)read_config_file(TemporaryFile(R"({"sweeps": [{"iters": 1}, {"hidden": 1, "hidden": 2}]})").path);
        }).detail.ends_with(": key 'hidden' is given twice"));
  CHECK_NOTHROW(read_config_file(TemporaryFile(R"({"iters": 1, "sweeps": [{"iters": 1}, {"iters": 2}]})").path));
}

TEST_CASE("a config file that cannot be read is an input error that names it") {
  const auto missing = failure_of([] { (void)read_config_file("/nonexistent/x.json"); });
  CHECK(missing.reason == Reason::io_error);
  CHECK(missing.detail == "config file /nonexistent/x.json: cannot be read: No such file or directory");
  CHECK(failure_of([] { (void)read_config_file("/"); }).detail == "config file /: cannot be read: Is a directory");
}

TEST_CASE("nccl-tests' table has both halves unless one was asked for, wherever that was said") {
  const std::vector<bool> both{false, true}, out{false}, in{true};
  const auto places = [](const RunConfig& config) { return config.sweeps.at(0).in_place; };
  CHECK(places(with(Json::object())) == out);
  CHECK(places(with({{"format", "nccl"}})) == both);
  CHECK(places(with({{"format", "nccl"}, {"in_place", "on"}})) == in);
  CHECK(places(with(R"({"in_place": false})", {{"format", "nccl"}})) == out);
  CHECK(places(with(R"({"sweeps": [{"in_place": true}]})", {{"format", "nccl"}})) == in);
  CHECK(places(with({{"format", "nccl"}, {"pattern", "residual_rmsnorm"}})) == out);
  const auto config = with({{"format", "nccl"}});
  CHECK(config_from_text(config.config_text).config_text == config.config_text);
}

TEST_CASE("a gate on bandwidth is refused where there is none, and the size of a workspace is said one way") {
  CHECK(with({{"min_busbw", "360"}}).min_busbw_gbs == 360);
  CHECK(failure_of([] {
          (void)with({{"min_busbw", "360"}, {"device", "host"}});
        }).detail == "--min-busbw '360': must not be combined with --device host: an emulated device has no bandwidth");
  CHECK(with({{"workspace_tokens", "131072"}}).sweeps.at(0).workspace_tokens == 131072);
  CHECK(with({{"workspace_bytes", "1G"}}).sweeps.at(0).workspace_bytes == std::uint64_t{1} << 30);
  CHECK(failure_of([] {
          (void)with({{"workspace_tokens", "4"}, {"workspace_bytes", "1G"}});
        }).detail.starts_with("--workspace-tokens '4': must not be combined with --workspace-bytes '1G'"));
  const auto over = with(R"({"workspace_tokens": 7})", {{"workspace_bytes", "1G"}}).sweeps.at(0);
  CHECK(over.workspace_tokens == 0);
}

TEST_CASE("an output goes where its option says, or under its standard name in the output folder") {
  CHECK(output_path(with({{"csv", "x.csv"}}), OutputFileKind::csv) == "x.csv");
  CHECK(output_path(with({{"csv", "on"}, {"output_dir", "out"}}), OutputFileKind::csv) == "out/rows.csv");
  CHECK(output_path(with({{"junit", "j.xml"}, {"output_dir", "out"}}), OutputFileKind::junit) == "j.xml");
  CHECK(output_path(with({{"output_dir", "out"}}), OutputFileKind::csv) == std::nullopt);
  CHECK(output_path(with(R"({"csv": true, "output_dir": "out"})"), OutputFileKind::csv) == "out/rows.csv");
  CHECK(output_path(with(R"({"csv": "y.csv"})"), OutputFileKind::csv) == "y.csv");
  CHECK(output_path(with(R"({"csv": "y.csv"})", {{"csv", "off"}}), OutputFileKind::csv) == std::nullopt);
  const auto again = config_from_text(with({{"csv", "on"}, {"output_dir", "out"}}).config_text);
  CHECK(output_path(again, OutputFileKind::csv) == "out/rows.csv");
}
