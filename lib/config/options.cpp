#include "config/options.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "catalog/accumulations.hpp"
#include "catalog/algorithms.hpp"
#include "catalog/allocators.hpp"
#include "catalog/handles.hpp"
#include "catalog/multicast.hpp"
#include "catalog/output_files.hpp"
#include "catalog/patterns.hpp"
#include "catalog/scale_layouts.hpp"
#include "catalog/table_figures.hpp"
#include "catalog/torch_layouts.hpp"
#include "catalog/triggers.hpp"
#include "catalog/workspaces.hpp"

namespace symmbench {
namespace {

using Kind = OptionKind;
using Scope = OptionScope;
using Group = OptionGroup;

constexpr bool kNow = true;
constexpr bool kRepeats = true;

/// A catalogue table as choices, with the option's own further ones before the row of index kAt.
template <std::size_t kAt = 0, class Row, std::size_t N, class... Further>
constexpr std::array<Choice, N + sizeof...(Further)> choices(const Row (&rows)[N], Further... further) {
  const auto choice = [&](std::size_t i) {
    Choice one{rows[i].name, rows[i].about, rows[i].now, {}};
    if constexpr (requires { rows[i].short_name; }) {
      if (rows[i].short_name != rows[i].name) one.also = rows[i].short_name;  // as tables have it
    }
    return one;
  };
  std::array<Choice, N + sizeof...(Further)> all{};
  std::size_t count = 0;
  for (std::size_t i = 0; i < kAt; ++i) all[count++] = choice(i);
  ((all[count++] = further), ...);
  for (std::size_t i = kAt; i < N; ++i) all[count++] = choice(i);
  return all;
}

constexpr auto kWorkspaceChoices = choices(kWorkspaceKinds);
constexpr auto kAllocatorChoices = choices<2>(
    kAllocators, Choice{"upstream",
                        "what the library would take: torch_symm_mem when FLASHINFER_TRTLLM_AR_USE_TORCH_SYMM_MEM=1, "
                        "else symm_device_memory"});
constexpr auto kHandleChoices = choices<0>(
    kHandleTypes, Choice{"auto", "the best type that a real trial between peers proves on all ranks, by vote"},
    Choice{"upstream", "each allocator's own rule"});
constexpr auto kMulticastChoices = choices(kMulticastModes);
constexpr auto kAlgorithmChoices = choices<4>(
    kAlgorithms,
    Choice{"auto",
           "what the tuning table (--tuning) says for ranks, pattern and size; computed limits where it says nothing"});
constexpr auto kPatternChoices = choices(kPatterns);
constexpr Choice kDTypes[] = {{"fp16", "half precision", true, "half"},
                              {"bf16", "brain floating point", true, "bfloat16"},
                              {"fp32", "single precision", true, "float"}};
constexpr auto kLayoutChoices = choices(kScaleLayouts);
constexpr auto kAccumulationChoices = choices(kAccumulations);
constexpr auto kTorchLayoutChoices = choices(kTorchLayouts);
constexpr auto kTriggerChoices = choices(kTriggerPoints);
constexpr Choice kDevices[] = {
    {"auto", "cuda when every rank can use a GPU of its own, else exit 3: emulation never answers for hardware"},
    {"cuda", "GPUs; exit 3 where they are unusable"},
    {"host", "emulated device, only when asked for: shows behaviour, not speed; needs no GPU"},
};
constexpr Choice kIsolation[] = {{"process", "a worker process per rank and case group: survives hangs and crashes"},
                                 {"none", "a thread of the rank: for debuggers"}};
constexpr Choice kFormats[] = {
    {"table", "a line per case and a verdict block"},
    {"nccl", "the 13 columns and footers of nccl-tests, in and out of place unless --in-place says otherwise"},
    {"none", "the verdict's exit code only"}};
constexpr auto kFigureChoices = choices(kTableFigures);
constexpr Choice kProgress[] = {{"auto", "rewritten on a terminal, a line every 10 s on stderr elsewhere"},
                                {"off", "none"}};
constexpr Choice kFailOn[] = {{"none", "findings decide nothing"},
                              {"info", "any finding"},
                              {"warning", "warnings and critical ones"},
                              {"critical", "critical ones"}};

constexpr double kMaxBytes = 1099511627776.0;  // 1 TiB: no sum of sizes can overflow 64 bits
constexpr Bounds kPositive{.low = 0, .low_open = true};
constexpr Bounds from(double low, double high = 1e9) { return {.low = low, .high = high}; }

/// The option that says where an output goes.
constexpr OptionSpec output_file(const OutputFileRow& row) {
  return {row.option, 0, Kind::output, Scope::run, Group::output, "[FILE]", "", row.help, {}, {}, row.now};
}

// A table reads by rows.
// clang-format off
constexpr OptionSpec kOwnOptions[] = {
    // ---- what to run
    {"workspace", 0, Kind::names, Scope::sweep, Group::select, "NAMES", "trtllm_fusion", "workspaces to build",
     kWorkspaceChoices},
    {"allocator", 0, Kind::names, Scope::sweep, Group::select, "NAMES", "symm_device_memory,torch_symm_mem",
     "allocator modes that back the workspace; two or more are measured interleaved and compared", kAllocatorChoices},
    {"torch-layout", 0, Kind::name, Scope::run, Group::select, "RELEASE", "2.14",
     "which PyTorch's memory torch_symm_mem builds; a key of its rows", kTorchLayoutChoices},
    {"handle", 0, Kind::names, Scope::sweep, Group::select, "NAMES", "auto", "how memory is shared between ranks",
     kHandleChoices},
    {"multicast", 0, Kind::names, Scope::sweep, Group::select, "NAMES", "off",
     "whether one store may reach all ranks, through multicast objects (NVLS). NCCL_NVLS_ENABLE=0, "
     "TORCH_SYMM_MEM_DISABLE_MULTICAST=1 or NVSHMEM_DISABLE_NVLS=1 on any rank vetoes it", kMulticastChoices},
    {"algorithm", 0, Kind::names, Scope::sweep, Group::select, "NAMES", "one_shot,two_shot", "allreduce algorithms",
     kAlgorithmChoices},
    {"pattern", 0, Kind::names, Scope::sweep, Group::select, "NAMES", "allreduce", "allreduce and fused patterns",
     kPatternChoices},
    {"datatype", 'd', Kind::names, Scope::sweep, Group::select, "NAMES", "bf16", "element types", kDTypes},
    {"accumulate", 0, Kind::name, Scope::sweep, Group::select, "NAME", "fp32",
     "how contributions are added, in rank order; on GPUs storage runs kernels of their own, for results rather than speed",
     kAccumulationChoices},
    {"in-place", 0, Kind::switches, Scope::sweep, Group::select, "LIST", "off",
     "output over input (plain allreduce only): off, on or both as off,on"},
    {"group-size", 0, Kind::integer, Scope::run, Group::select, "N", "0",
     "split the ranks into contiguous groups of N that run at the same time; 0: all ranks are one group", {},
     from(0, 72)},
    {"config", 0, Kind::path, Scope::command, Group::select, "FILE", "",
     "configuration file {defaults..., \"sweeps\": [{...}]} or the name of a shipped one; options given here win"},
    {"plan", 0, Kind::flag, Scope::command, Group::select, "", "", "show what would run, and run nothing"},
    // ---- shapes
    {"minbytes", 'b', Kind::bytes, Scope::sweep, Group::shape, "BYTES", "1K",
     "smallest message of one rank; K, M, G are 1024^n", {}, from(1, kMaxBytes)},
    {"maxbytes", 'e', Kind::bytes, Scope::sweep, Group::shape, "BYTES", "1M", "largest message of one rank", {},
     from(1, kMaxBytes)},
    {"stepfactor", 'f', Kind::number, Scope::sweep, Group::shape, "X", "4", "next size is X times as large", {},
     {.low = 1, .high = 1e12, .low_open = true}},
    {"stepbytes", 'i', Kind::bytes, Scope::sweep, Group::shape, "BYTES", "",
     "next size is BYTES larger (instead of --stepfactor)", {}, from(1, kMaxBytes)},
    {"tokens", 0, Kind::counts, Scope::sweep, Group::shape, "LIST", "",
     "rows of a message, as a list (instead of --minbytes and --maxbytes)", {}, from(1, 16777216)},
    {"hidden", 0, Kind::counts, Scope::sweep, Group::shape, "LIST", "8192",
     "elements of a row; a size in bytes becomes floor(bytes / row) tokens", {}, from(1, 1048576)},
    {"workspace-tokens", 0, Kind::integer, Scope::sweep, Group::shape, "N", "",
     "workspaces hold messages of N tokens, as a server's do that then sends short ones; unset: the largest message", {},
     from(1, 16777216)},
    {"workspace-bytes", 0, Kind::bytes, Scope::sweep, Group::shape, "BYTES", "",
     "the same in bytes of a message (instead of --workspace-tokens)", {}, from(1, kMaxBytes)},
    {"weight-bias", 0, Kind::number, Scope::sweep, Group::shape, "X", "0",
     "RMSNorm multiplies by (X + gamma); 1 is Gemma's form", {}, {.low = -100, .high = 100}},
    {"epsilon", 0, Kind::number, Scope::sweep, Group::shape, "X", "1e-6", "RMSNorm's epsilon", {},
     {.low = 1e-30, .high = 1}},
    {"quant-scale", 0, Kind::number, Scope::sweep, Group::shape, "X", "0.01",
     "what a code of 1 stands for in the patterns of static FP8: quant_out holds norm_out / X", {},
     {.low = 1e-10, .high = 1e10}},
    {"global-scale", 0, Kind::number, Scope::sweep, Group::shape, "X", "512",
     "what scales and elements of NVFP4 are multiplied by, usually 448 * 6 / the largest element", {},
     {.low = 1e-10, .high = 1e10}},
    {"quant-group", 0, Kind::integer, Scope::sweep, Group::shape, "N", "128",
     "elements per scale of the group_fp8 patterns: a power of two", {}, from(8, 128)},
    {"scale-layout", 0, Kind::name, Scope::sweep, Group::shape, "NAME", "128x4", "where scales of NVFP4 and MXFP8 lie",
     kLayoutChoices},
    {"experts", 0, Kind::integer, Scope::sweep, Group::shape, "N", "8", "experts of a rank in moe_reduction", {},
     from(1, 64)},
    {"top-k", 0, Kind::integer, Scope::sweep, Group::shape, "N", "8", "experts per token in moe_finalize", {},
     from(1, 32)},
    {"routed-scaling", 0, Kind::number, Scope::sweep, Group::shape, "X", "1",
     "moe_finalize multiplies all but the shared expert by X", {}, {.low = -1000, .high = 1000}},
    // ---- measurement
    {"iters", 'n', Kind::integer, Scope::sweep, Group::measure, "N", "",
     "timed iterations per case and allocator, rounded up to whole batches of every block; unset: until the interval is --ci-width wide or a time cap ends", {},
     from(1)},
    {"warmup-iters", 'w', Kind::integer, Scope::sweep, Group::measure, "N", "10", "iterations before timing", {},
     from(0)},
    {"cudagraph", 'G', Kind::integer, Scope::sweep, Group::measure, "N", "0",
     "iterations per timed batch (one CUDA graph); 0: chosen by size", {}, from(0, 10000)},
    {"buffers", 0, Kind::integer, Scope::sweep, Group::measure, "N", "0",
     "at most so many sets of buffers (input and outputs) for the iterations of a batch, within 256 MiB; few of them "
     "stay in the GPU's cache, as with tools that reuse one. 0: one per iteration while they fit. 1 is refused, and "
     "where iterations share, a multiple of 3 is taken as one fewer: a stale packet would meet its own input again. In "
     "place: one per iteration always",
     {}, from(0, 10000)},
    {"check", 'c', Kind::on_off, Scope::run, Group::measure, "0|1", "on",
     "verify results that were timed: all that have a buffer of their own, else the last in each (checked_every of a "
     "row)",
     {}, {}, true, true},
    {"ci-width", 0, Kind::number, Scope::run, Group::measure, "X", "0.05",
     "asked width of the 95 % interval of the mean, as a fraction of it", {},
     {.low = 0, .high = 1, .low_open = true, .high_open = true}},
    {"blocks", 0, Kind::integer, Scope::sweep, Group::measure, "N", "0", "blocks per kernel; 0: chosen by the kernels",
     {}, from(0, 65535)},
    {"threads", 0, Kind::integer, Scope::sweep, Group::measure, "N", "0", "threads per block; 0: chosen by the kernels",
     {}, from(0, 1024)},
    {"pdl", 0, Kind::on_off, Scope::sweep, Group::measure, "0|1", "on",
     "programmatic dependent launch: a kernel's prologue overlaps the end of the one before it; GPUs only"},
    {"trigger", 0, Kind::name, Scope::sweep, Group::measure, "NAME", "early",
     "when a kernel lets the next one start (--pdl); end runs kernels of their own, for behaviour rather than speed",
     kTriggerChoices},
    {"seed", 0, Kind::integer, Scope::run, Group::measure, "N", "1", "of the inputs and of where placements fall", {},
     {}},
    {"placements", 0, Kind::integer, Scope::run, Group::measure, "N", "8",
     "places in memory at which the workspaces of compared allocators are measured: the first is upstream's own, the "
     "others lie elsewhere. A verdict needs 6. Where N do not decide, up to 3 N (not on the emulated device with "
     "--iters); fewer where memory is short. 1: the first only, and no verdict", {}, from(1, 64)},
    {"tune", 0, Kind::flag, Scope::run, Group::measure, "", "",
     "measure one_shot and two_shot (two_shot_barrier where neither can run) at every size, and write the winners to "
     "tuning.json in --output-dir, for --tuning"},
    {"tuning", 0, Kind::table, Scope::run, Group::measure, "NAME|FILE", "auto",
     "how --algorithm auto decides: auto (the shipped table of the device's SM family, else computed), computed, a "
     "shipped table (sm90) or a file that --tune wrote"},
    // ---- stability
    {"lifecycles", 0, Kind::integer, Scope::run, Group::stability, "N", "3",
     "rounds of create ... use ... close per workspace and allocator; 0: none", {}, from(0, 10000000)},
    {"soak", 0, Kind::seconds, Scope::run, Group::stability, "TIME", "",
     "instead of --lifecycles N: rounds of create ... use ... close until so much time has passed, for each workspace and "
     "allocator; what is kept of them stays small, and the report says whether operations became slower on the way",
     {}, kPositive},
    {"lifecycle-fresh", 0, Kind::flag, Scope::run, Group::stability, "", "",
     "each of --lifecycles in worker processes of its own, with a context of their own; its phases are the workspace's all "
     "the same"},
    {"concurrent", 0, Kind::integer, Scope::run, Group::stability, "N", "1",
     "workspaces that are alive at once in each lifecycle: built in turn, all used, closed in that order and every second "
     "time in the opposite one; its phases are those of all N together", {}, from(1, 64)},
    {"reattach", 0, Kind::flag, Scope::run, Group::stability, "", "",
     "in each lifecycle every workspace lets go of its memory after use, gets other memory at the same addresses and is used "
     "again; symm_device_memory only, as upstream"},
    {"memory-pressure", 0, Kind::flag, Scope::run, Group::stability, "", "",
     "each lifecycle with most of the device's memory taken: in turn so that the workspaces just fit and that they do "
     "not, which must be refused and leave nothing behind. Not beside other jobs on the same devices"},
    {"time-limit", 0, Kind::seconds, Scope::run, Group::stability, "TIME", "0",
     "end the whole run after this long, with a report; 0: no limit", {}, from(0)},
    {"timeout", 'T', Kind::seconds, Scope::run, Group::stability, "TIME", "20",
     "longest wait of one rank for another, where each has a core; kernels give up at half of it. What work takes comes "
     "on top, and busy machines get longer: see `symmbench plan`", {}, from(0.001, 86400)},
    {"deadline-scale", 0, Kind::number, Scope::run, Group::stability, "X", "1",
     "multiplies every deadline, beside what the machines' load does: for sanitizers and slow machines", {}, from(0.01, 1000)},
    {"inject", 0, Kind::text, Scope::run, Group::stability, "FAULTS", "",
     "a fault to provoke, NAME[:rank=R,...]; several times, or with ';' between them, for several: `symmbench list faults` "
     "says on which devices", {}, {}, kNow, false, kRepeats},
    {"bisect", 0, Kind::flag, Scope::run, Group::stability, "", "",
     "after a failure on more than two ranks, try smaller groups (each rank left out, then pairs) with plain allreduces, "
     "for at most 50 s: the report and a finding name the bad GPU or link, and how sure that is"},
    {"isolation", 0, Kind::name, Scope::run, Group::stability, "NAME", "process", "where the device work is done",
     kIsolation},
    {"strict", 0, Kind::flag, Scope::run, Group::stability, "", "", "skipped and not tested cases make exit code 3"},
    {"skip-if-unsupported", 0, Kind::flag, Scope::run, Group::stability, "", "",
     "exit 77 instead of 3 where this machine cannot run what was asked"},
    {"fail-on", 0, Kind::name, Scope::run, Group::stability, "SEVERITY", "none",
     "findings of this severity or above are exit 1", kFailOn},
    {"baseline", 0, Kind::path, Scope::run, Group::stability, "FILE", "",
     "report to hold this run against, with --max-regress: a case that is proven slower is exit 1"},
    {"min-busbw", 0, Kind::number, Scope::run, Group::stability, "GB/S", "0",
     "fail where the rows of one allocator, algorithm, type and pattern have a smaller bus bandwidth on average, in and out "
     "of place; NCCL's own are left out; 0: no such limit. NCCL_TESTS_MIN_BW=X is 0.9 X, as in nccl-tests", {}, from(0, 1e6)},
    {"max-regress", 0, Kind::percent, Scope::run, Group::stability, "PERCENT", "", "slowdown against the baseline that fails: 5, or 5%",
     {}, from(0, 1000)},
    {"threshold", 0, Kind::path, Scope::run, Group::stability, "FILE", "",
     "limits that times must keep, from `symmbench threshold`: one that is proven broken is exit 1"},
    // ---- device
    {"device", 0, Kind::name, Scope::run, Group::device, "NAME", "auto",
     "what runs the kernels: GPUs, one of its own for every rank, or exit 3 with rank, host and reason; or the emulated "
     "device (host), which runs only when asked for", kDevices},
    {"fabric", 0, Kind::table, Scope::run, Group::device, "NAME|FILE", "",
     "fabric profile: what the emulated device offers, and what is expected of GPUs, another one being exit 3; see "
     "`symmbench list fabrics`"},
    {"virtual-hosts", 0, Kind::integer, Scope::run, Group::device, "N", "",
     "the ranks live on N emulated hosts, --device host only [default: as many as --fabric needs, else 1]", {},
     from(1, 72)},
    // ---- output
    {"report", 'J', Kind::path, Scope::run, Group::output, "FILE", "", "write the JSON report here"},
    {"journal", 0, Kind::path, Scope::run, Group::output, "DIR", "",
     "journals of the run while it runs [default: <report>.journal, removed once the report is written]"},
    {"output-dir", 0, Kind::path, Scope::run, Group::output, "DIR", "",
     "folder for output files with standard names, made if missing: report.json (unless --report names one), and those "
     "whose options stand alone, such as --csv, or --tune [default: no report; tuning.json in the current folder]"},
    {"format", 0, Kind::name, Scope::run, Group::output, "NAME", "table", "what stdout shows", kFormats},
    {"columns", 0, Kind::names, Scope::run, Group::output, "NAMES", "",
     "further columns of the table, for each allocator; GPUs only", kFigureChoices},
    {"progress", 0, Kind::name, Scope::run, Group::output, "NAME", "auto", "how far the run is", kProgress},
    {"quiet", 0, Kind::flag, Scope::run, Group::output, "", "", "stdout has the verdict alone, one line with the reason when it is not PASSED; no progress"},
    {"verbose", 'v', Kind::flag, Scope::run, Group::output, "", "",
     "under each case the interval and the reason of its verdict; on stderr also events that need nobody's attention"},
    {"raw-samples", 0, Kind::flag, Scope::run, Group::output, "", "", "keep every sample in the report"},
};
// clang-format on

constexpr bool has_own_option(const OutputFileRow& row) {
  return std::any_of(std::begin(kOwnOptions), std::end(kOwnOptions),
                     [&](const OptionSpec& spec) { return spec.name == row.option; });
}

constexpr auto kOutputsWithout = static_cast<std::size_t>(std::count_if(
    std::begin(kOutputFiles), std::end(kOutputFiles), [](const auto& row) { return !has_own_option(row); }));

/// All options: those above, then the other outputs of the catalogue.
constexpr auto kOptions = [] {
  std::array<OptionSpec, std::size(kOwnOptions) + kOutputsWithout> all{};
  auto at = std::copy(std::begin(kOwnOptions), std::end(kOwnOptions), all.begin());
  for (const OutputFileRow& row : kOutputFiles) {
    if (!has_own_option(row)) *at++ = output_file(row);
  }
  return all;
}();

}  // namespace

std::string OptionSpec::key() const {
  std::string text(name);
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

std::string OptionSpec::flag_name() const { return "--" + std::string(name); }

std::span<const OptionSpec> option_table() { return kOptions; }

const OptionSpec* find_option(std::string_view key) {
  const auto at =
      std::find_if(std::begin(kOptions), std::end(kOptions), [&](const OptionSpec& spec) { return spec.key() == key; });
  return at == std::end(kOptions) ? nullptr : at;
}

const OptionSpec& option(std::string_view key) {
  const auto* spec = find_option(key);
  if (spec == nullptr) throw std::out_of_range(std::string(key));
  return *spec;
}

std::vector<std::string> names_now(const OptionSpec& spec) {
  std::vector<std::string> names;
  for (const auto& choice : spec.choices) {
    if (choice.now) names.emplace_back(choice.name);
  }
  return names;
}

std::vector<std::string> names_accepted(const OptionSpec& spec) {
  std::vector<std::string> names = names_now(spec);
  for (const auto& choice : spec.choices) {
    if (choice.now && !choice.also.empty()) names.emplace_back(choice.also);
  }
  return names;
}

std::vector<std::string> names_later(const OptionSpec& spec) {
  std::vector<std::string> names;
  for (const auto& choice : spec.choices) {
    if (!choice.now) names.emplace_back(choice.name);
  }
  return names;
}

std::vector<std::string> long_option_names() {
  std::vector<std::string> names;
  for (const auto& spec : kOptions) names.push_back(spec.flag_name());
  return names;
}

std::vector<std::string> config_keys(bool sweep_only) {
  std::vector<std::string> keys;
  for (const auto& spec : kOptions) {
    if (spec.scope == Scope::sweep || (spec.scope == Scope::run && !sweep_only)) keys.push_back(spec.key());
  }
  return keys;
}

std::string_view title_of(OptionGroup group) {
  switch (group) {
    case Group::select:
      return "What to run";
    case Group::shape:
      return "Sizes and shapes";
    case Group::measure:
      return "Measurement";
    case Group::stability:
      return "Stability and verdict";
    case Group::device:
      return "Device";
    case Group::output:
      return "Output";
  }
  return "";
}

}  // namespace symmbench
