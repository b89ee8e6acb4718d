#!/usr/bin/env python3
"""Measures torch's symmetric-memory all-reduces and NCCL's at the plain bf16 sizes of a symmbench report.

    export NCCL_NVLS_ENABLE=0 TORCH_SYMM_MEM_DISABLE_MULTICAST=1
    torchrun --nproc-per-node 4 scripts/compare_torch.py report.json [--json out.json]
    mpirun -n 4 python3 scripts/compare_torch.py report.json [--json out.json]

One process per GPU, on the report's machine and with as many ranks as its groups have. Per size and operation: a CUDA
graph of N calls, each with an input of its own, replayed behind a barrier on the device and timed by events; a replay
counts as long as its slowest rank took; the figure is the median over replays, per call. The operations take turns
(A-B-C-C-B-A). Inputs are random; results are checked against a float32 sum of all ranks' gathered inputs.
Multicast is never used: both variables above must be set. "-" stands for an operation that refused a size.
Exit codes: 0, 1 wrong data or a failure while measuring, 2 usage, or a machine that cannot (no torch, too few GPUs).
"""
import argparse
import datetime
import json
import math
import os
import statistics
import sys

NEEDED_ENVIRONMENT = {"NCCL_NVLS_ENABLE": "0", "TORCH_SYMM_MEM_DISABLE_MULTICAST": "1"}
LAUNCHERS = (("RANK", "WORLD_SIZE", "LOCAL_RANK"),
             ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"))
OLDEST_TORCH = (2, 6)
RING_BUDGET = 256 << 20  # bytes of inputs that one rank keeps, as symmbench
REPLAYS = 12  # per operation and size, in two halves
SEED = 1
HOLD_CYCLES = 200_000  # 0.1 ms in which the host enqueues a replay, so that its launch costs are not timed
BF16_BYTES, BF16_HALF_STEP = 2, 2.0**-9
CANNOT, FAILED = 2, 1
REFERENCES = ("nccl", "nccl_symmetric")  # rows of a report that are not symmbench's own kernels
# The column titles; multimem_* operations are missing on purpose.
KINDS = {"torch_one_shot": "torch 1-shot us", "torch_two_shot": "torch 2-shot us", "torch_nccl": "torch nccl us"}


class Stop(Exception):
    """Ends the program with a line for a person."""

    def __init__(self, message, code=CANNOT, everywhere=False):
        super().__init__(message)
        self.code = code
        self.everywhere = everywhere  # other ranks may be well, so this one speaks for itself


def place_of_environment():
    """(rank, ranks, rank on this host) as torchrun or Open MPI tell it, or None."""
    for names in LAUNCHERS:
        if all(name in os.environ for name in names):
            try:
                return tuple(int(os.environ[name]) for name in names)
            except ValueError as error:
                raise Stop(f"{', '.join(names)} in the environment must be numbers: {error}") from error
    return None


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", help="of symmbench run --device cuda, with plain allreduce rows")
    parser.add_argument("--json", metavar="FILE", help="write the table here too")
    arguments = parser.parse_args()
    output_file(parser, arguments.json)
    return arguments


def output_file(parser, path):
    if path and not os.path.isdir(os.path.dirname(os.path.abspath(path))):
        parser.error(f"--json '{path}': no such folder")


def check_variables(needed, whose):
    """Of {name: value}: each keeps `whose` from multicast."""
    for name, value in needed.items():
        if os.environ.get(name) != value:
            raise Stop(f"{name} is '{os.environ.get(name, '')}': must be {value}, or {whose} would set "
                       f"multicast up; export {name}={value}")


def load_report(path):
    """(kind of the device, rows)"""
    try:
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        return report["device"]["kind"], report["results"]
    except OSError as error:
        raise Stop(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Stop(f"{path}: no report of symmbench run ({type(error).__name__}: {error})") from error


def time_of(row):
    time_us = row["time_us"]
    return time_us["p50"] if time_us["p50"] is not None else time_us["mean"]


def our_rows(path):
    """({message_bytes: rows of symmbench's own kernels, fastest first}, ranks)"""
    kind, results = load_report(path)
    if kind != "cuda":
        raise Stop(f"{path}: has no cuda rows, it is of the {kind} device: only times of real GPUs can be compared "
                   "(symmbench run --device cuda)")
    try:
        # Peers get an input of their own per call: rows that reuse a few buffers would be warmer than they.
        plain = [row for row in results if row["pattern"] == "allreduce" and row["dtype"] == "bf16"
                 and row["in_place"] is False and row["status"] == "ok" and row["time_us"]
                 and row["algorithm"] not in REFERENCES and not row.get("buffers_asked")]
        sizes = {row["group_size"] for row in plain}
        by_bytes = {}
        for row in sorted(plain, key=time_of):
            by_bytes.setdefault(row["message_bytes"], []).append(row)
    except (KeyError, TypeError) as error:
        raise Stop(f"{path}: a row is not as symmbench writes it ({type(error).__name__}: {error})") from error
    if not plain:
        raise Stop(f"{path}: has no plain allreduce row that is bf16, out of place, without --buffers and ok")
    if len(sizes) != 1:
        raise Stop(f"{path}: has rows of {sorted(sizes)} ranks; one number is needed")
    return by_bytes, sizes.pop()


def check_place(place, ranks):
    if place is None:
        raise Stop(f"start one process per GPU: torchrun --nproc-per-node {ranks} {sys.argv[0]} ..., or "
                   f"mpirun -n {ranks} python3 {sys.argv[0]} ...")
    if place[1] != ranks:
        raise Stop(f"the report is of {ranks} ranks, this was started with {place[1]}")


def import_torch():
    # The plain CUDA backend of symmetric memory; NVSHMEM's would set multicast up by its own rules.
    os.environ["TORCH_SYMMEM"] = "CUDA"
    os.environ["NVSHMEM_DISABLE_NVLS"] = "1"
    try:
        import torch
        import torch.distributed
    except ImportError as error:
        raise Stop(f"PyTorch cannot be imported by {sys.executable} ({error}): install it with CUDA, "
                   f"{'.'.join(map(str, OLDEST_TORCH))} or later, and run this with that Python") from error
    # Asked first: an older one may not know the variable that keeps it from multicast.
    if tuple(int(part) for part in torch.__version__.split(".")[:2]) < OLDEST_TORCH:
        raise Stop(f"PyTorch {torch.__version__} is too old: {'.'.join(map(str, OLDEST_TORCH))} or later is needed")
    if not torch.cuda.is_available():
        raise Stop(f"PyTorch {torch.__version__} finds no usable GPU", everywhere=True)
    try:
        import torch.distributed._symmetric_memory as symm_mem
        torch.ops.symm_mem.one_shot_all_reduce, torch.ops.symm_mem.two_shot_all_reduce_
    except (ImportError, AttributeError) as error:
        raise Stop(f"PyTorch {torch.__version__} has no symmetric-memory all-reduce ({error})") from error
    return torch, symm_mem


def start(torch, place):
    rank, ranks, local_rank = place
    visible = torch.cuda.device_count()
    if visible > 1 and local_rank >= visible:
        raise Stop(f"rank {rank} is number {local_rank} of its host, where PyTorch sees {visible} GPUs: one each is "
                   "needed", everywhere=True)
    torch.cuda.set_device(local_rank if visible > 1 else 0)  # one: the launcher may show each rank its own
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29513")
    torch.distributed.init_process_group(
        "nccl", rank=rank, world_size=ranks, timeout=datetime.timedelta(seconds=120),
        device_id=torch.device("cuda", torch.cuda.current_device()))


def calls_of(message_bytes):
    """Calls in one graph; each has an input of its own, since two-shot and NCCL overwrite theirs."""
    wanted = 50 if message_bytes <= 2 << 20 else 20 if message_bytes <= 16 << 20 else 10
    return max(2, min(wanted, RING_BUDGET // message_bytes))


class Peers:
    """torch's and NCCL's all-reduces at one size, captured and ready to be timed. Collective throughout."""

    def __init__(self, torch, symm_mem, message_bytes):
        self.torch, self.dist = torch, torch.distributed
        self.rank, self.ranks = self.dist.get_rank(), self.dist.get_world_size()
        self.device = torch.device("cuda", torch.cuda.current_device())
        self.elements = message_bytes // BF16_BYTES
        self.calls = calls_of(message_bytes)
        shape = (self.calls, self.elements)
        self.group_name = self.dist.group.WORLD.group_name
        self.shared = symm_mem.empty(shape, dtype=torch.bfloat16, device=self.device)
        self.handle = symm_mem.rendezvous(self.shared, self.group_name)
        self.local = torch.empty(shape, dtype=torch.bfloat16, device=self.device)  # NCCL needs no symmetric memory
        self.results = {"torch_two_shot": list(self.shared), "torch_nccl": list(self.local)}
        self.events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
        self.graphs, self.refusals = {}, {}
        for kind in KINDS:
            self.prepare(kind)

    def inputs(self, call):
        generator = self.torch.Generator(device=self.device)
        generator.manual_seed((SEED * 1009 + self.rank) * 100003 + call)
        values = self.torch.rand(self.elements, generator=generator, device=self.device)
        return values.sub_(0.5).to(self.torch.bfloat16)

    def fill(self):
        for output in self.results.get("torch_one_shot", []):
            output.fill_(float("nan"))
        for call in range(self.calls):
            mine = self.inputs(call)
            self.shared[call].copy_(mine)
            self.local[call].copy_(mine)

    def call(self, kind, call):
        """One all-reduce on the current stream; its result, or None where it overwrites the input."""
        if kind == "torch_one_shot":
            return self.torch.ops.symm_mem.one_shot_all_reduce(self.shared[call], "sum", self.group_name)
        if kind == "torch_two_shot":
            self.torch.ops.symm_mem.two_shot_all_reduce_(self.shared[call], "sum", self.group_name)
        else:
            self.dist.all_reduce(self.local[call])
        return None

    def of_all_ranks(self, value, how):
        tensor = self.torch.tensor([value], dtype=self.torch.float64, device=self.device)
        self.dist.all_reduce(tensor, op=how)
        return tensor.item()

    def prepare(self, kind):
        """Captures the graph, or keeps why the operation refuses this size."""
        refusal = None
        self.fill()
        try:
            self.call(kind, 0)  # connects ranks, loads code, checks its arguments: not in the capture
        except RuntimeError as error:
            refusal = (str(error).strip() or type(error).__name__).splitlines()[0]
        self.torch.cuda.synchronize()
        if self.of_all_ranks(refusal is not None, self.dist.ReduceOp.MAX) > 0:
            self.refusals[kind] = refusal or "refused on another rank"
            return
        graph = self.torch.cuda.CUDAGraph()
        # The process group's watchdog thread may call CUDA meanwhile.
        with self.torch.cuda.graph(graph, capture_error_mode="thread_local"):
            results = [self.call(kind, call) for call in range(self.calls)]
        if kind == "torch_one_shot":
            self.results[kind] = results
        self.graphs[kind] = graph

    def replay_us(self, kind):
        """Microseconds per call of one replay, of the slowest rank."""
        self.fill()
        self.torch.cuda._sleep(HOLD_CYCLES)
        self.handle.barrier()  # on the device: all ranks' inputs are there, and ranks start together
        self.events[0].record()
        self.graphs[kind].replay()
        self.events[1].record()
        self.torch.cuda.synchronize()
        mine = self.events[0].elapsed_time(self.events[1]) * 1e3 / self.calls
        return self.of_all_ranks(mine, self.dist.ReduceOp.MAX)

    def wrong_elements(self, kind):
        """Of the last replay, over all ranks and calls. The bound holds for additions in any order, each rounded."""
        wrong = 0
        for call in range(self.calls):
            gathered = self.torch.empty(self.ranks * self.elements, dtype=self.torch.bfloat16, device=self.device)
            self.dist.all_gather_into_tensor(gathered, self.inputs(call))
            expected = self.torch.zeros(self.elements, dtype=self.torch.float32, device=self.device)
            size = self.torch.zeros_like(expected)
            for part in gathered.view(self.ranks, self.elements):
                expected += part.float()
                size += part.float().abs()
            bound = 2 * self.ranks * BF16_HALF_STEP * size
            # Not "error > bound": a NaN must count.
            wrong += int((~((self.results[kind][call].float() - expected).abs() <= bound)).sum().item())
        return int(self.of_all_ranks(wrong, self.dist.ReduceOp.SUM))

    def measure(self):
        """{kind: {"us": median or None, "wrong_elements": n or None, "refused": reason or None}}"""
        kinds = [kind for kind in KINDS if kind in self.graphs]
        times = {kind: [] for kind in kinds}
        wrong = dict.fromkeys(kinds, 0)
        for kind in kinds:
            self.replay_us(kind)  # warm-up
        for kind in kinds + kinds[::-1]:
            times[kind] += [self.replay_us(kind) for _ in range(REPLAYS // 2)]
            wrong[kind] += self.wrong_elements(kind)
        return {kind: {"us": statistics.median(times[kind]) if kind in times else None,
                       "wrong_elements": wrong.get(kind), "refused": self.refusals.get(kind)} for kind in KINDS}


def ours_of(row):
    return {"us": time_of(row), "allocator": row["allocator"], "algorithm": row["algorithm"]}


def row_of(message_bytes, rows, peers):
    best = rows[0]
    auto = next((row for row in rows if row.get("algorithm_asked") == "auto"), None)
    times = [peer["us"] for peer in peers.values() if peer["us"] is not None]
    return {"message_bytes": message_bytes, "symmbench": ours_of(best), "symmbench_auto": auto and ours_of(auto),
            **peers, "ratio": min(times) / time_of(best) if times else None}


def compare(path, by_bytes, place):
    """Collective; rank 0 prints. What --json writes."""
    torch, symm_mem = import_torch()
    rows = []
    try:
        start(torch, place)
        for message_bytes in sorted(by_bytes):
            measured = Peers(torch, symm_mem, message_bytes).measure()
            rows.append(row_of(message_bytes, by_bytes[message_bytes], measured))
            torch.cuda.empty_cache()
            if place[0] == 0:
                print_row(rows[-1], first=len(rows) == 1)
        document = {"report": path, "ranks": place[1], "dtype": "bf16", "replays": REPLAYS,
                    "torch": torch.__version__, "nccl": ".".join(map(str, torch.cuda.nccl.version())),
                    "gpu": torch.cuda.get_device_name(), "rows": rows, "ratio_geometric_mean": mean_ratio(rows)}
        torch.distributed.destroy_process_group()
        return document
    except RuntimeError as error:
        what = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise Stop(f"rank {place[0]}: {what}", FAILED, everywhere=True) from error


def mean_ratio(rows):
    ratios = [row["ratio"] for row in rows if row["ratio"] is not None]
    return math.exp(statistics.fmean(map(math.log, ratios))) if ratios else None


def text_of(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


def print_row(row, first):
    if first:
        titles = "  ".join(KINDS.values())
        print(f"# {'bytes':>10}  {'symmbench us':>12}  {'allocator':<18}  {'algorithm':<16}  {'auto us':>9}  {titles}  "
              "best peer / symmbench")
    ours, auto = row["symmbench"], row["symmbench_auto"]
    peers = "  ".join(text_of(row[kind]["us"]).rjust(len(title)) for kind, title in KINDS.items())
    print(f"  {row['message_bytes']:>10}  {ours['us']:>12.2f}  {ours['allocator']:<18}  {ours['algorithm']:<16}  "
          f"{text_of(auto and auto['us']):>9}  {peers}  {text_of(row['ratio'], 3):>21}", flush=True)
    for kind in KINDS:
        if row[kind]["refused"]:
            print(f"#   {kind}: {row[kind]['refused']}", flush=True)
        if row[kind]["wrong_elements"]:
            print(f"#   {kind}: {row[kind]['wrong_elements']} wrong elements", flush=True)


def write_json(path, document):
    try:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.write("\n")
    except OSError as error:
        raise Stop(f"--json '{path}': {error.strerror}", FAILED) from error


def run(arguments, place):
    by_bytes, ranks = our_rows(arguments.report)
    check_place(place, ranks)
    document = compare(arguments.report, by_bytes, place)
    if place[0] == 0:
        print(f"# best peer / symmbench, geometric mean: {text_of(document['ratio_geometric_mean'], 3)}  "
              f"(torch {document['torch']}, NCCL {document['nccl']}, {document['gpu']})")
        if arguments.json:
            write_json(arguments.json, document)
    wrong = any(row[kind]["wrong_elements"] for row in document["rows"] for kind in KINDS)
    return FAILED if wrong else 0


def exit_code_of(name, run_at, needed, libraries):
    """Of a comparison: run_at(place) where the environment allows it, else the reason on stderr, by one rank."""
    place = None
    try:
        place = place_of_environment()
        check_variables(needed, libraries)
        return run_at(place)
    except Stop as stop:
        if place is None or place[0] == 0 or stop.everywhere:
            print(f"{name}: {stop}", file=sys.stderr)
        return stop.code


if __name__ == "__main__":
    parsed = parse_arguments()
    sys.exit(exit_code_of("compare_torch", lambda place: run(parsed, place), NEEDED_ENVIRONMENT, "torch and NCCL"))
