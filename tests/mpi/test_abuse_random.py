"""Random abuse of short runs: processes killed, stopped and signalled at named points, calls that fail, disks that fill,
streams that break. Each run follows from the seed and its number alone:

    test_abuse_random.py --seed 7 --runs 200      runs 0 to 199 of seed 7
    test_abuse_random.py --seed 7 --first 41      run 41 of it
    test_abuse_random.py --kind kill_launcher     runs of this kind alone

Without options, as in CI: seed 1, as many runs as fit in two minutes."""
import argparse
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib

import harness
from harness import BINARY, RunTest, SCALE, alone, processes, supervisors, wait_until, workers
from memory_fs import FarDisk

RANKS = 3
RUN = ("run", "--device", "host", "-b", "4K", "-e", "8K", "-f", "2", "-n", 6, "--algorithm", "one_shot",
       "--lifecycles", 2)
PATIENT, HASTY = ("-T", 60 * SCALE), ("-T", 3 * SCALE)
UNHURRIED = {"OMPI_MCA_odls_base_sigkill_timeout": "3"}
BRING_UP = ("create", "export", "exchange", "import", "map", "init")
POINTS = ["preflight.none.start", *(f"measure.none.{phase}" for phase in BRING_UP), "measure.0.use", "measure.0.launched",
          "measure.1.use", "measure.1.launched", *(f"lifecycle.{i}.{phase}" for i in (0, 1) for phase in BRING_UP)]
DRIVER_CALLS = ("cuMemCreate", "cuMemExportToShareableHandle", "cuMemImportFromShareableHandle", "cuMemMap",
                "cuMemSetAccess")
# Connects to every socket of the job that it can see, and says nothing.
STRANGER = r"""
import os, re, socket, sys, time
if os.geteuid() == 0:
    os.setuid(int(sys.argv[1]))
held = []
while True:
    with open("/proc/net/unix") as table:
        names = set(re.findall(r"@(symmbench\.\S+)", table.read()))
    for name in names:
        for _ in range(100):
            held.append(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK))
            held[-1].connect_ex("\0" + name)
    del held[:-500]
    time.sleep(0.001)  # not to take the machine from the run
"""
NOBODY = 65534


def sockets():
    """Names of all jobs in this network namespace, which may be others'; those of a job that runs come and go."""
    with open("/proc/net/unix") as table:
        return set(re.findall(r"@symmbench\.\S+", table.read()))


class Abuse:
    """What is done to one run, and what may come of it."""

    def __init__(self, seed, number, kind=None):
        self.random = random.Random(f"{seed}.{number}")
        self.kind = self.random.choice(sorted(KINDS))
        self.kind = kind or self.kind
        self.rank = self.random.randrange(RANKS)
        self.point = self.random.choice(POINTS)
        self.arguments, self.redirection = PATIENT, ""
        self.codes = {0}  # that mpirun may end with
        self.culprits = set()  # ranks that may be accused
        self.has_report = True
        self.complete = True
        self.may_come_too_late = False  # the run may be over, all of it, before what is done to it arrives
        self.stranger = None  # user of a process that connects to the job's sockets
        self.far_disk = False  # journal and report on a file system that another process serves
        self.small_disk = False  # journal and report on a file system of 16 KiB
        self.small_journal = False  # the journal alone
        self.wrapped = True  # each rank's own exit status is kept; its parent is then not mpirun
        self.act = None  # what is done to the run once the worker of `rank` is held at `point`
        KINDS[self.kind](self)

    def __str__(self):
        return f"{self.kind} of rank {self.rank} at {self.point} {' '.join(map(str, self.arguments))}"


def kill_worker(abuse):
    abuse.codes, abuse.culprits = {1}, {abuse.rank}
    abuse.act = lambda test, job: os.kill(workers()[abuse.rank], signal.SIGKILL)


