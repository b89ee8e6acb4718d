#include "app/cli.hpp"

#include <fmt/ranges.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>

#include "app/command_list.hpp"
#include "config/options.hpp"
#include "config/repro.hpp"
#include "config/resolve.hpp"
#include "core/text.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/failures.hpp"

using namespace symmbench;

namespace {

using Words = std::vector<std::string>;

std::string refusal(const Words& words) {
  const auto failure = failure_of([&] { (void)parse_command_line(words); });
  CHECK(failure.layer == Layer::config);
  return failure.detail;
}

/// "run" and the words of one line.
ParsedCommand run(Words words) {
  words.insert(words.begin(), "run");
  return parse_command_line(words);
}

std::string run_refusal(Words words) {
  words.insert(words.begin(), "run");
  const auto detail = refusal(words);
  const std::string prefix = "symmbench run: ";
  CHECK(detail.starts_with(prefix));
  return detail.substr(std::min(prefix.size(), detail.size()));
}

}  // namespace

TEST_CASE("the letters of nccl-tests mean what they mean there") {
  const auto parsed = run({"-b", "1K", "-e", "1M",   "-f", "2", "-n", "20", "-w", "5",
                           "-c", "1",  "-d", "fp16", "-G", "4", "-T", "30", "-J", "r.json"});
  CHECK(parsed.command == "run");
  const auto& sweep = parsed.config.sweeps.at(0);
  CHECK(sweep.min_bytes == 1024);
  CHECK(sweep.max_bytes == 1 << 20);
  CHECK(sweep.step_factor == 2);
  CHECK(sweep.iters == 20);
  CHECK(sweep.warmup_iters == 5);
  CHECK(sweep.cudagraph == 4);
  CHECK(sweep.dtypes == std::vector<DType>{DType::fp16});
  CHECK(parsed.config.timeout_s == 30);
  CHECK(output_path(parsed.config, OutputFileKind::report) == "r.json");
  CHECK(run({"-b1K", "-e2K", "-i", "1K", "-n20"}).config.sweeps.at(0).step_bytes == 1024);
}

TEST_CASE("a command line of nccl-tests is accepted where it asks for what runs anyway") {
  const auto parsed =
      run({"-b", "8", "-e", "128M", "-f", "2", "-g", "1", "-t", "1", "-o", "sum", "-d", "float", "-c", "20"});
  CHECK(parsed.config.sweeps.at(0).dtypes == std::vector<DType>{DType::fp32});
  CHECK(parsed.notes.empty());
  CHECK(run({"--nthreads", "1", "--ngpus=1", "--op", "sum", "--parallel_init", "0", "-K", "0", "-I0", "-r", "3"})
            .notes.empty());
  CHECK(run({"-d", "half,bfloat16"}).config.sweeps.at(0).dtypes == std::vector<DType>{DType::fp16, DType::bf16});
  const auto stepped = run({"-b", "1K", "-e", "4K", "-i", "1K", "-f", "1"});
  CHECK(stepped.config.sweeps.at(0).step_bytes == 1024);
}

TEST_CASE("what differs from nccl-tests is told, and what does not exist here is refused with what to do") {
  CHECK(contains(run({"-a", "1"}).notes.at(0), "-a '1': times are those of the slowest rank here"));
  CHECK(contains(run({"-G", "4"}).notes.at(0), "iterations in one graph"));
  CHECK(contains(run_refusal({"-g", "8"}),
                 "-g '8': one rank has one GPU here: start more ranks, mpirun -n N (allowed: 1)"));
  CHECK(run_refusal({"-t", "2"}).starts_with("-t '2': a rank is a process here"));
  CHECK(run_refusal({"-t2"}).starts_with("-t '2': a rank is a process here"));
  CHECK(contains(run_refusal({"-o", "max"}), "allreduce sums here"));
  CHECK(contains(run_refusal({"-x", "1"}), "--blocks N"));
  CHECK(contains(run_refusal({"-T", "0"}), "must be at least 0.001 s"));
  CHECK(contains(run_refusal({"-g"}), "-g: needs a value"));
  CHECK(contains(run_refusal({"-f", "1"}), "must be greater than 1"));
}

