#!/usr/bin/env python3
"""Measures an installed FlashInfer's fused allreduce at the bf16 rows of a symmbench report, pattern by pattern.

    export NCCL_NVLS_ENABLE=0 TORCH_SYMM_MEM_DISABLE_MULTICAST=1 NVSHMEM_DISABLE_NVLS=1
    torchrun --nproc-per-node 4 scripts/compare_flashinfer.py report.json [--json out.json]
    mpirun -n 4 python3 scripts/compare_flashinfer.py report.json [--json out.json]

One process per GPU, on the report's machine and with as many ranks as its groups have. The method is that of
compare_torch.py: a CUDA graph of N calls, each with buffers of its own, replayed together and timed by events; a replay
counts as long as its slowest rank took; the figure is the median over replays, per call. Per case FlashInfer's one-shot and
two-shot, each with early and late completion trigger, take turns; its best stands beside symmbench's best. Sums are
rounded at each addition, its default; --fp32-acc asks for one rounding.
The workspace is always backend="trtllm": "auto" takes multicast wherever the device has it. All three variables must be
set, and FlashInfer be 0.6.15 or later, whose trtllm workspace has no multicast. "-" stands for what refused a case.
Sums are checked against a float32 sum of all ranks' gathered inputs, but for MoE patterns, whose inputs FlashInfer combines.
Exit codes: 0, 1 wrong data or a failure while measuring, 2 usage, or a machine that cannot, 77 FlashInfer is not installed.
"""
import argparse
import importlib.util
import math
import statistics
import sys

from compare_torch import (BF16_HALF_STEP, FAILED, HOLD_CYCLES, REPLAYS, RING_BUDGET, SEED, Stop, calls_of, check_place,
                           exit_code_of, import_torch, load_report, mean_ratio, output_file, start, text_of, time_of,
                           write_json)

NEEDED_ENVIRONMENT = {"NCCL_NVLS_ENABLE": "0", "TORCH_SYMM_MEM_DISABLE_MULTICAST": "1", "NVSHMEM_DISABLE_NVLS": "1"}
SKIPPED = 77
OLDEST_FLASHINFER = (0, 6, 15)
BUFFERS_OF_A_CALL = 4  # input, residual_out, norm_out, and what is quantised
# FlashInfer's codes of our patterns (flashinfer.comm.AllReduceFusionPattern).
PATTERNS = {"allreduce": 0, "residual_rmsnorm": 1, "residual_rmsnorm_fp8": 2, "residual_rmsnorm_nvfp4": 3,
            "residual_rmsnorm_out_fp8": 4, "residual_rmsnorm_out_nvfp4": 5, "moe_reduction_residual_rmsnorm": 6,
            "moe_finalize_residual_rmsnorm": 7, "residual_rmsnorm_group_fp8": 8, "residual_rmsnorm_out_group_fp8": 9,
            "residual_rmsnorm_dynamic_fp8": 10, "residual_rmsnorm_out_dynamic_fp8": 11, "residual_rmsnorm_mxfp8": 13,
            "residual_rmsnorm_out_mxfp8": 14}
LAYOUTS = {"128x4": 0, "8x4": 1, "linear": 2}  # QuantizationSFLayout
# What of a row FlashInfer is told too; rows that differ in it are different cases.
CASE_KEYS = ("pattern", "tokens", "hidden", "message_bytes", "weight_bias", "epsilon", "quant_scale", "global_scale",
             "quant_group", "scale_layout", "experts", "top_k")
KINDS = {f"{shots}_{trigger}": {"use_oneshot": shots == "one_shot", "trigger_completion_at_end": trigger == "end"}
         for shots in ("one_shot", "two_shot") for trigger in ("early", "end")}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", help="of symmbench run --device cuda")
    parser.add_argument("--json", metavar="FILE", help="write the table here too")
    parser.add_argument("--fp32-acc", action="store_true", help="one rounding instead of FlashInfer's default")
    arguments = parser.parse_args()
    output_file(parser, arguments.json)
    return arguments


