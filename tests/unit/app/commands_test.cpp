#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "app/cli.hpp"
#include "app/command_list.hpp"
#include "app/command_plan.hpp"
#include "app/command_validate.hpp"
#include "config/resolve.hpp"
#include "job/plan_text.hpp"
#include "memory/allocators.hpp"
#include "plan/make_plan.hpp"
#include "tests/support/contains.hpp"
#include "tests/support/failures.hpp"
#include "tests/support/scratch_folder.hpp"

using namespace symmbench;

namespace {

/// A JSON file that exists for one test.
class File {
 public:
  explicit File(const std::string& text)
      : path_(std::filesystem::temp_directory_path() / ("symmbench_commands_" + std::to_string(::getpid()) + ".json")) {
    std::ofstream(path_) << text;
  }
  ~File() { std::filesystem::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

std::string text_of_plan(const RunConfig& config, int ranks) { return plan_text(config, make_plan(config, ranks, 0)); }
Json json_of_plan(const RunConfig& config, int ranks) { return plan_json(config, make_plan(config, ranks, 0)); }

}  // namespace

TEST_CASE("a plan tells cases, memory, deadlines, time and notes") {
  const auto config =
      parse_command_line({"plan", "--pattern", "allreduce,residual_rmsnorm", "-b", "1K", "-e", "2G", "-T", "8"}).config;
  const auto text = text_of_plan(config, 3);
  CHECK(contains(text, "Plan for 3 ranks\n"));
  CHECK(contains(text, "measure/trtllm_fusion/unicast/auto"));
  CHECK(contains(text, "symm_device_memory and torch_symm_mem, interleaved"));
  CHECK(contains(text, "1 x 512"));
  CHECK(contains(text, "skipped: residual_rmsnorm runs on 2, 4, 8 or 16 ranks, not on 3"));
  CHECK(contains(text, "per rank"));
  CHECK(contains(text, "per host"));
  CHECK(contains(
      text,
      "a kernel gives up after 4 s, its stream after 6 s, a round between ranks after 8 s, the watchdog after 12 s"));
  CHECK(contains(text, "the others are heard for 2 s; a killed worker has 5 s to die"));
  CHECK(contains(text, "after a signal, never longer: 0.15 s for workers"));
  CHECK(contains(text, "(estimate)"));
  CHECK(contains(text, "residual_rmsnorm bf16: 1 KiB, 4 KiB run as 16 KiB (1 x 8192)"));
  CHECK(contains(text_of_plan(parse_command_line({"plan", "--group-size", "2"}).config, 4),
                 "Plan for 4 ranks, 2 groups of 2 that do the same at the same time"));
}

TEST_CASE("a plan as JSON has every case with its keys and the same memory as its text") {
  const auto config = parse_command_line({"plan", "-d", "fp32", "--lifecycles", "2"}).config;
  const auto json = json_of_plan(config, 8);
  CHECK(json.at("ranks") == 8);
  REQUIRE(json.at("groups").size() == 3);
  CHECK(json.at("groups")[0].at("cases").size() == 12);
  CHECK(json.at("groups")[0].at("cases")[0].at("dtype") == "fp32");
  CHECK(json.at("groups")[0].at("cases")[0].at("skip").is_null());
  CHECK(json.at("groups")[1].at("lifecycles") == 2);
  const auto& memory = json.at("memory");
  CHECK(memory.at("host_bytes").get<std::uint64_t>() == 8 * memory.at("rank_bytes").get<std::uint64_t>());
  CHECK(memory.at("rank_bytes").get<std::uint64_t>() > 8 * 8 * (std::uint64_t{1} << 20) / 2);
  const auto& deadlines = json.at("deadlines_s");
  CHECK(deadlines.at("round") == 20.0);
  CHECK(deadlines.at("start_up").at("mpi_init") > 0);
  CHECK(deadlines.at("supervisors").at("stop") == 8.0);
  CHECK(deadlines.at("after_signal").at("leave") == 5);
  CHECK(deadlines.at("most_widening") == 8.0);
  CHECK(deadlines.at("most_widening_of_signs") == 2.0);
  REQUIRE(deadlines.at("groups").size() == 3);
  const auto& group = deadlines.at("groups")[0];
  CHECK(group.at("round") >= 20.0);
  CHECK(group.at("batch_least") >= group.at("round"));
  CHECK(group.at("batch_most") <= 2 * group.at("round").get<double>());
  CHECK(deadlines.at("groups")[1].at("batch_most").is_null());
}

TEST_CASE("a plan tells in how many placements allocators are compared, where they are") {
  const auto text_of = [](std::vector<std::string> words) {
    words.insert(words.begin(), "plan");
    const auto parsed = parse_command_line(words);
    return plan_text(parsed.config, make_plan(parsed.config, 4, 0));
  };
  CHECK(contains(text_of({}),
                 "Placements of compared workspaces: 8, more where they do not decide, fewer where memory is short\n"));
  CHECK(contains(text_of({"--placements", "1"}),
                 "Placements of compared workspaces: 1: no verdict between allocators\n"));
  CHECK_FALSE(contains(text_of({"--allocator", "cuda_ipc"}), "Placements"));
}

TEST_CASE("a plan that the rank count forbids is a usage error") {
  auto parsed = parse_command_line({"plan", "--ranks", "4", "--group-size", "3"});
  const auto failure = failure_of([&] { (void)command_plan(parsed); });
  CHECK(failure.layer == Layer::config);
  CHECK(failure.detail.starts_with("symmbench plan: --group-size '3'"));
}

TEST_CASE("a plan refuses faults and gates that a run would refuse") {
  const auto refused = [](std::vector<std::string> words) {
    words.insert(words.begin(), {"plan", "--device", "host"});
    return failure_of([&] { (void)command_plan(parse_command_line(words)); }).detail;
  };
  CHECK(contains(refused({"--inject", "nonsense"}), "symmbench plan: --inject 'nonsense': no fault 'nonsense'"));
  CHECK(contains(refused({"--baseline", "/nowhere.json", "--max-regress", "5"}),
                 "symmbench plan: --baseline: /nowhere.json: cannot be read"));
  CHECK(contains(refused({"--threshold", "/nowhere.json"}),
                 "symmbench plan: --threshold: /nowhere.json: cannot be read"));
}

TEST_CASE("every topic has a list, and each entry a name, what it is, and whether this version has it") {
  for (const auto* what :
       {"workspaces", "allocators", "patterns", "algorithms", "fabrics", "faults", "checks", "configs"}) {
    CAPTURE(what);
    const auto list = list_json(what);
    CHECK(list.at("what") == what);
    REQUIRE_FALSE(list.at("entries").empty());
    for (const auto& entry : list.at("entries")) {
      CHECK_FALSE(entry.at("name").get<std::string>().empty());
      CHECK_FALSE(entry.at("about").get<std::string>().empty());
      CHECK(entry.at("available").is_boolean());
      CHECK(contains(list_text(list), entry.at("name").get<std::string>()));
    }
  }
  CHECK(
      failure_of([] { (void)list_json("alocators"); }).detail ==
      "'alocators': not one of workspaces, allocators, patterns, algorithms, fabrics, faults, checks, configs, stacks "
      "(did you mean allocators?)");
}

TEST_CASE("the list of allocators tells each deliberate difference from upstream") {
  const auto list = list_json("allocators");
  const auto text = list_text(list);
  for (const auto& mode : allocator_modes()) {
    const auto differences = mode.make()->differences();
    for (const auto& entry : list.at("entries")) {
      if (entry.at("name") == name_of(mode.kind)) CHECK(entry.at("differences").size() == differences.size());
    }
    for (const auto& one : differences) CHECK(contains(text, std::string(one.reason)));
  }
}

TEST_CASE("lists of workspaces, patterns and algorithms say where each combination runs, and why not elsewhere") {
  std::set<std::string> reasons;
  for (const auto* what : {"workspaces", "patterns", "algorithms"}) {
    const auto list = list_json(what);
    const auto text = list_text(list);
    std::size_t supported = 0;
    for (const auto& entry : list.at("entries")) {
      const auto support = entry.value("support", Json::array());
      const bool is_own = entry.at("name") != "auto" && entry.at("available").get<bool>();
      CHECK(support.empty() == !is_own);
      for (const auto& row : support) {
        supported += row.at("supported").get<bool>();
        CHECK(row.at("supported").get<bool>() == row.at("reason").is_null());
        if (row.at("reason").is_string()) reasons.insert(row.at("reason").get<std::string>());
      }
    }
    CHECK(supported > 0);
    CHECK(contains(text, "    runs on host trtllm_fusion/unicast: "));
    CHECK(contains(text, "    not on "));
  }
  CHECK(contains(
      list_text(list_json("workspaces")),
      "    runs on host trtllm/unicast: one_shot, two_shot_barrier, one_shot_pull; fp16, bf16, fp32; 2, 4, 6, 8 "
      "or 16 ranks, residual_rmsnorm on 2, 4, 8 or 16; over symm_device_memory, torch_symm_mem, cuda_ipc\n"));
  CHECK(contains(list_text(list_json("workspaces")), "2, 4, 8 or 16 ranks, allreduce on any; over "));
  for (const auto* reason :
       {"residual_rmsnorm_nvfp4 has no form for fp32: fp16 or bf16",
        "two_shot_barrier has no room in an mnnvl workspace, which is for one_shot and two_shot",
        "two_shot has no room in a trtllm workspace, which is for one_shot, one_shot_pull and two_shot_barrier",
        "trtllm is for allreduce and residual_rmsnorm, not for residual_rmsnorm_fp8",
        "residual_rmsnorm over trtllm has no form for fp32: fp16 or bf16",
        "a trtllm_fusion workspace has no multicast: its kernels store to each peer by itself",
        "multicast is not in this version on GPUs, neither the driver's calls nor kernels: --device host emulates it",
        "nccl needs the cuda device", "nccl has plain allreduce only"}) {
    CHECK(reasons.contains(reason));
  }
  CHECK(contains(list_text(list_json("allocators")), "    not by multicast: cuda_ipc has no multicast: "));
}

TEST_CASE("what a run skips has the very words of the lists") {
  const auto list = list_json("patterns");
  std::set<std::string> reasons;
  for (const auto& entry : list.at("entries")) {
    for (const auto& row : entry.at("support")) {
      if (row.at("reason").is_string()) reasons.insert(row.at("reason").get<std::string>());
    }
  }
  std::vector<std::string> skips;
  for (const auto* device : {"host", "cuda"}) {
    const auto config =
        parse_command_line({"run", "--device", device, "--workspace", "trtllm_fusion,mnnvl", "--multicast", "off,on",
                            "--pattern", "allreduce,residual_rmsnorm_nvfp4,residual_rmsnorm_mxfp8", "--datatype",
                            "bf16,fp32", "--algorithm", "one_shot,two_shot_barrier", "--tokens", "4"})
            .config;
    for (const auto& group : make_plan(config, 4, 0).groups) {
      for (const auto& one : group.cases) {
        if (one.skip) skips.push_back(*one.skip);
      }
    }
  }
  CHECK(skips.size() > 50);
  for (const auto& skip : skips) {
    CAPTURE(skip);
    CHECK(reasons.contains(skip));
  }
}

TEST_CASE("the list of workspaces tells each deliberate difference from upstream") {
  const auto list = list_json("workspaces");
  const auto text = list_text(list);
  for (const auto& entry : list.at("entries")) {
    if (!entry.at("available").get<bool>()) continue;
    REQUIRE_FALSE(entry.at("differences").empty());
    for (const auto& one : entry.at("differences")) CHECK(contains(text, one.at("reason").get<std::string>()));
  }
  CHECK(contains(text, "two_shot_barrier is that algorithm"));
  CHECK(contains(text, "a copy by the driver before a one-shot"));
  CHECK(contains(text, "(not in this version) FlashInfer's mnnvl in CuTe DSL"));
}

TEST_CASE("validate tells a good config from a bad one, with the path of each violation") {
  CHECK(validate_file(File(R"({"iters": 5})").path()).violations.empty());
  const auto bad = validate_file(File(R"({"iters": "5", "sweeps": [{"datatype": "bf61"}, {"hiden": 1}]})").path());
  CHECK(bad.kind == "config");
  REQUIRE(bad.violations.size() >= 3);
  std::string all;
  for (const auto& line : bad.violations) all += line + "\n";
  CHECK(contains(all, "iters (line 1): '\"5\"' must be a whole number\n"));
  CHECK_FALSE(contains(all, "/iters"));
  CHECK(contains(all, "/sweeps/0/datatype"));
  CHECK(contains(all, "/sweeps/1/hiden: unknown key"));
}

TEST_CASE("validate says of a config's value what is allowed, in the words of a run") {
  const auto name = validate_file(File(R"({"sweeps": [{"pattern": "allredcue"}]})").path());
  REQUIRE(name.violations.size() == 1);
  CHECK(contains(name.violations[0], "sweeps[0].pattern (line 1): 'allredcue' is not one of allreduce,"));
  CHECK(contains(name.violations[0], "(did you mean allreduce?)"));
  const auto both = validate_file(File(R"({"tokens": 4, "maxbytes": "1K"})").path());
  REQUIRE(both.violations.size() == 1);
  CHECK(contains(both.violations[0], "must not be combined with"));
}

TEST_CASE("a violation that every row has is told of three rows and counted for the others") {
  std::vector<std::string> violations{"/run/seed: missing key"};
  for (int i = 0; i < 1000; ++i) violations.push_back(fmt::format("/results/{}/blame: missing key", i));
  const auto shown = shown_violations(violations);
  REQUIRE(shown.size() == 5);
  CHECK(shown[0] == "/run/seed: missing key");
  CHECK(shown[3] == "/results/2/blame: missing key");
  CHECK(shown[4] == "/results/*/blame: missing key (997 more)");
}

TEST_CASE("validate finds what only resolution can find in a config") {
  const auto contradiction = validate_file(File(R"({"minbytes": "2M", "maxbytes": "1M"})").path());
  REQUIRE(contradiction.violations.size() == 1);
  CHECK(contradiction.violations[0] ==
        "config file: minbytes (line 1): '2M' must not exceed config file: maxbytes (line 1): '1M'");
}

TEST_CASE("a file with a key twice is no document that could be valid") {
  const File file(R"({"iters": 1, "iters": 2})");
  CHECK(contains(failure_of([&] { (void)validate_file(file.path()); }).detail, "key 'iters' is given twice"));
}

TEST_CASE("validate takes a document with results for a report") {
  const auto validation = validate_file(File(R"({"schema_version": "1.0.0", "results": []})").path());
  CHECK(validation.kind == "report");
  CHECK_FALSE(validation.violations.empty());
}

TEST_CASE("validate takes a document with tables for a tuning table, and finds bounds that do not ascend") {
  const auto table = [](const char* choices) {
    return std::string(R"({"family": "sm90", "emulated": false, "source": "x", "tables": [
        {"world_size": 2, "pattern": "allreduce", "choices": )") +
           choices + "}]}";
  };
  const auto good = validate_file(File(table(R"([{"up_to_bytes": 16, "algorithm": "one_shot"}])")).path());
  CHECK(good.kind == "tuning");
  CHECK(good.violations.empty());
  const auto unknown = validate_file(File(table(R"([{"up_to_bytes": 16, "algorithm": "nccl"}])")).path());
  REQUIRE(unknown.violations.size() == 1);
  CHECK(unknown.violations[0].starts_with("/tables/0/choices/0/algorithm"));
  const auto falling = validate_file(
      File(table(R"([{"up_to_bytes": 16, "algorithm": "one_shot"}, {"up_to_bytes": 8, "algorithm": "two_shot"}])"))
          .path());
  REQUIRE(falling.violations.size() == 1);
  CHECK(contains(falling.violations[0], "must be greater than 16, the bound before it"));
}

TEST_CASE("a plan for auto takes the table that was asked for, and says so where it cannot know") {
  const auto algorithms = [](const std::vector<std::string>& words) {
    const auto json = json_of_plan(parse_command_line(words).config, 4);
    std::vector<std::string> found;
    for (const auto& one : json.at("groups")[0].at("cases")) found.push_back(one.at("algorithm"));
    return found;
  };
  const File table(R"({"family": "host", "emulated": true, "source": "x", "tables": [
      {"world_size": 4, "pattern": "allreduce", "choices": [{"up_to_bytes": 16384, "algorithm": "two_shot_barrier"}]}]})");
  CHECK(algorithms({"plan", "--algorithm", "auto", "--tuning", table.path(), "-b", "16K", "-e", "32K", "-f", "2"}) ==
        std::vector<std::string>{"two_shot_barrier", "one_shot"});
  const char* note = "planned with the computed limits";
  CHECK(contains(text_of_plan(parse_command_line({"plan", "--algorithm", "auto"}).config, 4), note));
  CHECK_FALSE(contains(text_of_plan(parse_command_line({"plan"}).config, 4), note));
  for (const auto& words : {std::vector<std::string>{"--tuning", "sm90"}, {"--device", "host"}}) {
    std::vector<std::string> all{"plan", "--algorithm", "auto"};
    all.insert(all.end(), words.begin(), words.end());
    CHECK_FALSE(contains(text_of_plan(parse_command_line(all).config, 4), note));
  }
}

TEST_CASE("validate exits 0, 1 or 2 for valid, invalid and unreadable files") {
  const auto exit_code_of = [](std::vector<std::string> paths) {
    return command_validate({.command = "validate", .subjects = std::move(paths)});
  };
  const auto exit_code = [&](const std::string& path) { return exit_code_of({path}); };
  CHECK(exit_code(File("{}").path()) == 0);
  CHECK(exit_code(File(R"({"iters": 0})").path()) == 1);
  CHECK(exit_code(File(R"({"schema_version": "1.0.0"})").path()) == 1);
  CHECK(exit_code(File("{").path()) == 2);
  CHECK(exit_code("/nonexistent/file.json") == 2);
  const ScratchFolder folder;
  const auto good = folder / "good.json", bad = folder / "bad.json";
  write_text(good, "{}");
  write_text(bad, R"({"iters": 0})");
  CHECK(exit_code_of({good, good}) == 0);
  CHECK(exit_code_of({bad, good}) == 1);
  CHECK(exit_code_of({good, "/nonexistent/file.json"}) == 2);
  CHECK(exit_code_of({"/nonexistent/file.json", bad, good}) == 1);
  CHECK(failure_of([] { (void)validate_file(File("{\n\"a\" 1}").path()); }).detail.find("line 2, column 5") !=
        std::string::npos);
}