TEST_CASE("an option of nccl-tests that is refused is named as it was typed, by letter or by name") {
  for (const NcclTestsOption& option : nccl_tests_options()) {
    if (option.same == "*") continue;
    const auto letter = std::string("-") + option.letter;
    CHECK(run_refusal({letter, "77"}).starts_with(letter + " '77': "));
    if (option.name.empty()) continue;
    const auto name = option.flag_name();
    CHECK(run_refusal({name, "77"}).starts_with(name + " '77': "));
    CHECK(run_refusal({name + "=77"}).starts_with(name + " '77': "));
  }
  CHECK(contains(run_refusal({"-t", "1", "--nthreads", "1"}), "--nthreads: given 2 times"));
}

TEST_CASE("a gate or a split of nccl-tests in the environment is never ignored") {
  for (const char* name : {"NCCL_TESTS_SPLIT", "NCCL_TESTS_DEVICE"}) {
    REQUIRE(setenv(name, "DIV 2", 1) == 0);
    const auto said = run_refusal({});
    unsetenv(name);
    CHECK(contains(said, std::string(name) + "='DIV 2' in the environment"));
  }
  REQUIRE(setenv("NCCL_TESTS_SPLIT", "", 1) == 0);
  CHECK(run({}).command == "run");
  unsetenv("NCCL_TESTS_SPLIT");
}

TEST_CASE("the bandwidth gate of nccl-tests is the one here, with its allowance") {
  const auto with_gate = [](const char* value, const Words& words, auto&& look) {
    REQUIRE(setenv("NCCL_TESTS_MIN_BW", value, 1) == 0);
    look(words);
    unsetenv("NCCL_TESTS_MIN_BW");
  };
  with_gate("400", {}, [](const Words& words) {
    const auto parsed = run(words);
    CHECK(parsed.config.min_busbw_gbs == 360);
    CHECK(contains(parsed.notes.at(0), "NCCL_TESTS_MIN_BW='400' in the environment: each series must reach 0.9 of it"));
    CHECK(contains(repro_command(parsed.config, {.program = "b", .typed = parsed.typed, .world_size = 2}),
                   "--min-busbw 360"));
  });
  with_gate("0", {}, [](const Words& words) { CHECK(run(words).config.min_busbw_gbs == 0); });
  with_gate("400", {"--device", "host"}, [](const Words& words) {
    CHECK(run_refusal(words) ==
          "NCCL_TESTS_MIN_BW='400' in the environment: --min-busbw '360': must not be combined with "
          "--device host: an emulated device has no bandwidth");
  });
  with_gate("400", {"--min-busbw", "3"},
            [](const Words& words) { CHECK(contains(run_refusal(words), "must not be combined with --min-busbw")); });
  for (const char* nonsense : {"fast", "400GB", "-1", "nan", "1e300"}) {
    with_gate(nonsense, {},
              [](const Words& words) { CHECK(contains(run_refusal(words), "must be a number of GB/s")); });
  }
}

TEST_CASE("help with a command's name is that command's help") {
  CHECK(parse_command_line({"help", "run"}).text == parse_command_line({"run", "--help"}).text);
  CHECK(contains(refusal({"help", "rnu"}), "did you mean run?"));
}

TEST_CASE("no line of any help is wider than 80 columns") {
  for (const auto& command : command_table()) {
    const auto text = help_of(command) + help_of_tool();
    for (const auto& line : split_list(text, '\n')) {
      CAPTURE(command.name, line);
      CHECK(line.size() <= 80);
    }
  }
}

TEST_CASE("what is loud and what is quiet is said one way, and an emulated device shows no bandwidth") {
  CHECK(run({"-v"}).config.verbose);
  CHECK(run_refusal({"-v", "--quiet"}) == "--quiet: must not be combined with --verbose");
  CHECK(run({"--columns", "busbw,algbw"}).config.columns ==
        std::vector<TableFigure>{TableFigure::busbw, TableFigure::algbw});
  CHECK(run_refusal({"--columns", "busbw", "--device", "host"}) ==
        "--columns 'busbw': must not be combined with --device host: an emulated device has no bandwidth");
  CHECK(contains(run_refusal({"--columns", "busbandwidth"}), "not one of algbw, busbw, of_limit"));
}