def our_cases(path):
    """([(case, rows of symmbench's own kernels, fastest first)], ranks); a case has CASE_KEYS."""
    kind, results = load_report(path)
    if kind != "cuda":
        raise Stop(f"{path}: has no cuda rows, it is of the {kind} device: only times of real GPUs can be compared "
                   "(symmbench run --device cuda)")
    cases = {}
    try:
        rows = [row for row in results if row["pattern"] in PATTERNS and row["dtype"] == "bf16"
                and row["in_place"] is False and row["status"] == "ok" and row["time_us"]
                and not row.get("reference") and not row.get("buffers_asked")]
        for row in sorted(rows, key=time_of):
            cases.setdefault(tuple(row[key] for key in CASE_KEYS), []).append(row)
        sizes = {row["group_size"] for row in rows}
    except (KeyError, TypeError) as error:
        raise Stop(f"{path}: a row is not as symmbench writes it ({type(error).__name__}: {error})") from error
    if not rows:
        raise Stop(f"{path}: has no row that is bf16, out of place, without --buffers and ok")
    if len(sizes) != 1:
        raise Stop(f"{path}: has rows of {sorted(sizes)} ranks; one number is needed")
    order = list(PATTERNS)
    listed = [(dict(zip(CASE_KEYS, key)), rows) for key, rows in cases.items()]
    listed.sort(key=lambda entry: (order.index(entry[0]["pattern"]), entry[0]["message_bytes"]))
    return listed, sizes.pop()


def import_flashinfer():
    """flashinfer and flashinfer.comm."""
    if importlib.util.find_spec("flashinfer") is None:
        raise Stop(f"skipped: FlashInfer is not installed for {sys.executable} (pip install flashinfer-python)", SKIPPED)
    try:
        import flashinfer
        import flashinfer.comm
    except ImportError as error:
        raise Stop(f"FlashInfer cannot be imported by {sys.executable} ({error})") from error
    check_version(flashinfer.__version__)
    for name in ("create_allreduce_fusion_workspace", "allreduce_fusion", "AllReduceFusionPattern"):
        if not hasattr(flashinfer.comm, name):
            raise Stop(f"FlashInfer {flashinfer.__version__} has no flashinfer.comm.{name}")
    return flashinfer, flashinfer.comm


def check_version(text):
    """Refuses what may set multicast up whatever the environment says."""
    digits = ["".join(c for c in part if c.isdigit()) for part in text.split("+")[0].split(".")[:3]]
    if tuple(int(part or 0) for part in digits) < OLDEST_FLASHINFER:
        raise Stop(f"FlashInfer {text} is too old: {'.'.join(map(str, OLDEST_FLASHINFER))} or later is needed, whose "
                   "trtllm workspace has no multicast")


def make_workspace(comm, ranks, rank, tokens, hidden, dtype):
    """Never "auto", which prefers multicast and reads no variable."""
    workspace = comm.create_allreduce_fusion_workspace(backend="trtllm", world_size=ranks, rank=rank,
                                                       max_token_num=tokens, hidden_dim=hidden, dtype=dtype)
    if workspace.backend != "trtllm":
        raise Stop(f"FlashInfer made a workspace of kind '{workspace.backend}' where trtllm was asked for", FAILED,
                   everywhere=True)
    return workspace


def kinds_of(pattern):
    """The settings that a pattern has: sums over experts are one-shot and have no say in the trigger."""
    return ["one_shot_end"] if pattern.startswith("moe_") else list(KINDS)