def stop_worker(abuse):
    abuse.arguments, abuse.codes, abuse.culprits = HASTY, {4}, {abuse.rank}
    abuse.act = lambda test, job: os.kill(workers()[abuse.rank], signal.SIGSTOP)


def kill_two_workers(abuse):
    """As the kernel does when memory is short."""
    other = (abuse.rank + 1 + abuse.random.randrange(RANKS - 1)) % RANKS
    abuse.codes, abuse.culprits = {1}, {abuse.rank, other}

    def act(test, job):
        pids = workers()
        for rank in abuse.culprits:
            os.kill(pids[rank], signal.SIGKILL)
    abuse.act = act


def kill_supervisor(abuse):
    abuse.codes, abuse.culprits, abuse.complete = {1, 3, 4, 128 + 9, -9}, {abuse.rank}, False
    abuse.has_report = None if abuse.rank == 0 else True
    abuse.act = lambda test, job: os.kill(supervisors()[abuse.rank], signal.SIGKILL)


def stop_supervisor(abuse):
    abuse.rank = 1 + abuse.random.randrange(RANKS - 1)
    abuse.arguments, abuse.codes, abuse.culprits, abuse.complete = HASTY, {4}, {abuse.rank}, False
    abuse.act = lambda test, job: os.kill(supervisors()[abuse.rank], signal.SIGSTOP)


def stop_leader(abuse):
    abuse.rank = 0
    abuse.arguments, abuse.codes, abuse.culprits = HASTY, {4}, {0}
    abuse.has_report, abuse.complete = None, False  # mpirun wakes it as it ends the others
    abuse.act = lambda test, job: os.kill(supervisors()[0], signal.SIGSTOP)


def kill_launcher(abuse):
    abuse.wrapped, abuse.codes = False, {-signal.SIGKILL}
    abuse.has_report, abuse.complete = None, False
    abuse.act = lambda test, job: job.signal(signal.SIGKILL)


def interrupt_twice(abuse):
    abuse.codes, abuse.complete, abuse.has_report = {1, 3, -signal.SIGINT}, False, None
    abuse.may_come_too_late = True

    def act(test, job):
        job.signal(signal.SIGINT)
        job.signal(signal.SIGINT)
    abuse.act = act


def signal_launcher(abuse):
    number = abuse.random.choice((signal.SIGTERM, signal.SIGINT))
    abuse.codes, abuse.complete, abuse.may_come_too_late = {1, 3, -number}, False, True
    abuse.act = lambda test, job: job.signal(number)


def channel_call_fails(abuse):
    code = abuse.random.choice(("ENOMEM", "EIO", "ENOBUFS"))
    inject_channel(abuse, "channel_error", f",code={code}")
    abuse.codes, abuse.culprits = {0, 1}, {abuse.rank}  # 0: the worker had left before its call


def channel_call_is_odd(abuse):
    name, code = abuse.random.choice((("channel_error", ",code=EINTR"), ("channel_short", "")))
    inject_channel(abuse, name, f",count={abuse.random.randrange(1, 50)}{code}")


def inject_channel(abuse, name, rest):
    side, call = abuse.random.choice(("supervisor", "worker")), abuse.random.choice(("send", "recv"))
    at = abuse.random.randrange(1, 60)
    abuse.arguments = (*PATIENT, "--inject", f"{name}:rank={abuse.rank},side={side},call={call},at={at}{rest}")


def driver_call_fails(abuse):
    call, at = abuse.random.choice(DRIVER_CALLS), abuse.random.randrange(1, 12)
    abuse.arguments = (*PATIENT, "--inject", f"driver_code:rank={abuse.rank},call={call},at={at},code=2")
    abuse.codes, abuse.culprits = {0, 1, 3}, {abuse.rank}  # a call of a trial is a refusal; of the last, one too many


def report_folder_vanishes(abuse):
    abuse.codes, abuse.has_report = {3}, False
    abuse.act = lambda test, job: shutil.rmtree(test.folder)


