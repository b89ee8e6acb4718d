#pragma once
#include <string_view>

namespace symmbench {

/// A word of reports, tables and messages, and what is meant by it here.
struct GlossaryRow {
  std::string_view word;
  std::string_view meaning;
};

/// What `symmbench explain WORD` knows beside the names in the other tables of this folder.
inline constexpr GlossaryRow kGlossary[] = {
    // ---- times and rates
    {"time_us",
     "microseconds per iteration: the mean over the iterations of a timed batch (one CUDA graph), and of each batch "
     "the time of "
     "its slowest rank. mean, p50 and the other percentiles are over batches; a percentile that needs more batches is "
     "null."},
    {"size", "message bytes of one rank: what it gives into the allreduce and gets out of it. K, M, G are 1024^n."},
    {"shape", "tokens x hidden: the rows of a message and the elements of a row."},
    {"algbw",
     "algorithm bandwidth: message bytes over time, in GB/s of 1e9 bytes (algbw_gbs, in the report); of GPUs only."},
    {"busbw",
     "bus bandwidth: algbw times 2(n-1)/n for n ranks, which can be held against a link's rate whatever n is "
     "(busbw_gbs, in "
     "the report); of GPUs only."},
    {"algbw_gbs", "message bytes / time, in GB/s of 1e9 bytes. GPUs only."},
    {"busbw_gbs",
     "algbw_gbs x 2(n-1)/n for n ranks: what an allreduce must move through each rank's link, whatever the algorithm. "
     "GPUs only."},
    {"wire_bytes", "bytes that one rank sends to its peers in one iteration of the algorithm that ran."},
    {"limit_us",
     "the least time that measured floors allow for the message: a barrier of flags, and the faster of all at once and "
     "two steps "
     "at the measured rate of writes to peers. GPUs only."},
    {"of_limit", "limit_us / time_us.mean: 1 means that nothing is left to gain."},
    {"% of limit", "of_limit in percent: how much of what links and launches allow a time reaches."},
    {"skew_us", "how much later the last rank began an iteration than the first, by stamps in the kernels. GPUs only."},
    {"clock_error_us", "the error of skew_us: clocks of GPUs are compared by messages that take time themselves."},
    {"floors",
     "what an empty kernel, a barrier of flags, a packet's way to a peer, and links took at best on this machine."},
    {"ratio",
     "time of the first allocator / time of the other, geometric mean over placements: below 1 the first is faster. "
     "The verdict beside it says whether that means anything."},
    {"skew", "how far apart the ranks began an iteration: see skew_us."},
    // ---- verdicts and states
    {"same", "the whole interval of the ratio of two allocators' times lies within 3 % of 1."},
    {"faster",
     "the whole interval of the ratio lies below 0.97, over several placements and beside all other comparisons."},
    {"slower",
     "the whole interval of the ratio lies above 1.03, over several placements and beside all other comparisons."},
    {"inconclusive",
     "the samples decide neither that there is a difference nor that there is none (ambiguous, in the report): too few "
     "placements or samples, or an interval that holds both. -v, and comparison[].reason, say which."},
    {"gate",
     "what the times of a run are held against: a baseline, thresholds. It fails (exit 1) when a case is proven slower "
     "than "
     "allowed, and has no verdict (exit 3) when none could be judged."},
    {"regressed",
     "the one-sided lower bound of a case's slowdown is above what its baseline or threshold allows; in 1 % of runs "
     "that "
     "changed nothing some case is, all of them together (Holm)."},
    {"within", "of a gate: the upper bound of a case's slowdown shows that it keeps its limit."},
    {"undecided",
     "of a gate: a case is neither proven slower than allowed nor proven to keep its limit. Where all are, the gate "
     "has not failed and proves nothing."},
    {"ambiguous", "inconclusive, as the report has it."},
    {"unstable", "batches of one placement disagree so much that a mean says little."},
    {"timed", "in tables: the case ran, and nobody looked at its results (--check off)."},
    {"ok", "the case ran, and every result that was checked was right."},
    {"failed", "the case ran or was set up, and something went wrong: failure says what, where and on which rank."},
    {"hung", "a rank did not go on within its deadline; failure names the rank and what it waited for."},
    {"skipped", "the case cannot run here, for the reason given."},
    {"not_tested", "the case could have run and did not: the run ended before it."},
    {"interrupted", "the case waited for, or ran beside, what failed: nothing is known against it."},
    {"status",
     "of a case: ok, timed, failed, hung, skipped, interrupted or not_tested; of the run: passed, failed, hung, "
     "interrupted, no_verdict or skipped, with an exit code."},
    {"culprit", "the rank that evidence points to, with host and process: not the first that complained."},
    {"strangers", "processes outside the job that connected to its sockets; other users' are refused at once."},
    // ---- how it works
    {"placement",
     "where the slots and flags of a workspace fall in memory. Times depend on it by a few percent, so allocators are "
     "compared "
     "over several placements of their workspaces."},
    {"placement_spread", "of one case and allocator: time in its slowest placement / time in its fastest, minus 1."},
    {"lifecycle", "a workspace's whole life: create, export, exchange, import, map, init, verify, use, close."},
    {"case", "a workspace, pattern, algorithm, element type, shape and handle; allocators take turns in it."},
    {"case group",
     "cases that share a workspace: one worker process runs them, in one workspace sized for the largest."},
    {"segment", "memory that each rank shares with all ranks of its group; a workspace has several."},
    {"slot",
     "one of the three parts of a Lamport area that iterations use in turn: one receives while another is cleared."},
    {"Lamport",
     "a protocol without flags: the receiver's memory is filled with a sentinel, and each word that is no longer the "
     "sentinel has arrived."},
    {"sentinel", "0x80000000, -0.0 as fp32: what a word holds until data arrives; senders replace it by 0."},
    {"unicast", "each rank writes to each peer's memory by itself; multicast would let the switch copy."},
    {"setup", "create to init of a lifecycle: what it takes until a workspace can be used."},
    {"teardown", "close of a lifecycle: memory is unmapped and given back on all ranks, in order."},
    {"setup/teardown", "a cycle of setup and teardown is a lifecycle here; --lifecycles N, or --soak for a time."},
    {"reference", "a row of another library (NCCL), measured beside ours with the same buffers, clock and checks."},
    {"canary", "a known pattern behind a segment's data; written over, something wrote beyond its end."},
    {"supervisor",
     "the MPI rank: it starts a worker for the device work, watches it, and never touches the device itself."},
    {"worker", "a process that has the device and no MPI: it may crash or hang without ending the run."},
    {"heartbeat", "a page that a worker shares with its supervisor: phase, case, iteration and what it waits for."},
    {"journal",
     "a file of records that each rank writes while the run goes on: a report can be made of it if the run is killed."},
    {"emulated",
     "no GPU took part: the host device keeps the meaning of every call, and its times say nothing about GPUs."},
    {"checked_every",
     "how many timed iterations share one buffer, and so one check after the last of them; 0: no check."},
    {"blame",
     "of a wrong result: which rank's contribution is missing, doubled, stale or changed, and in which block."},
    {"crossover", "the size from which another algorithm is the fastest."},
    {"exit codes",
     "0 passed, 1 something failed after something ran, 2 usage, 3 no verdict, 4 a hang, 77 skipped "
     "(--skip-if-unsupported)."},
};

}  // namespace symmbench
