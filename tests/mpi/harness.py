"""Runs the shipped binary under mpirun and looks at what is left of it. Used by the tests beside it."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BINARY = pathlib.Path(os.environ["SYMMBENCH_BINARY"])
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Sanitizers slow everything down; deadlines, never results, are stretched.
SCALE = float(os.environ.get("SYMMBENCH_TEST_SCALE", "1"))
LIMIT_S = 120 * SCALE

ENVIRONMENT = dict(
    os.environ,
    OMPI_ALLOW_RUN_AS_ROOT="1",
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
    OMPI_MCA_rmaps_base_oversubscribe="1",
    OMPI_MCA_btl="self,vader",
)


def command_line(ranks, *arguments):
    return ["mpirun", "-n", str(ranks), str(BINARY), *map(str, arguments)]


def run(ranks, *arguments, **options):
    """mpirun -n ranks symmbench arguments...; the completed process, with text output."""
    environment = dict(ENVIRONMENT, **options.pop("env", {}))
    return subprocess.run(
        command_line(ranks, *arguments), capture_output=True, text=True, timeout=LIMIT_S, env=environment,
        stdin=subprocess.DEVNULL, **options)


def start(ranks, *arguments):
    """As run(), but returns at once; the process leads a session of its own, so that it can be signalled alone."""
    return subprocess.Popen(
        command_line(ranks, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT,
        stdin=subprocess.DEVNULL, start_new_session=True)


def alone(*arguments):
    """The binary without mpirun."""
    return subprocess.run([str(BINARY), *map(str, arguments)], capture_output=True, text=True, timeout=LIMIT_S,
                          stdin=subprocess.DEVNULL)


def processes():
    """{pid: (parent pid, command line)} of every live process that is the binary under test."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if os.readlink(entry / "exe") != str(BINARY.resolve()):
                continue
            stat = (entry / "stat").read_text()
            state, parent = stat[stat.rindex(")") + 2:].split()[:2]
            if state != "Z":
                found[int(entry.name)] = (int(parent), (entry / "cmdline").read_text().replace("\0", " "))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def workers():
    """Pids of live worker processes, in no order."""
    return [pid for pid, (_, line) in processes().items() if " worker" in line]


def measuring(report, ranks):
    """A condition for wait_until: all workers' pids once the run has its first row, so that all are past bring-up and in
    the middle of their cases."""
    journal = report.with_name(report.name + ".journal") / "rank-0.jsonl"

    def ready():
        pids = workers()
        return pids if journal.exists() and '"type":"row"' in journal.read_text() and len(pids) >= ranks else None
    return ready


def wait_until(condition, what, limit_s=60):
    """Polls an observable condition; fails the test when it does not come true in time."""
    deadline = time.monotonic() + limit_s * SCALE
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.005)  # a polling interval, not a synchronisation: the condition decides
    raise AssertionError(f"{what}: not within {limit_s * SCALE} s")


class RunTest(unittest.TestCase):
    """A test with a scratch folder that insists that nothing survives it."""

    maxDiff = None

    def setUp(self):
        self.assertEqual(processes(), {}, "processes of an earlier test are still there")
        self._scratch = tempfile.TemporaryDirectory()
        self.scratch = pathlib.Path(self._scratch.name)
        self.report = self.scratch / "report.json"

    def tearDown(self):
        for pid in processes():  # of a test that failed: a run that nobody waits for would take the machine from the next
            os.kill(pid, signal.SIGKILL)
        self._scratch.cleanup()

    def assert_nothing_left(self):
        wait_until(lambda: not processes(), f"processes left behind: {processes()}", limit_s=10)

    def load(self, path=None):
        return json.loads((path or self.report).read_text())

    def assert_exit(self, process, code):
        self.assertEqual(process.returncode, code, f"stdout:\n{process.stdout}\nstderr:\n{process.stderr}")

    def config(self, **settings):
        """Writes a config file and returns its path."""
        path = self.scratch / "config.json"
        path.write_text(json.dumps(settings))
        return path


def main():
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
