"""Runs the shipped binary under mpirun and looks at what is left of it. Used by the tests beside it."""
import errno
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BINARY = pathlib.Path(os.environ["SYMMBENCH_BINARY"])
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Sanitizers slow everything down; deadlines, never results, are stretched.
SCALE = float(os.environ.get("SYMMBENCH_TEST_SCALE", "1"))
# When a test gives up on what must come. No result depends on it: what is waited for either comes or never does, on a
# machine that is busy with other things ten times later than on an idle one.
LIMIT_S = 300 * SCALE
# How long mpirun may be there without a process of its job. It needs about a second, to start them as to leave.
LAUNCHER_S = 60 * SCALE

ENVIRONMENT = dict(
    os.environ,
    OMPI_ALLOW_RUN_AS_ROOT="1",
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
    OMPI_MCA_rmaps_base_oversubscribe="1",
    OMPI_MCA_btl="self,vader",
)


def wait_until(condition, what, limit_s=LIMIT_S):
    """Polls an observable condition; fails the test when it does not come true."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.005)  # a polling interval, not a synchronisation: the condition decides
    raise AssertionError(f"{what}: not within {limit_s} s\n{states()}")


class Process:
    """What /proc says of one live process that is the binary under test."""

    def __init__(self, pid):
        folder = pathlib.Path("/proc", str(pid))
        if os.readlink(folder / "exe") != str(BINARY.resolve()):
            raise FileNotFoundError
        stat = (folder / "stat").read_text()
        self.state, self.parent = stat[stat.rindex(")") + 2:].split()[:2]
        if self.state == "Z":
            raise ProcessLookupError
        self.pid, self.parent = pid, int(self.parent)
        self.command = (folder / "cmdline").read_text().replace("\0", " ")
        self.is_worker = " worker" in self.command
        variables = (folder / "environ").read_text(errors="replace").split("\0")
        rank = dict(each.partition("=")[::2] for each in variables).get("OMPI_COMM_WORLD_RANK")
        self.rank = None if rank is None else int(rank)  # a worker is not told


def processes():
    """{pid: Process} of every live process that is the binary under test."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                found[int(entry)] = Process(int(entry))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
    return found


def supervisors():
    """{rank: pid} of the processes that mpirun has started."""
    return {each.rank: pid for pid, each in processes().items() if not each.is_worker and each.rank is not None}


def workers():
    """{rank: pid} of their workers."""
    all_of_them = processes()
    return {all_of_them[each.parent].rank: pid for pid, each in all_of_them.items()
            if each.is_worker and each.parent in all_of_them}


def command_lines():
    """{pid: command line} of every process."""
    lines = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            lines[int(entry)] = pathlib.Path("/proc", entry, "cmdline").read_text(errors="replace").replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
    return lines


def states():
    """What every process of a run does, for the message of a test that waited in vain."""
    lines = ["processes:"]
    for pid, command in sorted(command_lines().items()):
        if "mpirun" in command or str(BINARY) in command:
            folder = pathlib.Path("/proc", str(pid))
            try:
                status = dict(line.partition(":\t")[::2] for line in (folder / "status").read_text().splitlines())
                where = (folder / "wchan").read_text()
                ticks = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
            except (FileNotFoundError, ProcessLookupError):
                continue
            spent_s = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
            lines.append(f"  {pid} (parent {status['PPid']}) {status['State']} in {where}, {spent_s} s spent: {command}")
    return "\n".join(lines)


class Hold:
    """Workers held at a named point (lib/supervise/work_point.hpp) until release(), or until they are killed."""

    def __init__(self, folder, point, ranks):
        self._fifos = [folder / f"{point}.rank{rank}" for rank in ranks]
        self._ends = []
        for fifo in self._fifos:
            os.mkfifo(fifo)

    def wait(self, job):
        """Until every one of them is there. Whoever comes after, a fresh worker for example, is not held."""
        for fifo in self._fifos:
            self._ends.append(wait_until(lambda: self._end_of(fifo, job), f"held at {fifo.name}"))
            fifo.unlink()

    @staticmethod
    def _end_of(fifo, job):
        try:
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)  # possible once a worker has opened it to read
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
        if job.ended():
            raise AssertionError(f"the run ended before {fifo.name}: {job.finish()}")
        return None

    def release(self):
        while self._ends:
            os.close(self._ends.pop())