def scale_shape(case):
    """Bytes of the scales of NVFP4 and MXFP8, padding included."""
    per_group = 16 if "nvfp4" in case["pattern"] else 32
    columns = math.ceil(case["hidden"] / per_group / 4) * 4
    if case["scale_layout"] == "linear":
        return case["tokens"] * (case["hidden"] // per_group)
    tile = 8 if case["scale_layout"] == "8x4" else 128
    return math.ceil(case["tokens"] / tile) * tile * columns


class Peer:
    """FlashInfer's fused allreduce of one case, captured and ready to be timed. Collective throughout."""

    def __init__(self, torch, comm, workspace, case, fp32_acc):
        self.torch, self.comm, self.dist, self.case, self.fp32_acc = torch, comm, torch.distributed, case, fp32_acc
        self.rank, self.ranks, self.workspace = self.dist.get_rank(), self.dist.get_world_size(), workspace
        self.device = torch.device("cuda", torch.cuda.current_device())
        self.shape = (case["tokens"], case["hidden"])
        self.calls = max(2, min(calls_of(case["message_bytes"]),
                                RING_BUDGET // (BUFFERS_OF_A_CALL * case["message_bytes"])))
        self.pattern = PATTERNS[case["pattern"]]
        self.fused, self.experts = self.pattern != 0, case["pattern"].startswith("moe_")
        self.residual, self.gamma = self.numbers(self.shape, 1 << 20), self.numbers((case["hidden"],), 1 << 21)
        self.meeting = torch.zeros(1, device=self.device)
        self.arguments = [self.buffers(call) for call in range(self.calls)]
        self.events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
        self.graphs, self.refusals = {}, {}
        for kind in kinds_of(case["pattern"]):
            self.prepare(kind)

    def numbers(self, shape, which, rank=0):
        generator = self.torch.Generator(device=self.device)
        generator.manual_seed((SEED * 1009 + rank) * 100003 + which)
        return self.torch.rand(shape, generator=generator, device=self.device).sub_(0.5).to(self.torch.bfloat16)

    def empty(self, shape, dtype=None):
        return self.torch.empty(shape, dtype=dtype or self.torch.bfloat16, device=self.device)

    def buffers(self, call):
        """Keyword arguments of one call, with outputs of its own."""
        torch, case, name = self.torch, self.case, self.case["pattern"]
        given = {"input": self.numbers(self.shape, call, self.rank), "pattern": self.pattern, "launch_with_pdl": True,
                 "workspace": self.workspace}
        if not self.fused:
            return {**given, "output": self.empty(self.shape), "fp32_acc": self.fp32_acc}
        given.update(residual_in=self.residual, residual_out=self.empty(self.shape), rms_gamma=self.gamma,
                     rms_eps=case["epsilon"], weight_bias=case["weight_bias"])
        if self.experts:
            return {**given, "norm_out": self.empty(self.shape), **self.expert_inputs(call)}
        given["fp32_acc"] = self.fp32_acc
        if name == "residual_rmsnorm" or "_out_" in name:
            given["norm_out"] = self.empty(self.shape)
        if "nvfp4" in name:
            given.update(quant_out=self.empty((case["tokens"], case["hidden"] // 2), torch.uint8),
                         scale_out=self.empty((scale_shape(case),), torch.uint8),
                         scale_factor=torch.full((1,), case["global_scale"], device=self.device),
                         layout_code=LAYOUTS[case["scale_layout"]])
        elif "fp8" in name:
            given["quant_out"] = self.empty(self.shape, torch.float8_e4m3fn)
            if "mxfp8" in name:
                given.update(scale_out=self.empty((scale_shape(case),), torch.uint8),
                             layout_code=LAYOUTS[case["scale_layout"]])
            elif "group" in name:
                words = math.ceil(case["hidden"] // case["quant_group"] / 4)
                rows = math.ceil(case["tokens"] / 4) * 4
                given.update(block_quant_group_size=case["quant_group"],
                             scale_out=torch.empty_strided((case["tokens"], words), (1, rows), dtype=torch.int32,
                                                           device=self.device))
            elif "dynamic" in name:
                given["scale_out"] = self.empty((case["tokens"], 1), torch.float32)
            else:
                given["scale_factor"] = torch.full((1,), case["quant_scale"], device=self.device)
        return given

    def expert_inputs(self, call):
        torch, case = self.torch, self.case
        if "reduction" in case["pattern"]:
            rows = case["experts"] * case["tokens"]
            return {"moe_reduction_device_num_experts": case["experts"],
                    "moe_reduction_scale_input": torch.rand((case["experts"], case["tokens"]), device=self.device),
                    "moe_reduction_active_experts_token_input": self.numbers((rows, case["hidden"]), call, self.rank),
                    "moe_reduction_token_input": self.numbers(self.shape, call, self.rank)}
        rows = case["top_k"] * case["tokens"]
        places = torch.randperm(rows, device=self.device).to(torch.int32).view(case["tokens"], case["top_k"])
        return {"input": self.numbers((rows, case["hidden"]), call, self.rank),
                "expanded_idx_to_permuted_idx": places,
                "expert_scale_factor": self.numbers((case["tokens"], case["top_k"]), call, self.rank),
                "shared_expert_output": self.numbers(self.shape, call, self.rank)}

    def call(self, kind, call):
        settings = {} if self.experts else KINDS[kind]
        self.comm.allreduce_fusion(**self.arguments[call], **settings)

    def of_all_ranks(self, value, how):
        tensor = self.torch.tensor([value], dtype=self.torch.float64, device=self.device)
        self.dist.all_reduce(tensor, op=how)
        return tensor.item()

    def prepare(self, kind):
        """Captures the graph, or keeps why FlashInfer refuses the case."""
        refusal = None
        codes = [code for code in vars(self.comm.AllReduceFusionPattern).values() if isinstance(code, int)]
        if self.pattern not in codes:
            refusal = f"this FlashInfer has no pattern {self.pattern}"
        else:
            try:
                self.call(kind, 0)  # compiles, loads code, checks its arguments: not in the capture
            except (RuntimeError, ValueError, TypeError, KeyError) as error:
                refusal = (str(error).strip() or type(error).__name__).splitlines()[0]
        self.torch.cuda.synchronize()
        if self.of_all_ranks(refusal is not None, self.dist.ReduceOp.MAX) > 0:
            self.refusals[kind] = refusal or "refused on another rank"
            return
        graph = self.torch.cuda.CUDAGraph()
        with self.torch.cuda.graph(graph, capture_error_mode="thread_local"):
            for call in range(self.calls):
                self.call(kind, call)
        self.graphs[kind] = graph

    def replay_us(self, kind):
        """Microseconds per call of one replay, of the slowest rank."""
        for given in self.arguments:
            for name in ("output", "residual_out", "norm_out"):
                if name in given:
                    given[name].fill_(float("nan"))
        self.torch.cuda._sleep(HOLD_CYCLES)
        self.dist.all_reduce(self.meeting)  # ranks start together
        self.events[0].record()
        self.graphs[kind].replay()
        self.events[1].record()
        self.torch.cuda.synchronize()
        mine = self.events[0].elapsed_time(self.events[1]) * 1e3 / self.calls
        return self.of_all_ranks(mine, self.dist.ReduceOp.MAX)

    def wrong_elements(self):
        """Of the last replay, over all ranks and calls. The bound holds for sums that are rounded at each addition."""
        wrong = 0
        for call, given in enumerate(self.arguments):
            expected = self.torch.zeros(self.shape, dtype=self.torch.float32, device=self.device)
            size = self.torch.zeros_like(expected)
            parts = [self.numbers(self.shape, call, rank) for rank in range(self.ranks)]
            for part in parts + ([self.residual] if self.fused else []):
                expected += part.float()
                size += part.float().abs()
            bound = 2 * (self.ranks + self.fused) * BF16_HALF_STEP * size
            got = given["residual_out" if self.fused else "output"].float()
            # Not "error > bound": a NaN must count.
            wrong += int((~((got - expected).abs() <= bound)).sum().item())
        return int(self.of_all_ranks(wrong, self.dist.ReduceOp.SUM))

    def measure(self):
        """{kind: {"us": median or None, "wrong_elements": n or None, "refused": reason or None}}"""
        kinds = list(self.graphs)
        times = {kind: [] for kind in kinds}
        wrong = dict.fromkeys(kinds, None if self.experts else 0)
        for kind in kinds:
            self.replay_us(kind)  # warm-up
        for kind in kinds + kinds[::-1]:
            times[kind] += [self.replay_us(kind) for _ in range(REPLAYS // 2)]
            if not self.experts:
                wrong[kind] += self.wrong_elements()
        return {kind: {"us": statistics.median(times[kind]) if kind in times else None,
                       "wrong_elements": wrong.get(kind), "refused": self.refusals.get(kind)}
                for kind in kinds_of(self.case["pattern"])}


def row_of(case, rows, peers):
    best = min((peer["us"] for peer in peers.values() if peer["us"] is not None), default=None)
    ours = {"us": time_of(rows[0]), "allocator": rows[0]["allocator"], "algorithm": rows[0]["algorithm"],
            "accumulate": rows[0].get("accumulate")}
    return {**case, "symmbench": ours, "flashinfer": peers, "flashinfer_best_us": best,
            "ratio": best and best / ours["us"]}


def compare(arguments, cases, place):
    """Collective; rank 0 prints. What --json writes."""
    flashinfer, comm = import_flashinfer()
    torch, _ = import_torch()
    rows = []
    try:
        start(torch, place)
        workspaces = {}
        for case, ours in cases:
            hidden = case["hidden"]
            if hidden not in workspaces:
                most = max(other["tokens"] for other, _ in cases if other["hidden"] == hidden)
                workspaces[hidden] = make_workspace(comm, place[1], place[0], most, hidden, torch.bfloat16)
            measured = Peer(torch, comm, workspaces[hidden], case, arguments.fp32_acc).measure()
            rows.append(row_of(case, ours, measured))
            torch.cuda.empty_cache()
            if place[0] == 0:
                print_row(rows[-1], first=len(rows) == 1)
        for workspace in workspaces.values():
            workspace.destroy()
        document = {"report": arguments.report, "ranks": place[1], "dtype": "bf16", "replays": REPLAYS,
                    "fp32_acc": arguments.fp32_acc, "flashinfer": flashinfer.__version__, "torch": torch.__version__,
                    "gpu": torch.cuda.get_device_name(), "rows": rows, "ratio_geometric_mean": mean_ratio(rows)}
        torch.distributed.destroy_process_group()
        return document
    except RuntimeError as error:
        what = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise Stop(f"rank {place[0]}: {what}", FAILED, everywhere=True) from error


def best_of(row, shots):
    return min((peer["us"] for kind, peer in row["flashinfer"].items() if kind.startswith(shots)
                and peer["us"] is not None), default=None)


def print_row(row, first):
    if first:
        print(f"# {'pattern':<32}  {'bytes':>10}  {'symmbench us':>12}  {'algorithm':<16}  {'1-shot us':>9}  "
              f"{'2-shot us':>9}  FlashInfer / symmbench")
    ours = row["symmbench"]
    print(f"  {row['pattern']:<32}  {row['message_bytes']:>10}  {ours['us']:>12.2f}  {ours['algorithm']:<16}  "
          f"{text_of(best_of(row, 'one_shot')):>9}  {text_of(best_of(row, 'two_shot')):>9}  "
          f"{text_of(row['ratio'], 3):>22}", flush=True)
    for kind, peer in row["flashinfer"].items():
        if peer["refused"]:
            print(f"#   {kind}: {peer['refused']}", flush=True)
        if peer["wrong_elements"]:
            print(f"#   {kind}: {peer['wrong_elements']} wrong elements", flush=True)


def run(arguments, place):
    cases, ranks = our_cases(arguments.report)
    check_place(place, ranks)
    document = compare(arguments, cases, place)
    if place[0] == 0:
        print(f"# FlashInfer / symmbench, geometric mean: {text_of(document['ratio_geometric_mean'], 3)}  "
              f"(FlashInfer {document['flashinfer']}, torch {document['torch']}, {document['gpu']})")
        if arguments.json:
            write_json(arguments.json, document)
    wrong = any(peer["wrong_elements"] for row in document["rows"] for peer in row["flashinfer"].values())
    return FAILED if wrong else 0


if __name__ == "__main__":
    parsed = parse_arguments()
    sys.exit(exit_code_of("compare_flashinfer", lambda place: run(parsed, place), NEEDED_ENVIRONMENT,
                          "FlashInfer, torch and NCCL"))
