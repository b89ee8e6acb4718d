#include "config/nccl_tests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "config/option_value.hpp"
#include "core/text.hpp"

namespace symmbench {
namespace {

// clang-format off
constexpr NcclTestsOption kNcclTestsOptions[] = {
    {.letter = 'g', .name = "ngpus", .same = "1", .instead = "one rank has one GPU here: start more ranks, mpirun -n N"},
    {.letter = 't', .name = "nthreads", .same = "1",
     .instead = "a rank is a process here: start more ranks, mpirun -n N; threads per block are --threads"},
    {.letter = 'o', .name = "op", .same = "sum", .instead = "allreduce sums here; leave it out"},
    {.letter = 'a', .name = "average", .same = "3", .with_note = "0,1,2",
     .note = "times are those of the slowest rank here (-a 3)", .instead = "times are those of the slowest rank here"},
    {.letter = 'r', .name = "root", .same = "*", .instead = ""},
    {.letter = 'z', .name = "blocking", .same = "0",
     .instead = "iterations are not waited for one by one here; --cudagraph 1 makes a batch of each"},
    {.letter = 'p', .name = "parallel-init", .same = "0,1", .instead = "ranks come up in parallel always; leave it out"},
    {.letter = 'm', .name = "agg-iters", .same = "1", .instead = "--cudagraph N puts N iterations into one graph"},
    {.letter = 'N', .name = "run-cycles", .same = "1",
     .instead = "--iters repeats a case, --lifecycles N repeats set-up and teardown"},
    {.letter = 'C', .name = "report-cputime", .same = "0", .instead = "times are the GPU's own; leave it out"},
    {.letter = 'D', .name = "device-implementation", .same = "0", .instead = "--algorithm chooses the kernel"},
    {.letter = 'V', .name = "device-cta-count", .same = "", .instead = "--blocks N chooses the blocks of a kernel"},
    {.letter = 'x', .name = "cta-policy", .same = "", .instead = "--blocks N chooses the blocks of a kernel"},
    {.letter = 'R', .name = "local-register", .same = "0",
     .instead = "workspaces are symmetric memory of each --allocator; nothing else is registered"},
    {.letter = 'y', .name = "stream-null", .same = "0", .instead = "work has a stream of its own; leave it out"},
    {.letter = 'u', .name = "unalign", .same = "0", .instead = "buffers are aligned to 16 bytes; leave it out"},
    {.letter = 'S', .name = "report-timestamps", .same = "0", .instead = "the report says when the run began and ended; leave it out"},
    {.letter = 'M', .name = "memory", .same = "0", .instead = "`symmbench plan` says how much memory a run takes"},
    {.letter = 'I', .name = "", .same = "0", .instead = "--raw-samples keeps every sample in the report"},
    {.letter = 'K', .name = "", .same = "0", .instead = "--raw-samples keeps every sample in the report"},
};
// clang-format on

struct Variable {
  const char* name;
  std::string_view instead;
};
constexpr Variable kNcclTestsVariables[] = {
    {"NCCL_TESTS_SPLIT", "ranks are split into contiguous groups by --group-size N"},
    {"NCCL_TESTS_SPLIT_MASK", "ranks are split into contiguous groups by --group-size N"},
    {"NCCL_TESTS_DEVICE", "CUDA_VISIBLE_DEVICES says which GPUs the ranks of a host take, in their order"},
};

bool lists(std::string_view values, std::string_view value) {
  const auto all = split_list(values);
  return values == "*" || std::find(all.begin(), all.end(), value) != all.end();
}

}  // namespace

std::string NcclTestsOption::flag_name() const {
  return name.empty() ? fmt::format("-{}", letter) : fmt::format("--{}", name);
}

std::span<const NcclTestsOption> nccl_tests_options() { return kNcclTestsOptions; }

std::vector<std::string> take_nccl_tests_options(TypedOptions& typed) {
  std::vector<std::string> notes;
  for (const NcclTestsOption& option : kNcclTestsOptions) {
    auto at = typed.find(option.flag_name());
    if (at == typed.end()) at = typed.find(fmt::format("-{}", option.letter));
    if (at == typed.end()) continue;
    const auto value = at->second;
    const auto asked = fmt::format("{} '{}'", at->first, value);
    typed.erase(at);
    if (!option.with_note.empty() && lists(option.with_note, value)) {
      notes.push_back(fmt::format("{}: {}", asked, option.note));
    } else if (option.same.empty() || !lists(option.same, value)) {
      fail_config(fmt::format("{}: {}{}", asked, option.instead,
                              option.same.empty() ? "" : fmt::format(" (allowed: {})", option.same)));
    }
  }
  const auto factor = typed.find("stepfactor");
  if (factor != typed.end() && factor->second == "1" && typed.contains("stepbytes")) typed.erase(factor);
  if (const auto timeout = typed.find("timeout"); timeout != typed.end() && timeout->second == "0") {
    fail_config("--timeout '0': every wait ends here; must be at least 0.001 s");
  }
  if (const auto graph = typed.find("cudagraph"); graph != typed.end() && graph->second != "0") {
    notes.push_back(fmt::format(
        "--cudagraph '{}': iterations in one graph; in nccl-tests -G counts the launches of a graph of all iterations",
        graph->second));
  }
  return notes;
}

std::optional<std::string> take_min_bandwidth(TypedOptions& typed, const char* variable) {
  constexpr double kShare = 0.9;  // what nccl-tests asks for of the value that it is given
  if (variable == nullptr || *variable == '\0') return std::nullopt;
  const auto asked = fmt::format("NCCL_TESTS_MIN_BW='{}' in the environment", variable);
  double value = 0;
  const std::string_view text(variable);
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || !(value >= 0) || value > 1e6) {
    fail_config(fmt::format("{}: must be a number of GB/s, from 0 to 1000000", asked));
  }
  if (typed.contains("min_busbw")) fail_config(fmt::format("{}: must not be combined with --min-busbw", asked));
  if (value == 0) return std::nullopt;
  typed["min_busbw"] = fmt::format("{}", value * kShare);
  return fmt::format("{}: each series must reach 0.9 of it on average, as in nccl-tests: --min-busbw {}", asked,
                     typed["min_busbw"]);
}

void refuse_nccl_tests_variables(const char* (*value_of)(const char* name)) {
  for (const Variable& variable : kNcclTestsVariables) {
    const char* const value = value_of(variable.name);
    if (value == nullptr || *value == '\0') continue;
    fail_config(fmt::format("{}='{}' in the environment: {}; unset it (mpirun -x, env -u)", variable.name, value,
                            variable.instead));
  }
}

}  // namespace symmbench