TEST_CASE("every long option is accepted with dashes and with underscores, value apart or joined") {
  for (const auto& words : {Words{"--warmup-iters", "7"}, Words{"--warmup_iters", "7"}, Words{"--warmup-iters=7"},
                            Words{"--warmup_iters=7"}, Words{"-w7"}, Words{"-w", "7"}}) {
    CAPTURE(words);
    CHECK(run(words).config.sweeps.at(0).warmup_iters == 7);
  }
  CHECK(output_path(run({"--report=a_b=c.json"}).config, OutputFileKind::report) == "a_b=c.json");
  CHECK(run({"--skip_if_unsupported"}).config.skip_if_unsupported);
}

TEST_CASE("flags stand alone or take a value that is joined") {
  CHECK(run({"--strict"}).config.strict);
  CHECK_FALSE(run({"--strict=off"}).config.strict);
  CHECK(run({"--plan"}).plan_only);
  CHECK_FALSE(run({}).plan_only);
  CHECK(run_refusal({"--strict=maybe"}) == "--strict 'maybe': not one of on, off, 1, 0");
}

TEST_CASE("an option of an output takes a file name, or stands alone beside --output-dir") {
  const auto all =
      run({"--junit", "--csv", "-n", "5", "--jsonl", "lines", "--output-dir", "out", "--prometheus"}).config;
  CHECK(output_path(all, OutputFileKind::junit) == "out/junit.xml");
  CHECK(output_path(all, OutputFileKind::csv) == "out/rows.csv");
  CHECK(output_path(all, OutputFileKind::jsonl) == "lines");
  CHECK(output_path(all, OutputFileKind::prometheus) == "out/metrics.prom");
  CHECK(all.sweeps.at(0).iters == 5);
  CHECK(run_refusal({"--csv"}) == "--csv: needs a file name, or --output-dir for its rows.csv");
  CHECK(run_refusal({"--csv", "-"}) == "--csv '-': must be a file: stdout has the table");
  CHECK(run_refusal({"--csv="}) == "--csv '': must not be empty");
}

TEST_CASE("a command line that cannot be right is refused with one line that says why") {
  const std::pair<Words, const char*> rows[] = {
      {{"--itres", "5"}, "--itres: unknown option; did you mean --iters?"},
      {{"--warmup_itres=5"}, "--warmup-itres: unknown option; did you mean --warmup-iters?"},
      {{"--frobnicate"}, "--frobnicate: unknown option; see --help"},
      {{"-q"}, "-q: unknown option; see --help"},
      {{"-5"}, "-5: unknown option; see --help"},
      {{"--ranks", "4"}, "--ranks: unknown option; see --help"},
      {{"extra"}, "'extra': not an option; see --help"},
      {{"--strict", "off"}, "'off': not an option; see --help"},
      {{"-n", "5", "6"}, "'6': not an option; see --help"},
      {{"-n"}, "-n: needs a value"},
      {{"--iters"}, "--iters: needs a value"},
      {{"--report", "--strict"}, "--report: needs a value, and '--strict' is an option"},
      {{"-J", "-n", "5"}, "-J: needs a value, and '-n' is an option"},
      {{"--iters="}, "--iters '': must not be empty"},
      {{"-d", ""}, "-d '': must not be empty"},
      {{"-n", "1", "-n", "2"}, "--iters: given 2 times; give it once"},
      {{"-n", "1", "--iters=1"}, "--iters: given 2 times; give it once"},
      {{"--strict", "--strict"}, "--strict: given 2 times; give it once"},
      {{"-n", "-5"}, "--iters '-5': must be at least 1"},
      {{"-n-5"}, "--iters '-5': must be at least 1"},
      {{"--iters=-5"}, "--iters '-5': must be at least 1"},
      {{"-n", "abc"}, "--iters 'abc': not a whole number"},
      {{"-n", "10x"}, "--iters '10x': not a whole number"},
      {{"-b", "-1K"}, "--minbytes '-1K': must be at least 1 B"},
      {{"-f", "0.5"}, "--stepfactor '0.5': must be greater than 1"},
      {{"-b", "2K", "-e", "1K"}, "--minbytes '2K': must not exceed --maxbytes '1K'"},
      {{"--soak", "0"}, "--soak '0': must be greater than 0 s"},
      {{"--tune", "--algorithm", "auto"},
       "--algorithm 'auto': must not be combined with --tune, which measures one_shot and two_shot, and "
       "two_shot_barrier where neither can run"},
      {{"--tuning", "sm9"}, "--tuning 'sm9': not a file, and not one of auto, computed, sm90"},
      {{"--config", "/nonexistent/c.json"}, nullptr},
  };
  for (const auto& [words, message] : rows) {
    CAPTURE(words);
    const auto detail = run_refusal(words);
    if (message) CHECK(detail == message);
  }
  CHECK(
      contains(run_refusal({"--config", "/nonexistent/c.json"}), "--config '/nonexistent/c.json': neither a file nor"));
}