def journal_vanishes(abuse):
    abuse.act = lambda test, job: shutil.rmtree(f"{test.report}.journal")


def reader_leaves(abuse):
    abuse.act = lambda test, job: job.close_stdout()
    abuse.codes = {0, -signal.SIGPIPE}


def streams_break(abuse):
    abuse.redirection = abuse.random.choice(("2>/dev/full", ">/dev/full 2>/dev/full", "<&- >&- 2>&-"))


def disk_is_full(abuse):
    abuse.codes, abuse.has_report, abuse.small_disk = {3}, False, True


def journal_disk_is_full(abuse):
    abuse.small_journal = True


def disk_goes_out_of_reach(abuse):
    abuse.codes, abuse.has_report, abuse.far_disk = {3}, False, True
    abuse.act = lambda test, job: test.far_disk.go_out_of_reach()


def strangers_connect(abuse):
    abuse.stranger = abuse.random.choice((os.geteuid(), NOBODY))


KINDS = {each.__name__: each for each in (
    kill_worker, kill_two_workers, stop_worker, kill_supervisor, stop_supervisor, stop_leader, kill_launcher,
    signal_launcher, interrupt_twice, channel_call_fails, channel_call_is_odd, driver_call_fails, report_folder_vanishes,
    journal_vanishes, reader_leaves, streams_break, disk_is_full, journal_disk_is_full, disk_goes_out_of_reach,
    strangers_connect)}


def accused_in_words(text):
    """Whom a line of output or a reason names: dead, frozen, silent or lost."""
    return {int(rank) for rank in re.findall(r"(?:rank (?=\d+'s process)|rank (?=\d+ \(\S+, pid)|lost rank )(\d+)", text)}


def accused_ranks(report):
    """Whom the report blames: in rows, lifecycles, incidents, as silent, or as the end of the run. Who waited accuses its
    peer."""
    incidents = list(report["run"]["incidents"])
    for entry in report["stability"]:
        incidents += entry["incidents"]
        incidents.append({"failure": entry["first_failure"], "status": "failed"})
    blamed = accused_in_words(report["run"]["interrupted_by"] or "")
    for event in report["run"]["events"]:
        if event["what"] == "rank_silent":
            blamed |= accused_in_words(event["detail"])
    for each in incidents + report["results"]:
        failure = each["failure"]
        if not failure or each["status"] not in ("failed", "hung"):
            continue
        waited = failure["reason"] in ("timed_out", "peer_failed") and failure["peer"] is not None
        blamed.add(failure["peer"] if waited else failure["rank"])
    return blamed - {None}