class Job:
    """mpirun -n RANKS COMMAND, started. It leads a session of its own, so that it can be signalled alone."""

    def __init__(self, ranks, command, env=None, hold_in=None, wrapped=True, mpirun=(), launcher_s=LAUNCHER_S):
        """`mpirun`: further words for mpirun. `hold_in`: the folder of the Holds. `wrapped`: every rank's own exit status
        is kept, beside what mpirun makes of it; ranks are then no children of mpirun, so a test that kills mpirun must do
        without."""
        self._ranks, self._wrapped, self._launcher_s = ranks, wrapped, launcher_s
        self._folder = tempfile.TemporaryDirectory()
        wrapper = ["sh", HERE / "rank_wrapper.sh", self._folder.name] if wrapped else []
        environment = dict(ENVIRONMENT, **(env or {}))
        if hold_in:
            environment["SYMMBENCH_HOLD"] = str(hold_in)
        self._mpirun = subprocess.Popen(
            list(map(str, ["mpirun", "-n", ranks, *mpirun, *wrapper, *command])), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=environment, stdin=subprocess.DEVNULL, start_new_session=True)

    def ended(self):
        return self._mpirun.poll() is not None

    def signal(self, number):
        """To mpirun itself."""
        self._mpirun.send_signal(number)

    def close_stdout(self):
        """Whoever read mpirun's stdout goes away."""
        self._mpirun.stdout.close()

    def abandon(self):
        """Of a test that failed."""
        self._mpirun.kill()
        self._mpirun.communicate()
        self._folder.cleanup()

    def finish(self):
        """Waits for the end. The completed process: the exit code that the ranks agreed on, text output."""
        with self._folder:
            begun, gone_since = time.monotonic(), None
            while True:
                try:
                    stdout, stderr = self._mpirun.communicate(timeout=1)
                    break
                except subprocess.TimeoutExpired:
                    now = time.monotonic()
                gone_since = None if not self._wrapped or self._has_ranks() else gone_since or now
                if gone_since and now - gone_since > self._launcher_s:
                    self._mpirun.kill()
                elif now - begun > LIMIT_S:
                    raise AssertionError(f"no end within {LIMIT_S} s\n{states()}")
            code = self._mpirun.returncode
            if code < 0 and self._wrapped:
                code = self._code_without_launcher(code)
            return subprocess.CompletedProcess(self._mpirun.args, code, stdout, stderr)

    def _has_ranks(self):
        """Whether a process of this job is still there, mpirun itself apart."""
        return any(self._folder.name in line for pid, line in command_lines().items() if pid != self._mpirun.pid)

    def _code_without_launcher(self, launcher):
        """mpirun was killed by a signal. No test that comes here sent one, and a rank's would be a positive code: Open
        MPI 4.1 now and then crashes in PMIx_server_finalize, after a job that it had to abort, or sleeps there in a
        futex for good (finish() ends it then). The code that the ranks left with is then the answer; ranks that mpirun
        killed as it aborted the others have none."""
        died = f"mpirun died of {signal.Signals(-launcher).name}"
        wait_until(lambda: not self._has_ranks(), f"{died}; the end of its ranks")
        files = sorted(pathlib.Path(self._folder.name).glob("rank.*"))
        ends = {file.suffix[1:]: int(file.read_text()) for file in files}
        codes = set(ends.values()) - {128 + signal.SIGTERM, 128 + signal.SIGKILL}
        if len(codes) != 1:
            raise AssertionError(f"{died}, and its ranks did not leave with one code: {ends}")
        print(f"note: {died} when its ranks had left: {ends}", file=sys.stderr)
        return codes.pop()


def launch(ranks, *command, **options):
    """mpirun -n ranks command...; the completed process."""
    return Job(ranks, command, **options).finish()


def run(ranks, *arguments, **options):
    """mpirun -n ranks symmbench arguments...; the completed process."""
    return launch(ranks, BINARY, *arguments, **options)


def alone(*arguments):
    """The binary without mpirun."""
    return subprocess.run([str(BINARY), *map(str, arguments)], capture_output=True, text=True, timeout=LIMIT_S,
                          stdin=subprocess.DEVNULL)


class RunTest(unittest.TestCase):
    """A test with a scratch folder that insists that nothing survives it."""

    maxDiff = None

    def setUp(self):
        self.assertEqual(processes(), {}, "processes of an earlier test are still there")
        self._scratch = tempfile.TemporaryDirectory()
        self.scratch = pathlib.Path(self._scratch.name)
        self.report = self.scratch / "report.json"
        self._jobs, self._holds, self._hold_folder = [], [], self.scratch / "hold"
        self._hold_folder.mkdir()

    def tearDown(self):
        # Of a test that failed: a run that nobody waits for would take the machine from the next one.
        for pid in processes():
            os.kill(pid, signal.SIGKILL)
        for job in self._jobs:
            if not job.ended():
                job.abandon()
        for hold in self._holds:
            hold.release()
        wait_until(lambda: not processes(), "killed processes")
        self._scratch.cleanup()

    def hold(self, point, *ranks):
        """Asks that these ranks' workers be held at a point, in a run that start() then starts."""
        self._holds.append(Hold(self._hold_folder, point, ranks))
        return self._holds[-1]

    def start(self, ranks, *arguments, **options):
        """As run(), but returns at once: the Job."""
        return self.start_command(ranks, (BINARY, *arguments), **options)

    def start_command(self, ranks, command, **options):
        """As launch(), but returns at once: the Job."""
        self._jobs.append(Job(ranks, command, hold_in=self._hold_folder, **options))
        return self._jobs[-1]

    def assert_nothing_left(self, limit_s=30 * SCALE):
        wait_until(lambda: not processes(), "processes left behind", limit_s)

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