TEST_CASE("a config file is read, and what is typed beside it wins") {
  const auto path = std::filesystem::temp_directory_path() / ("symmbench_cli_" + std::to_string(::getpid()) + ".json");
  std::ofstream(path) << R"({"iters": 5, "sweeps": [{"datatype": "fp16"}, {"datatype": "fp32"}]})";
  const auto parsed = run({"--config", path.string(), "-w", "2"});
  CHECK(parsed.config_path == path.string());
  REQUIRE(parsed.config.sweeps.size() == 2);
  CHECK(parsed.config.sweeps[1].iters == 5);
  CHECK(parsed.config.sweeps[1].warmup_iters == 2);
  CHECK(run({"--config", path.string(), "-n", "9"}).config.sweeps[0].iters == 9);

  std::ofstream(path) << R"({"iters": 5, "hiden": 4})";
  CHECK(run_refusal({"--config", path.string()}) ==
        "config file " + path.string() + ": hiden (line 1): unknown key; did you mean 'hidden'?");
  std::ofstream(path) << "{\"iters\": 5,\n \"hidden\"}";
  CHECK(contains(run_refusal({"--config", path.string()}), ": line 2, column 10: not JSON"));
  std::filesystem::remove(path);
}

TEST_CASE("the tool names its commands, and the one that was probably meant") {
  CHECK(refusal({}) == "symmbench: needs a command; see symmbench --help");
  CHECK(refusal({"rnu"}) == "symmbench: 'rnu' is not a command; did you mean run?; see symmbench --help");
  CHECK(refusal({"--frobnicate"}) == "symmbench: '--frobnicate' is not a command; see symmbench --help");
  const char* argv[] = {"symmbench", "run", "-n", "3"};
  CHECK(parse_command_line(4, argv).config.sweeps.at(0).iters == 3);
  CHECK(failure_of([&] { (void)parse_command_line(1, argv); }).detail.starts_with("symmbench: needs a command"));
}

TEST_CASE("list takes exactly one argument, validate one or more") {
  CHECK(parse_command_line({"list", "allocators", "--json"}).subjects == Words{"allocators"});
  CHECK(parse_command_line({"list", "--json", "allocators"}).json);
  CHECK_FALSE(parse_command_line({"list", "allocators"}).json);
  CHECK(parse_command_line({"validate", "r.json", "s.json"}).subjects == Words{"r.json", "s.json"});
  CHECK(refusal({"list"}) ==
        fmt::format("symmbench list: needs WHAT, one of {}; see --help", fmt::join(list_topics(), ", ")));
  CHECK(contains(*parse_command_line({"list", "--help"}).text, "WHAT: workspaces, allocators"));
  CHECK(refusal({"list", "a", "b"}) == "symmbench list: 'b': takes one WHAT, and has 'a'");
  CHECK(refusal({"validate"}) == "symmbench validate: needs FILE; see --help");
  CHECK(refusal({"validate", "a", "--json"}) == "symmbench validate: --json: unknown option; see --help");
}

TEST_CASE("salvage and bundle take what to read, and where to write") {
  for (const char* name : {"salvage", "bundle"}) {
    CAPTURE(name);
    const auto parsed = parse_command_line({name, "dir", "-o", "file"});
    CHECK(parsed.subjects == Words{"dir"});
    CHECK(parsed.output == "file");
    CHECK_FALSE(parsed.force);
    CHECK(parse_command_line({name, "--output=file", "--force", "dir"}).force);
    CHECK(refusal({name, "dir", "-o", "file", "--force=9"}) ==
          std::string("symmbench ") + name + ": --force '9': takes no value");
    CHECK(contains(*parse_command_line({name, "--help"}).text, "  -o, --output FILE"));
  }
}

