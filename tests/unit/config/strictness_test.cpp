#include <fmt/format.h>
#include <fmt/ranges.h>

#include <catch2/catch_test_macros.hpp>

#include "config/option_value.hpp"
#include "config/options.hpp"
#include "config/resolve.hpp"
#include "tests/support/failures.hpp"

using namespace symmbench;

namespace {

std::string refusal(const Json& command_line) {
  const auto failure = failure_of([&] { (void)resolve(nullptr, command_line); });
  CHECK(failure.layer == Layer::config);
  CHECK(failure.reason == Reason::invalid_argument);
  return failure.detail;
}

std::string file_refusal(const std::string& file) {
  const auto json = Json::parse(file);
  return failure_of([&] { (void)resolve(&json, Json::object(), {.file_name = "config file x.json"}); }).detail;
}

}  // namespace

TEST_CASE("a wrong value on the command line is refused with option, value and what is allowed") {
  struct Row {
    const char* key;
    const char* text;
    std::string message;
  };
  const Row rows[] = {
      // trailing junk and words
      {"iters", "abc", "--iters 'abc': not a whole number"},
      {"iters", "10x", "--iters '10x': not a whole number"},
      {"iters", "1.5", "--iters '1.5': not a whole number"},
      {"iters", " 7", "--iters ' 7': not a whole number"},
      {"iters", "+7", "--iters '+7': not a whole number"},
      {"minbytes", "1Kx", "--minbytes '1Kx': not a size such as 4096, 64K or 1.5M"},
      {"minbytes", "0.3", "--minbytes '0.3': not a size such as 4096, 64K or 1.5M"},
      {"stepfactor", "2x", "--stepfactor '2x': not a finite number"},
      {"epsilon", "nan", "--epsilon 'nan': not a finite number"},
      {"epsilon", "inf", "--epsilon 'inf': not a finite number"},
      {"timeout", "5 s", "--timeout '5 s': not a duration such as 20, 1.5s, 500ms, 10m or 2h"},
      {"timeout", "s", "--timeout 's': not a duration such as 20, 1.5s, 500ms, 10m or 2h"},
      // out of bounds
      {"iters", "0", "--iters '0': must be at least 1"},
      {"iters", "-5", "--iters '-5': must be at least 1"},
      {"iters", "99999999999999999999", "--iters '99999999999999999999': must be at most 1000000000"},
      {"iters", "-99999999999999999999", "--iters '-99999999999999999999': must be at least 1"},
      {"warmup_iters", "-1", "--warmup-iters '-1': must be at least 0"},
      {"minbytes", "0", "--minbytes '0': must be at least 1 B"},
      {"minbytes", "-1K", "--minbytes '-1K': must be at least 1 B"},
      {"maxbytes", "2T", "--maxbytes '2T': must be at most 1 TiB"},
      {"stepbytes", "0", "--stepbytes '0': must be at least 1 B"},
      {"stepfactor", "1", "--stepfactor '1': must be greater than 1"},
      {"stepfactor", "0.5", "--stepfactor '0.5': must be greater than 1"},
      {"tokens", "4,0", "--tokens '0': must be at least 1"},
      {"hidden", "0", "--hidden '0': must be at least 1"},
      {"timeout", "1e-30", "--timeout '1e-30': must be at least 0.001 s"},
      {"timeout", "-3", "--timeout '-3': must be at least 0.001 s"},
      {"time_limit", "-1s", "--time-limit '-1s': must be at least 0 s"},
      {"ci_width", "1", "--ci-width '1': must be less than 1"},
      {"ci_width", "0", "--ci-width '0': must be greater than 0"},
      {"deadline_scale", "1e-300", "--deadline-scale '1e-300': must be at least 0.01"},
      {"group_size", "73", "--group-size '73': must be at most 72"},
      {"buffers", "1",
       "--buffers '1': must be 0 or from 2 to 10000: with one set of buffers a packet left over from the iteration "
       "before would go unseen"},
      {"buffers", "10001", "--buffers '10001': must be at most 10000"},
      {"threads", "1025", "--threads '1025': must be at most 1024"},
      {"seed", "-1", "--seed '-1': must be at least 0"},
      {"placements", "0", "--placements '0': must be at least 1"},
      {"seed", "9007199254740993", "--seed '9007199254740993': must be at most 9007199254740991"},
      // names
      {"datatype", "bf61", "--datatype 'bf61': not one of fp16, bf16, fp32 (did you mean bf16?)"},
      {"datatype", "quaternion", "--datatype 'quaternion': not one of fp16, bf16, fp32"},
      {"datatype", "BF16", "--datatype 'BF16': not one of fp16, bf16, fp32 (did you mean bf16?)"},
      {"device", "gpu", "--device 'gpu': not one of auto, cuda, host"},
      {"algorithm", "one_shot,oneshot",
       "--algorithm 'oneshot': not one of one_shot, two_shot, two_shot_barrier, one_shot_pull, auto, nccl, "
       "nccl_symmetric (did you "
       "mean one_shot?)"},
      {"report", "-", "--report '-': must be a file: stdout has the table"},
      {"check", "-2", "--check '-2': not one of on, off, 1, 0"},
      {"in_place", "both", "--in-place 'both': not one of on, off, 1, 0"},
      {"strict", "maybe", "--strict 'maybe': not one of on, off, 1, 0"},
      // lists
      {"datatype", "", "--datatype '': must list at least one value"},
      {"datatype", "fp16,,bf16", "--datatype 'fp16,,bf16': must not have an empty element"},
      {"datatype", "fp16,", "--datatype 'fp16,': must not have an empty element"},
      {"datatype", "fp16,bf16,fp16", "--datatype 'fp16': must not be listed twice"},
      {"tokens", "1,2,01", "--tokens '1': must not be listed twice"},
      {"in_place", "on,1", "--in-place 'on': must not be listed twice"},
      {"multicast", "maybe", "--multicast 'maybe': not one of off, on, auto"},
      {"multicast", "on,off,on", "--multicast 'on': must not be listed twice"},
      {"report", "", "--report '': must not be empty"},
      // sizes against each other; the other one may be the default
      {"minbytes", "2M", "--minbytes '2M': must not exceed --maxbytes '1M' (the default)"},
      {"maxbytes", "512", "--minbytes '1K' (the default): must not exceed --maxbytes '512'"},
      {"stepbytes", "16", "--stepbytes '16': must give at most 4096 sizes; this gives 65473"},
      {"stepfactor", "1.0001", "--stepfactor '1.0001': must give at most 4096 sizes; this gives 69319"},
      // later versions
      {"workspace", "mnnvl_cute_dsl",
       "--workspace 'mnnvl_cute_dsl': not in this version; allowed: trtllm_fusion, trtllm, mnnvl"},
      {"allocator", "libtorch",
       "--allocator 'libtorch': not in this version; allowed: symm_device_memory, torch_symm_mem, upstream, cuda_ipc"},
      {"pattern", "residual_rmsnorm_fp16",
       fmt::format("--pattern 'residual_rmsnorm_fp16': not one of {} (did you mean residual_rmsnorm_fp8?)",
                   fmt::join(names_now(*find_option("pattern")), ", "))},
      {"algorithm", "ncl",
       "--algorithm 'ncl': not one of one_shot, two_shot, two_shot_barrier, one_shot_pull, auto, nccl, nccl_symmetric "
       "(did you mean "
       "nccl?)"},
      {"soak", "0", "--soak '0': must be greater than 0 s"},
      {"soak", "soon", "--soak 'soon': not a duration such as 20, 1.5s, 500ms, 10m or 2h"},
      {"fabric", "sm90-h200",
       "--fabric 'sm90-h200': not a file, and not one of sm100-b200-hgx, sm100-gb200-nvl72, sm103-b300-hgx, "
       "sm103-gb300-nvl72, sm90-h200-hgx"},
      {"top_k", "0", "--top-k '0': must be at least 1"},
      {"top_k", "33", "--top-k '33': must be at most 32"},
      {"experts", "65", "--experts '65': must be at most 64"},
      {"quant_group", "4", "--quant-group '4': must be at least 8"},
      {"scale_layout", "4x4", "--scale-layout '4x4': not one of linear, 128x4, 8x4 (did you mean 8x4?)"},
      {"accumulate", "bf16", "--accumulate 'bf16': not one of fp32, storage"},
      {"trigger", "late", "--trigger 'late': not one of early, end"},
      {"csv", "on", "--csv: needs a file name, or --output-dir for its rows.csv"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.key, row.text);
    CHECK(refusal({{row.key, row.text}}) == row.message);
  }
}

