#include "app/cli.hpp"

namespace symmbench {
namespace {

constexpr std::string_view kRunExitCodes =
    "  0   passed\n"
    "  1   something failed after something ran: wrong data, a crash, an allocator's bring-up, a leak, a limit that a "
    "gate "
    "sets\n"
    "  2   usage: the command line or a file cannot be right, whatever the machine\n"
    "  3   no verdict: the machine forbids it, no case of an asked allocator could run, something asked for could "
    "not be written, or interrupted\n"
    "  4   a hang\n"
    "  77  skipped (--skip-if-unsupported)\n";

constexpr CommandOption kPlanOptions[] = {{"ranks", "N", "plan for N ranks on one host [default: 4]"},
                                          {"json", "", "print the plan as JSON"}};
constexpr CommandOption kSalvageOptions[] = {
    {"output", "FILE", "the report to write", 'o'},
    {"force", "", "replace FILE where it exists; take journals of a run that is alive, too"}};
constexpr CommandOption kBundleOptions[] = {{"output", "FILE", "the archive to write, NAME.tar.gz", 'o'},
                                            {"force", "", "replace FILE where it exists"}};
constexpr CommandOption kHtmlOptions[] = {{"output", "FILE", "the page to write, NAME.html", 'o'},
                                          {"force", "", "replace FILE where it exists"}};
constexpr CommandOption kCompareOptions[] = {
    {"max-regress", "PERCENT", "make it a gate: exit 1 when a case of B is proven slower than A by more than this"},
    {"format", "NAME", "text, json or markdown [default: text]"}};
constexpr CommandOption kThresholdOptions[] = {
    {"from", "REPORT...", "the good reports"},
    {"output", "FILE", "the file to write [default: stdout]", 'o'},
    {"margin", "PERCENT", "by how much a limit is above the slowest of the reports [default: 5]"},
    {"force", "", "replace FILE where it exists"}};
constexpr CommandOption kSelftestOptions[] = {
    {"device", "NAME", "host: the emulated device, every fault; cuda: GPUs, those that change no kernel and no memory"},
    {"faults", "LIST", "these only [default: all]"},
    {"allocator", "LIST", "with these only [default: all]"},
    {"exhaustive", "", "every rank in turn, and driver calls with every code"},
    {"seed", "N", "decides which rank each fault strikes [default: 1]"},
    {"timeout", "TIME", "--timeout of each run [default: 0.5]", 'T'},
    {"check", "0|1", "check results; switched off, faults of the data are missed [default: 1]", 'c'},
    {"report", "FILE", "what was seen, as JSON", 'J'}};
constexpr CommandOption kProbeOptions[] = {
    {"json", "", "print the report as JSON"},
    {"trace", "", "keep every driver call: name, bytes, handle type, result, time"}};
constexpr CommandOption kListOptions[] = {{"json", "", "print the list as JSON"}};

constexpr CommandSpec kCommands[] = {
    {.name = "run",
     .arguments = "[options]",
     .about = "build workspaces, run and verify allreduce, compare the allocators, write a report",
     .details =
         "Start it with mpirun, one rank per GPU: mpirun -n 4 symmbench run. Without options it gives a verdict within "
         "a "
         "minute. Option names of config files are the same, with underscores: \"warmup_iters\". Lists are "
         "comma-separated; a sweep is the cross product of its lists. Sizes: K, M, G, T are 1024^n. Times: seconds, or "
         "500ms, 1.5s, 10m, 2h. Options of nccl-tests (-g 1, -t 1, -o sum, ...) are accepted where they ask for what "
         "runs anyway, else refused with what to do instead.",
     .run_options = true,
     .exit_codes = kRunExitCodes},
    {.name = "plan",
     .arguments = "[--ranks N] [run options]",
     .about = "what a run would do: cases, bytes per rank and host, deadlines, expected time; no MPI, no GPU",
     .details = "Takes every option of `symmbench run` beside its own.",
     .run_options = true,
     .options = kPlanOptions,
     .exit_codes = "  0   planned\n  2   usage: the run would be refused the same way\n  3   stdout did not take it\n"},
    {.name = "list",
     .arguments = "WHAT [--json]",
     .about = "what there is, and what of it is in this version",
     .details = "The lists of allocators and workspaces also tell where we depart from upstream on purpose.",
     .positional = "WHAT",
     .subjects = "workspaces, allocators, patterns, algorithms, fabrics, faults, checks, configs, stacks",
     .options = kListOptions,
     .exit_codes = "  0   listed\n  2   usage\n  3   stdout did not take it\n"},
    {.name = "validate",
     .arguments = "FILE...",
     .about = "check reports, self tests, config files, fabric profiles, tuning tables and threshold files",
     .details = "Which of them a file is follows from its content. Holds it against the shipped schema, config files "
                "also against "
                "what a run would refuse. Prints the path of each violation, of many alike the first three.",
     .positional = "FILE",
     .several = true,
     .exit_codes = "  0   all are valid\n  1   violations in at least one\n"
                   "  2   none has violations, and one cannot be read or is not JSON\n"
                   "  3   stdout did not take the answer\n"},
    {.name = "salvage",
     .arguments = "DIR -o REPORT [--force]",
     .about = "turn the journals of an interrupted run into a report",
     .details =
         "DIR is the folder of the journals, <report>.journal of the run, or a folder that holds one. They "
         "stay. What is missing or damaged in them is named on stderr and in run.events. What was not written is "
         "not_tested, and a run without an end is not complete.",
     .positional = "DIR",
     .options = kSalvageOptions,
     .exit_codes = "  0, 1, 3, 4, 77   what the report comes to, as from the run itself; 3 is usual: not complete\n"
                   "  2   no report can be made of DIR, its run is alive, or REPORT exists\n"
                   "  3   also: the report cannot be written\n"},
    {.name = "bundle",
     .arguments = "REPORT|DIR -o NAME.tar.gz [--force]",
     .about = "one archive for a ticket: reports, journals, configuration, facts; secrets taken out",
     .details =
         "Of a report: it and its journals, where they are still there. Of a folder: all that a run writes, and logs. "
         "Tokens, passwords and the like are masked, by the name beside them or by their shape; look into it all the "
         "same before it leaves your hands. manifest.json in it says what was taken out and left out.",
     .positional = "REPORT|DIR",
     .options = kBundleOptions,
     .exit_codes = "  0   written\n  2   nothing to take, the archive exists, or its name says that it is none\n"
                   "  3   it cannot be written\n"},
    {.name = "probe",
     .arguments = "[--json] [--trace] [options]",
     .about = "facts of the machine, handle trials, peer-access matrix, findings",
     .details =
         "Under mpirun, one rank per GPU, or alone. Tries every handle type under every allocator, hands descriptors "
         "around, and\n"
         "for each pair of ranks reads what the other wrote into its own memory. Of the options of `symmbench run` "
         "those "
         "of the\n"
         "device, of groups, timeouts and files count. The report (-J) is of the form of a run's, without rows.\n",
     .run_options = true,
     .options = kProbeOptions,
     .exit_codes =
         "  0   probed; what was found is in the findings (--fail-on SEVERITY makes them exit 1)\n"
         "  1   --fail-on\n  2   usage\n  3   the machine forbids it, a rank was lost, or stdout did not take it\n"
         "  4   a hang\n"},
    {.name = "selftest",
     .arguments = "--device host|cuda [-J FILE] [options]",
     .about = "inject every fault; say whether it was detected, attributed and bounded",
     .details =
         "Start it with mpirun, as a run: mpirun -n 4 symmbench selftest --device host. Every fault of `symmbench list "
         "faults` strikes one rank with each allocator, in a run of its own with short deadlines; the run's report "
         "must name layer, phase, rank and allocator within the fault's bound, with its exit code, and leave nothing "
         "behind. With --device cuda, every rank on a GPU of its own, those are provoked that are safe there: none "
         "that changes a kernel or its memory.",
     .options = kSelftestOptions,
     .exit_codes = "  0   every fault was seen\n  1   one was missed\n  2   usage\n"
                   "  3   cut short, no GPU for every rank, or the file could not be written\n"},
    {.name = "compare",
     .arguments = "A.json B.json [--max-regress PERCENT] [--format text|json|markdown]",
     .about = "two reports: what differs in their surroundings, then times case by case, B over A",
     .details =
         "Pairs rows by case_id and allocator; times are compared over placements. Without --max-regress anything is\n"
         "compared, and differences said. With it, reports that are not complete, have injected faults, no case in "
         "common or\n"
         "are of another device kind, GPU model or fabric are refused.\n",
     .positional = "A.json B.json",
     .several = true,
     .options = kCompareOptions,
     .exit_codes =
         "  0   compared; with --max-regress: no case is proven slower than allowed\n"
         "  1   --max-regress: a case is\n"
         "  2   a file cannot be read, is no report, has a schema of another major version, or makes no gate\n"
         "  3   --max-regress: no case has enough placements and samples to be judged; stdout did not take it\n"},
    {.name = "threshold",
     .arguments = "--from REPORT... [-o FILE] [--margin PERCENT] [--force]",
     .about = "limits for `run --threshold`, out of good reports of one machine",
     .details = "A limit for every case_id and allocator: the slowest of the reports, and a margin. Below 1 MiB in "
                "microseconds,\n"
                "from there on in GB/s (busbw) where the reports have it. Each limit says which reports it is made of. "
                "Rows with\n"
                "fewer than 6 placements or 6 samples are left out, and named.\n",
     .positional = "--from REPORT...",
     .several = true,
     .options = kThresholdOptions,
     .exit_codes = "  0   made\n"
                   "  2   a report cannot be read, is not complete, has injected faults, no samples, or is of another "
                   "machine\n"
                   "  3   it cannot be written\n"},
    {.name = "html",
     .arguments = "REPORT [OTHER] -o FILE [--force]",
     .about = "a report as a page for a browser, with charts",
     .details = "One file that needs nothing else: verdict, findings, what did not pass, a chart and a table for each "
                "series, comparisons of the allocators, lifecycles, ranks. With OTHER also what differs in their "
                "surroundings, and times of OTHER over REPORT.",
     .positional = "REPORT [OTHER]",
     .several = true,
     .options = kHtmlOptions,
     .exit_codes =
         "  0   written\n  2   a file cannot be read, is no report, or has a schema of another major version; FILE "
         "exists\n  3   it cannot be written\n"},
    {.name = "explain",
     .arguments = "WORD",
     .about = "what a word of the report, the table or a message means",
     .details = "Titles of the table; metrics, verdicts, states; keys of the report; names of allocators, algorithms, "
                "patterns, handle types, faults, checks, configurations; options of `run`, commands.",
     .positional = "WORD",
     .several = true,
     .with_dashes = true,
     .exit_codes = "  0   explained\n  2   not a word that is explained here\n  3   stdout did not take it\n"},
};

}  // namespace

std::span<const CommandSpec> command_table() { return kCommands; }

}  // namespace symmbench