TEST_CASE("plan takes the options of run beside its own") {
  const auto parsed = parse_command_line({"plan", "--ranks", "8", "--json", "-b", "4K"});
  CHECK(parsed.ranks == 8);
  CHECK(parsed.json);
  CHECK(parsed.config.sweeps.at(0).min_bytes == 4096);
  CHECK(parse_command_line({"plan"}).ranks == 4);
  CHECK(refusal({"plan", "--ranks", "0"}) == "symmbench plan: --ranks '0': must be at least 1");
  CHECK(refusal({"plan", "--ranks", "4x"}) == "symmbench plan: --ranks '4x': not a whole number");
  CHECK(refusal({"plan", "-f", "1"}) == "symmbench plan: --stepfactor '1': must be greater than 1");
}

TEST_CASE("the help of run tells every option with letter, default and allowed names") {
  const auto help = *parse_command_line({"run", "--help"}).text;
  CHECK(help == *parse_command_line({"run", "-n", "abc", "-h"}).text);
  for (const auto& spec : option_table()) {
    CAPTURE(spec.name);
    const auto at =
        help.find("  " + spec.flag_name() + (spec.argument.empty() ? "" : " " + std::string(spec.argument)));
    const auto with_letter = spec.letter ? help.find(std::string("  -") + spec.letter + ", " + spec.flag_name()) : 0;
    CHECK((spec.letter ? with_letter : at) != std::string::npos);
    if (!spec.default_text.empty()) {
      auto unwrapped = help;
      for (auto end = unwrapped.find('\n'); end != std::string::npos; end = unwrapped.find('\n', end)) {
        unwrapped.replace(end, unwrapped.find_first_not_of(" \n", end) - end, " ");
      }
      CHECK(contains(unwrapped, "default: " + std::string(spec.default_text) + "]"));
    }
    for (const auto& name : names_now(spec)) CHECK(contains(help, name));
  }
  for (const auto& shipped : shipped_tunings()) CHECK(contains(help, std::string(shipped.name)));
  for (const auto* code : {"\n  0 ", "\n  1 ", "\n  2 ", "\n  3 ", "\n  4 ", "\n  77 "}) CHECK(contains(help, code));
}

TEST_CASE("the tool's help tells every command and which are not in this version") {
  const auto help = *parse_command_line({"--help"}).text;
  CHECK(help == *parse_command_line({"-h"}).text);
  for (const auto& command : command_table()) {
    CAPTURE(command.name);
    CHECK(contains(help, "\n  " + std::string(command.name) + " "));
  }
  CHECK(contains(*parse_command_line({"--version"}).text, "symmbench 0."));
}

TEST_CASE("no line of any help is wider than a terminal of 120 columns") {
  std::string all = help_of_tool();
  for (const auto& command : command_table()) all += help_of(command);
  std::size_t start = 0;
  for (auto end = all.find('\n'); end != std::string::npos; end = all.find('\n', start)) {
    CHECK(end - start <= 120);
    start = end + 1;
  }
}

TEST_CASE("the repro command is itself a command line that gives the same configuration") {
  for (const auto& words :
       {Words{}, Words{"-b", "4K", "-e", "64K", "-i", "4K", "--strict", "-c", "0", "--format", "nccl"},
        Words{"--tune", "-b", "4K"}, Words{"--tuning", "sm90", "--algorithm", "auto"},
        Words{"--tokens", "1,3", "--hidden", "64,128", "-d", "fp16,fp32", "--in-place", "on,off", "--timeout", "1500ms",
              "--pattern", "allreduce,residual_rmsnorm", "--epsilon", "1e-5", "--seed", "9007199254740991"}}) {
    CAPTURE(words);
    const auto parsed = run(words);
    const auto& config = parsed.config;
    const auto line = repro_command(config, {.program = "symmbench", .typed = parsed.typed, .world_size = 4});
    CAPTURE(line);
    Words again;
    for (std::size_t at = 0; at != std::string::npos;) {
      const auto end = line.find(' ', at);
      again.push_back(line.substr(at, end - at));
      at = end == std::string::npos ? end : end + 1;
    }
    REQUIRE(Words(again.begin(), again.begin() + 4) == Words{"mpirun", "-n", "4", "symmbench"});
    CHECK(parse_command_line(Words(again.begin() + 4, again.end())).config.config_text == config.config_text);
  }
}