TEST_CASE("options that exclude each other are refused together, both named with their values") {
  CHECK(refusal({{"stepfactor", "2"}, {"stepbytes", "1K"}}) ==
        "--stepbytes '1K': must not be combined with --stepfactor '2'; give one of them");
  for (const auto* key : {"minbytes", "maxbytes", "stepbytes"}) {
    CHECK(refusal({{"tokens", "1,2"}, {key, "2M"}}) ==
          "--tokens '1,2': must not be combined with --" + std::string(key) + " '2M'; give one of them");
  }
  CHECK(refusal({{"tokens", "1"}, {"stepfactor", "2"}}) ==
        "--tokens '1': must not be combined with --stepfactor '2'; give one of them");
  CHECK(refusal({{"pattern", "residual_rmsnorm"}, {"in_place", "on"}}) ==
        "--in-place 'on': must include off with --pattern 'residual_rmsnorm': fused patterns have two outputs");
  CHECK_NOTHROW(resolve(nullptr, {{"pattern", "residual_rmsnorm,allreduce"}, {"in_place", "on"}}));
  CHECK(refusal({{"trigger", "end"}, {"pdl", "off"}}) ==
        "--trigger 'end': must not be combined with --pdl off: nothing is triggered there");
  CHECK_NOTHROW(resolve(nullptr, {{"trigger", "early"}, {"pdl", "off"}}));
}