class RandomAbuse(RunTest):
    seed, first, runs, seconds, kind = 1, 0, None, 90, None

    def test_every_run_ends_with_the_truth_and_leaves_nothing(self):
        until, number = time.monotonic() + self.seconds, self.first
        while number < self.first + self.runs if self.runs else time.monotonic() < until:
            abuse = Abuse(self.seed, number, self.kind)
            with self.subTest(seed=self.seed, number=number, abuse=str(abuse)):
                print(f"seed {self.seed} run {number}: {abuse}", file=sys.stderr, flush=True)
                began = time.monotonic()
                try:
                    self.run_one(abuse)
                except AssertionError as error:  # told now: of many runs the end may be far, or never come
                    print(f"  failed: {error}", file=sys.stderr, flush=True)
                    raise
                print(f"  {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
            number += 1
        print(f"{number - self.first} runs", file=sys.stderr)

    def run_one(self, abuse):
        self.folder, temporary, self._hold_folder = (pathlib.Path(tempfile.mkdtemp(dir=self.scratch)) for _ in range(3))
        self.report = self.folder / "r.json"
        self.others_sockets = sockets()
        self.journal = self.folder / "j"
        self.journal.mkdir()
        disk = self.folder if abuse.small_disk else self.journal if abuse.small_journal else None
        if disk and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk],
                                   capture_output=True).returncode != 0:
            return self.leave_out()
        self.far_disk = FarDisk(self.folder) if abuse.far_disk else None
        if self.far_disk and not self.far_disk.mounted:
            self.far_disk.close()
            return self.leave_out()
        stranger = abuse.stranger is not None and subprocess.Popen([sys.executable, "-c", STRANGER, str(abuse.stranger)])
        try:
            done = self.abused(abuse, temporary)
            if self.far_disk:
                self.far_disk.close()
            self.assertIsNone(stranger.poll() if stranger else None, "the stranger died")
            self.judge(abuse, done, temporary)
        finally:
            if stranger:
                stranger.kill()
                stranger.wait()
            for pid in processes():  # of a run that was not as it should be
                os.kill(pid, signal.SIGKILL)
            if disk:
                subprocess.run(["umount", "--lazy", disk], check=True)
            if self.far_disk:
                self.far_disk.close()

    def leave_out(self):
        print("left out: file systems cannot be mounted here", file=sys.stderr)

    def abused(self, abuse, temporary):
        command = (BINARY, *RUN, *abuse.arguments, "-J", self.report)
        if abuse.small_journal:
            command += ("--journal", self.journal / "j")
        if abuse.redirection:
            command = ("bash", "-c", f'exec "$@" {abuse.redirection}', "x", *command)
        hold = self.hold(abuse.point, abuse.rank) if abuse.act else None
        job = self.start_command(RANKS, command, env=dict(UNHURRIED, TMPDIR=str(temporary)), wrapped=abuse.wrapped)
        if hold:
            hold.wait(job)
            abuse.act(self, job)
            hold.release()
        done = job.finish()
        self.assert_nothing_left()
        return done

    def judge(self, abuse, done, temporary):
        told = f"stdout:\n{done.stdout}\nstderr:\n{done.stderr}"
        self.assertIn(done.returncode, abuse.codes, told)
        moved = list(temporary.glob("symmbench-*/report.json"))
        self.assertEqual(len(moved), 1 if abuse.has_report is False else 0, told)
        self.assertEqual([path for path in self.scratch.rglob("*.tmp-*")], [], told)
        left = sockets() - self.others_sockets
        wait_until(lambda: not left & sockets(), f"sockets left behind: {left}", 30 * SCALE)
        self.assertLessEqual(accused_in_words(done.stdout + done.stderr), abuse.culprits, told)
        path = moved[0] if moved else self.report
        if abuse.has_report is None and not path.exists():
            return self.assert_journals_tell(abuse, told)
        self.assertEqual(alone("validate", path).returncode, 0, told)
        report = self.load(path)
        if abuse.complete:
            self.assertTrue(report["run"]["complete"], told)
            if done.returncode >= 0:
                self.assertEqual(report["verdict"]["exit_code"], done.returncode, told)
        elif not abuse.may_come_too_late or not report["run"]["complete"]:
            self.assertNotEqual(report["verdict"]["exit_code"], 0, told)
        self.assertLessEqual(accused_ranks(report), abuse.culprits, told)

    def assert_journals_tell(self, abuse, told):
        journals = sorted(pathlib.Path(f"{self.report}.journal").glob("rank-*.jsonl"))
        self.assertEqual(len(journals), RANKS, told)
        for journal in journals:
            for line in journal.read_bytes().splitlines()[:-1]:  # the last may be cut off
                crc, _, text = line.partition(b" ")
                self.assertEqual(int(crc, 16), zlib.crc32(text), line)
                json.loads(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, metavar="NUMBER")
    parser.add_argument("--runs", type=int)
    parser.add_argument("--kind", choices=sorted(KINDS))
    arguments = parser.parse_args()
    RandomAbuse.seed, RandomAbuse.first, RandomAbuse.kind = arguments.seed, arguments.first, arguments.kind
    RandomAbuse.runs = arguments.runs or (1 if arguments.first else None)
    sys.argv[1:] = []
    harness.main()


if __name__ == "__main__":
    main()
