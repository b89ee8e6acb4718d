#!/usr/bin/env python3
"""Draws the pictures of app/docs/pictures from runs that it makes itself, on the emulated device.

order.svg    when the allocators of a case took their turns, and what each batch took
memory.svg   where the segments of a rank's workspace lay under each allocator
failure.svg  lives of supervisors and workers while a worker is killed in the middle of a case

Needs matplotlib. Usage: scripts/draw_docs.py [BINARY]     BINARY: build/host/bin/symmbench
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "symmbench", "font.size": 9, "font.family": "sans-serif",
                            "axes.spines.top": False, "axes.spines.right": False})
import matplotlib.pyplot as plt  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
PICTURES = ROOT / "app/docs/pictures"
BINARY = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/host/bin/symmbench").resolve()
COLOURS = {"symm_device_memory": "#1f77b4", "torch_symm_mem": "#ff7f0e"}
MIB = 1 << 20


def command(ranks, report, *options):
    return list(map(str, ["mpirun", "-n", ranks, BINARY, "run", "--device", "host", "-J", report, *options]))


def environment():
    return dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                OMPI_MCA_rmaps_base_oversubscribe="1")


def save(figure, name):
    figure.savefig(PICTURES / name, metadata={"Date": None}, bbox_inches="tight")
    print(f"drawn: {PICTURES / name}")


def draw_order(report):
    rows = {row["allocator"]: row for row in report["results"]}
    comparison = report["comparison"][0]
    first, second = comparison["allocators"]
    a, b = (iter(rows[name]["samples_us"]) for name in (first, second))
    placements = comparison["placements"]
    per_block = len(rows[first]["samples_us"]) // (2 * placements)
    figure, axes = plt.subplots(figsize=(9, 2.8))
    turn = 0
    for placement in range(placements):
        axes.axvspan(turn - 0.5, turn + 4 * per_block - 0.5, color="0.95" if placement % 2 else "1.0", zorder=0)
        for name, samples in ((first, a), (second, b), (second, b), (first, a)):
            for _ in range(per_block):
                axes.bar(turn, next(samples) / 1000, 0.8, color=COLOURS[name])
                turn += 1
        axes.text(turn - 2 * per_block - 0.5, 1.0, f"placement {placement}", ha="center", va="bottom",
                  transform=axes.get_xaxis_transform())
    axes.set_xlabel("turn of a block, in the order in which they ran: A B B A in each placement")
    axes.set_ylabel("ms per iteration")
    axes.set_xlim(-0.5, turn - 0.5)
    axes.set_xticks(range(turn), [letter for _ in range(placements) for letter in "ABBA" for _ in range(per_block)])
    axes.set_title(f"A: {first}, B: {second}; ratio {comparison['ratio']:.3f}, 95 % interval {comparison['ci_low']:.3f} "
                   f"to {comparison['ci_high']:.3f}: {comparison['verdict']}", fontsize=9, pad=18, loc="left")
    save(figure, "order.svg")


def draw_memory(report):
    ranks = len(report["ranks"])
    entries = report["stability"]
    figure, all_axes = plt.subplots(len(entries), 1, figsize=(9, 4.2), sharex=True)
    for axes, entry in zip(all_axes, entries):
        for line, segment in enumerate(reversed(entry["segments"])):
            block = segment["va_bytes"] / ranks / MIB
            apart = 0.0 if segment["va_layout"] == "contiguous" else 0.6
            for rank in range(ranks):
                left = rank * (block + apart)
                axes.barh(line, block, left=left, height=0.62, color="0.9", edgecolor="0.4", linewidth=0.8)
                data, pad = segment["requested_bytes"] / MIB, segment["signal_pad_bytes"] / MIB
                axes.barh(line, data, left=left + segment["data_offset"] / MIB, height=0.62, color=COLOURS[entry["allocator"]])
                axes.barh(line, max(pad, 0.03), left=left + segment["signal_pad_offset"] / MIB, height=0.62, color="black")
                axes.text(left + block - 0.05, line, f"rank {rank}", ha="right", va="center", fontsize=7)
        axes.set_yticks(range(len(entry["segments"])), [segment["name"] for segment in reversed(entry["segments"])])
        how = "one range of addresses for all ranks" if apart == 0 else "a range of addresses per rank"
        pad = entry["segments"][0]["signal_pad_bytes"]
        axes.set_title(f"{entry['allocator']}: {how}; signal pad (black) of {pad} bytes, drawn wider than it is", fontsize=9,
                       loc="left")
    all_axes[-1].set_xlabel("MiB of addresses in one rank (coloured: data, grey: what the granularity adds)")
    figure.tight_layout()
    save(figure, "memory.svg")


def live_processes():
    """{pid: (parent, rank or None)} of this binary. A worker is a child of one, before its exec too; it has no rank here."""
    parents, ranks = {}, {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        folder = pathlib.Path("/proc", entry)
        try:
            if os.readlink(folder / "exe") != str(BINARY):
                continue
            stat = (folder / "stat").read_text()
            variables = dict(each.partition("=")[::2] for each in (folder / "environ").read_text().split("\0"))
        except OSError:
            continue
        state, parent = stat[stat.rindex(")") + 2:].split()[:2]
        if state != "Z":
            parents[int(entry)], ranks[int(entry)] = int(parent), variables.get("OMPI_COMM_WORLD_RANK")
    return {pid: (parent, None if parent in parents or ranks[pid] is None else int(ranks[pid]))
            for pid, parent in parents.items()}


def watch_failure(report, ranks, victim):
    """Lives {pid: [rank, is worker, first seen, last seen]} in s, when the victim was killed, and lines with their times."""
    lives, lines, killed = {}, [], None
    start = time.monotonic()
    run = subprocess.Popen(command(ranks, report, "-b", "4K", "-e", "64K", "-f", 2, "--algorithm", "one_shot", "-n", 600, "-G", 50,
                                   "--placements", 6, "--lifecycles", 0, "--progress", "off", "--verbose"),
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment())

    def read():
        for line in run.stdout:
            lines.append((time.monotonic() - start, line.rstrip()))

    reader = threading.Thread(target=read)
    reader.start()
    while run.poll() is None:
        now = time.monotonic() - start
        seen = live_processes()
        rank_of = {pid: rank for pid, (_, rank) in seen.items() if rank is not None}
        for pid, (parent, rank) in seen.items():
            is_worker = rank is None
            rank = rank_of.get(parent) if is_worker else rank
            if rank is not None:
                lives.setdefault(pid, [rank, is_worker, now, now])[3] = now
        done = sum(line.endswith("  ok") for _, line in lines)
        target = [pid for pid, (rank, is_worker, _, last) in lives.items() if is_worker and rank == victim and last == now]
        if killed is None and done >= 2 and target:
            killed = (now, target[0])
            os.kill(target[0], signal.SIGKILL)
        time.sleep(0.005)
    reader.join()
    return lives, killed, lines


def draw_failure(folder):
    ranks, victim = 4, 3
    lives, killed, lines = watch_failure(folder / "failure.json", ranks, victim)
    report = json.loads((folder / "failure.json").read_text())
    figure, axes = plt.subplots(figsize=(9, 3.6))
    for pid, (rank, is_worker, first, last) in lives.items():
        y = 2 * (ranks - 1 - rank) + (0 if is_worker else 0.8)
        colour = ("#d62728" if pid == killed[1] else "#2ca02c") if is_worker else "0.6"
        axes.barh(y, last - first, left=first, height=0.6, color=colour, edgecolor="white")
    axes.set_yticks([2 * (ranks - 1 - rank) + shift for rank in range(ranks) for shift in (0.8, 0)],
                    [f"rank {rank} {what}" for rank in range(ranks) for what in ("supervisor", "worker")])
    axes.axvline(killed[0], color="#d62728", linewidth=1)
    marks = [(killed[0], f"SIGKILL to the worker of rank {victim}")]
    for text, label in (("# failed", "told, with the culprit"), ("worker_restarted", "fresh workers; the case is repeated"),
                        ("FAILED (", "verdict: FAILED, exit code 1")):
        marks += [(when, label) for when, line in lines if text in line][:1]
    for line, (when, label) in enumerate(marks):
        axes.text(0, -1.4 - 0.8 * line, f"{when:.2f} s   {label}", fontsize=8, clip_on=False)
    axes.set_ylim(-0.5, 2 * ranks)
    axes.set_xlim(0, None)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel(f"seconds; {sum(row['status'] == 'ok' for row in report['results'])} of {len(report['results'])} rows ok "
                    "in the end")
    save(figure, "failure.svg")


def main():
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        path = folder / "order.json"
        subprocess.run(command(4, path, "-b", "64K", "-e", "64K", "-n", 24, "-G", 2, "--algorithm", "two_shot", "--placements", 6,
                               "--lifecycles", 1, "--raw-samples"), check=True, env=environment(), stdout=subprocess.DEVNULL)
        report = json.loads(path.read_text())
        draw_order(report)
        draw_memory(report)
        draw_failure(folder)


main()