TEST_CASE(
    "a parameter that no asked pattern takes is refused, typed or in a file, and named with the patterns that do") {
  CHECK(refusal({{"top_k", "4"}}) ==
        "--top-k '4': must be combined with a --pattern that takes it: moe_finalize_residual_rmsnorm");
  CHECK(refusal({{"epsilon", "1e-5"}}) ==
        "--epsilon '1e-5': must be combined with a --pattern that takes it: any but allreduce");
  CHECK(refusal({{"experts", "8"}, {"pattern", "residual_rmsnorm"}}) ==
        "--experts '8': must be combined with a --pattern that takes it: moe_reduction_residual_rmsnorm");
  CHECK_NOTHROW(resolve(nullptr, {{"experts", "4"}, {"pattern", "allreduce,moe_reduction_residual_rmsnorm"}}));

  CHECK(file_refusal(R"({"quant_group": 64})") ==
        "config file x.json: quant_group: '64' must be combined with a --pattern that takes it: "
        "residual_rmsnorm_group_fp8, residual_rmsnorm_out_group_fp8");
  const char* sweeps = R"({"quant_group": 64, "sweeps": [{}, {"pattern": "residual_rmsnorm_group_fp8"}]})";
  const auto json = Json::parse(sweeps);
  CHECK_NOTHROW(resolve(&json, Json::object()));
  CHECK(file_refusal(R"({"sweeps": [{"quant_group": 64}, {"pattern": "residual_rmsnorm_group_fp8"}]})")
            .starts_with("config file x.json: sweeps[0].quant_group: '64' must be combined with a --pattern"));
}

TEST_CASE("patterns that are typed leave out those of a file, whose parameters say nothing then") {
  const auto file = Json::parse(R"({"pattern": "residual_rmsnorm_group_fp8", "quant_group": 64})");
  const auto plain = resolve(&file, {{"pattern", "allreduce"}});
  CHECK(plain.sweeps.at(0).parameters.quant_group == PatternParameters{}.quant_group);
  CHECK(config_from_text(plain.config_text).config_text == plain.config_text);
}

TEST_CASE("handles by which none of the allocators can travel are refused; one that can is enough") {
  CHECK(refusal({{"allocator", "cuda_ipc"}, {"handle", "posix_fd,fabric"}}) ==
        "--handle 'posix_fd,fabric': must include one of auto, cuda_ipc, upstream with --allocator 'cuda_ipc'");
  CHECK(refusal({{"handle", "cuda_ipc"}}) ==
        "--handle 'cuda_ipc': must include one of auto, fabric, posix_fd, upstream with --allocator "
        "'symm_device_memory,torch_symm_mem' (the default)");
  CHECK_NOTHROW(resolve(nullptr, {{"allocator", "cuda_ipc"}, {"handle", "cuda_ipc"}}));
  CHECK_NOTHROW(resolve(nullptr, {{"allocator", "cuda_ipc,torch_symm_mem"}, {"handle", "posix_fd"}}));
  CHECK_NOTHROW(resolve(nullptr, {{"allocator", "cuda_ipc"}, {"handle", "posix_fd,upstream"}}));
}

TEST_CASE("a wrong value in a config file is refused with file, place, value and what is allowed") {
  const std::pair<const char*, const char*> rows[] = {
      {R"({"datatype": "bf61"})",
       "config file x.json: datatype: 'bf61' is not one of fp16, bf16, fp32 (did you mean bf16?)"},
      {R"({"sweeps": [{}, {"datatype": ["fp16", "bf61"]}]})",
       "config file x.json: sweeps[1].datatype: 'bf61' is not one of fp16, bf16, fp32 (did you mean bf16?)"},
      {R"({"stepfactor": 0.5})", "config file x.json: stepfactor: '0.5' must be greater than 1"},
      {R"({"iters": "40"})", "config file x.json: iters: '\"40\"' must be a whole number"},
      {R"({"iters": 4.5})", "config file x.json: iters: '4.5' must be a whole number"},
      {R"({"iters": null})", "config file x.json: iters: 'null' must be a whole number"},
      {R"({"iters": -1})", "config file x.json: iters: '-1' must be at least 1"},
      {R"({"strict": []})", "config file x.json: strict: '[]' must be true or false, on or off, 1 or 0"},
      {R"({"check": -1})", "config file x.json: check: '-1' is not one of on, off, 1, 0"},
      {R"({"pdl": 2})", "config file x.json: pdl: '2' is not one of on, off, 1, 0"},
      {R"({"in_place": "of"})", "config file x.json: in_place: 'of' is not one of on, off, 1, 0"},
      {R"({"in_place": 0.5})",
       "config file x.json: in_place: '0.5' must be true or false, on or off, 1 or 0, or a list of them"},
      {R"({"device": ["host"]})", "config file x.json: device: '[\"host\"]' must be a name"},
      {R"({"datatype": []})", "config file x.json: datatype: '[]' must list at least one value"},
      {R"({"datatype": ["fp16", "fp16"]})", "config file x.json: datatype: 'fp16' must not be listed twice"},
      {R"({"datatype": "fp16,bf16"})", "config file x.json: datatype: 'fp16,bf16' is not one of fp16, bf16, fp32"},
      {R"({"datatype": 16})", "config file x.json: datatype: '16' must be a name or a list of names"},
      {R"({"minbytes": "1Q"})", "config file x.json: minbytes: '1Q' is not a size such as 4096, 64K or 1.5M"},
      {R"({"minbytes": 1.5})", "config file x.json: minbytes: '1.5' must be a size such as 4096 or \"64K\""},
      {R"({"minbytes": 0})", "config file x.json: minbytes: '0' must be at least 1 B"},
      {R"({"tokens": [1, "2"]})", "config file x.json: tokens: '\"2\"' must be a whole number or a list of them"},
      {R"({"timeout": true})",
       "config file x.json: timeout: 'true' must be a duration such as 20, \"1.5s\" or \"10m\""},
      {R"({"soak": "0s"})", "config file x.json: soak: '0s' must be greater than 0 s"},
      {R"({"soak": "2h", "lifecycles": 5})",
       "config file x.json: soak: '2h' must not be combined with config file x.json: lifecycles: '5'; give one of "
       "them"},
      {R"({"sweeps": [{"minbytes": "2M"}]})",
       "config file x.json: sweeps[0].minbytes: '2M' must not exceed --maxbytes '1M' (the default)"},
      {R"({"sweeps": [{"tokens": 1, "maxbytes": 64}]})",
       "config file x.json: sweeps[0].tokens: '1' must not be combined with config file x.json: "
       "sweeps[0].maxbytes: '64'; give one of them"},
      // keys
      {R"({"itres": 5})", "config file x.json: itres: unknown key; did you mean 'iters'?"},
      {R"({"warmup-iters": 5})", "config file x.json: warmup-iters: unknown key; did you mean 'warmup_iters'?"},
      {R"({"zzzzzzzzzzzz": 5})", "config file x.json: zzzzzzzzzzzz: unknown key"},
      {R"({"config": "y.json"})", "config file x.json: config: unknown key"},
      {R"({"sweeps": [{"timeout": 5}]})",
       "config file x.json: sweeps[0].timeout: holds for the whole run: set it outside 'sweeps'"},
      {R"({"sweeps": [{"sweeps": []}]})", "config file x.json: sweeps[0].sweeps: unknown key"},
      // structure
      {R"([])", "config file x.json: must be an object {defaults..., \"sweeps\": [{...}]}"},
      {R"({"sweeps": {}})", "config file x.json: sweeps: must be a list of 1 to 1000 objects"},
      {R"({"sweeps": []})", "config file x.json: sweeps: must be a list of 1 to 1000 objects"},
      {R"({"sweeps": [5]})", "config file x.json: sweeps[0]: must be an object"},
  };
  for (const auto& [file, message] : rows) {
    CAPTURE(file);
    CHECK(file_refusal(file) == message);
  }
}

TEST_CASE("an option of a later version is told apart from a mistake in it, for every such option") {
  for (const auto& spec : option_table()) {
    if (spec.now) continue;
    CAPTURE(spec.name);
    std::string text = "x";
    if (!spec.choices.empty()) text = spec.choices.front().name;
    if (spec.kind == OptionKind::integer || spec.kind == OptionKind::number || spec.kind == OptionKind::percent)
      text = "2";
    if (spec.kind == OptionKind::seconds) text = "2s";
    if (spec.kind == OptionKind::flag) text = "on";
    CHECK(refusal({{spec.key(), text}}).ends_with("not in this version"));
  }
}
