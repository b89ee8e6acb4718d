"""Hosts made of network, UTS and mount namespaces of this machine, joined by a veth pair, with Open MPI started across them:
what a job finds where descriptors do not travel although the machine is one, where a host is lost, and where hosts are not
alike. Skipped where namespaces may not be made."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/mpi"))
from harness import BINARY, ENVIRONMENT, LIMIT_S, Hold, alone, main, processes, wait_until  # noqa: E402

AGENT = pathlib.Path(__file__).resolve().parent / "agent.sh"
HOSTS = {"10.0.0.1": "node-a", "10.0.0.2": "node-b"}
ONE_CASE = ("run", "--device", "host", "-b", "16K", "-e", "16K", "-n", "4", "--algorithm", "one_shot", "--placements", "1",
            "--lifecycles", "0")


def sh(command, **options):
    return subprocess.run(command, shell=True, check=True, capture_output=True, text=True, timeout=60, **options)


def why_not():
    """Why hosts cannot be made here; None: they can."""
    for tool in ("ip", "nsenter", "unshare"):
        if subprocess.run(["which", tool], capture_output=True).returncode != 0:
            return f"{tool} is not installed"
    probe = subprocess.run("unshare -n -u -m true && unshare -n ip link add va type veth peer name vb", shell=True,
                           capture_output=True, text=True)
    return None if probe.returncode == 0 else f"namespaces may not be made: {probe.stderr.strip()}"


@unittest.skipIf(why_not(), why_not())
class Hosts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Each host is a process that keeps its namespaces open."""
        cls.folder = tempfile.TemporaryDirectory()
        path = pathlib.Path(cls.folder.name)
        cls.keepers = []
        for host in HOSTS:
            keeper = subprocess.Popen(["unshare", "-n", "-u", "-m", "sh", "-c", "echo made; exec cat"],  # until this test ends
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            keeper.stdout.readline()
            cls.keepers.append(keeper)
            (path / f"{host}.pid").write_text(str(keeper.pid))
            cls.inside(host, f"hostname {HOSTS[host]}; ip link set lo up")
        first, second = HOSTS
        cls.inside(first, "ip link add eth0 type veth peer name peer0 && "
                          f"ip link set peer0 netns {cls.keepers[1].pid}")
        cls.inside(second, "ip link set peer0 name eth0")
        for host in HOSTS:
            cls.inside(host, f"ip addr add {host}/24 dev eth0 && ip link set eth0 up")

    @classmethod
    def tearDownClass(cls):
        for keeper in cls.keepers:
            keeper.kill()
            keeper.wait()
            keeper.stdout.close()
            keeper.stdin.close()
        cls.folder.cleanup()

    @classmethod
    def inside(cls, host, command):
        keeper = cls.keepers[list(HOSTS).index(host)]
        return sh(f"nsenter --target {keeper.pid} --net --uts --mount -- sh -c '{command}'")

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)

    def start_across(self, *arguments, binary=BINARY, **variables):
        """A job of four ranks, two on each host, started on the first."""
        path = pathlib.Path(self.folder.name)
        command = ["nsenter", "--target", str(self.keepers[0].pid), "--net", "--uts", "--mount", "--", "mpirun", "-n", "4",
                   "--host", ",".join(f"{host}:2" for host in HOSTS), "--mca", "plm_rsh_agent", str(AGENT), "--mca", "btl", "self,tcp",
                   "--mca", "btl_tcp_if_include", "eth0", "--mca", "oob_tcp_if_include", "eth0",
                   *(word for name in variables for word in ("-x", name)), str(binary), *map(str, arguments)]
        environment = {name: value for name, value in ENVIRONMENT.items() if name != "OMPI_MCA_btl"}
        environment.update(variables, SYMMBENCH_HOSTS=str(path))
        job = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
                               stdin=subprocess.DEVNULL)
        self.addCleanup(job.kill)
        return job

    @staticmethod
    def end_of(job):
        stdout, stderr = job.communicate(timeout=LIMIT_S)
        return subprocess.CompletedProcess(job.args, job.returncode, stdout, stderr)

    def run_across(self, *arguments, **options):
        return self.end_of(self.start_across(*arguments, **options))

    def processes_of(self, host):
        """All that lives on a host but its keeper: the launcher's daemon, ranks and workers."""
        keeper = self.keepers[list(HOSTS).index(host)].pid
        network = os.readlink(f"/proc/{keeper}/ns/net")
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                if int(entry) != keeper and os.readlink(f"/proc/{entry}/ns/net") == network:
                    found.append(int(entry))
            except (FileNotFoundError, ProcessLookupError, PermissionError):  # ended, or a stranger's
                continue
        return found

    def assert_exit(self, done, code):
        self.assertEqual(done.returncode, code, f"stdout:\n{done.stdout}\nstderr:\n{done.stderr}")

    def test_descriptors_do_not_travel_between_network_namespaces_of_one_machine(self):
        done = self.run_across(*ONE_CASE, "--handle", "posix_fd")
        self.assert_exit(done, 3)
        self.assertIn("posix_fd: does not travel between hosts: node-a on ranks 0, 1; node-b on ranks 2, 3; it is one "
                      "machine (equal boot ids), only the network namespaces differ", done.stdout)

    def test_groups_inside_a_host_use_them(self):
        self.assert_exit(self.run_across(*ONE_CASE, "--handle", "posix_fd", "--group-size", "2"), 0)

    def test_fabric_handles_travel_where_a_profile_has_them(self):
        report = self.scratch / "report.json"
        done = self.run_across(*ONE_CASE, "--fabric", "sm103-gb300-nvl72", "-J", str(report))
        self.assert_exit(done, 0)
        rows = json.loads(report.read_text())["results"]
        self.assertEqual({row["handle"]["used"] for row in rows}, {"fabric"})

    def test_a_host_that_is_lost_in_the_middle_ends_the_run_and_leaves_what_was_measured(self):
        """All that lives there is killed at once, the launcher's daemon included; what the others are left with is a report,
        or, where the launcher ends them before they have written it, journals that make one."""
        report, held = self.scratch / "report.json", self.scratch / "hold"
        held.mkdir()
        hold = Hold(held, "measure.1.use", range(4))
        job = self.start_across(*ONE_CASE[:3], "-b", "4K", "-e", "8K", "-f", "2", *ONE_CASE[7:], "--fabric", "sm103-gb300-nvl72", "-J",
                                report, "--journal", self.scratch / "journal", SYMMBENCH_HOLD=str(held))

        class Running:
            ended = staticmethod(lambda: job.poll() is not None)
            finish = staticmethod(lambda: self.end_of(job))

        hold.wait(Running)
        for pid in self.processes_of("10.0.0.2"):
            with contextlib.suppress(ProcessLookupError):  # it may have followed another one
                os.kill(pid, signal.SIGKILL)
        hold.release()
        done = self.end_of(job)
        self.assertNotEqual(done.returncode, 0)
        wait_until(lambda: not processes(), "ranks of the host that is left")
        if not report.exists():
            done = alone("salvage", self.scratch / "journal", "-o", report)
            # The run's own verdict: failed, or none where the launcher ended the others before they had seen anything.
            self.assertIn(done.returncode, (1, 3), done.stdout + done.stderr)
        self.assert_exit(alone("validate", report), 0)
        left = json.loads(report.read_text())
        self.assertFalse(left["run"]["complete"])
        self.assertNotEqual(left["verdict"]["status"], "passed")
        self.assertEqual([rank["host"] for rank in left["ranks"]], ["node-a", "node-a", "node-b", "node-b"])
        first_case = [row for row in left["results"] if row["message_bytes"] == 4096]
        self.assertEqual({row["status"] for row in first_case}, {"ok"}, done.stdout + done.stderr)
        told = re.findall(r"culprit: (rank \d on [\w-]+)", done.stdout)
        self.assertLessEqual(set(told), {"rank 2 on node-b", "rank 3 on node-b"})
        if left["verdict"]["status"] == "failed":
            self.assertTrue(told, done.stdout)

    def test_hosts_whose_configurations_differ_are_told_apart_before_anything_runs(self):
        config, other = self.scratch / "config.json", self.scratch / "other.json"
        config.write_text(json.dumps({"device": "host", "minbytes": "4K", "maxbytes": "4K", "iters": 4}))
        other.write_text(json.dumps({"device": "host", "minbytes": "4K", "maxbytes": "4K", "iters": 5}))
        self.inside("10.0.0.2", f"mount --bind {other} {config}")
        self.addCleanup(self.inside, "10.0.0.2", f"umount {config}")
        done = self.run_across("run", "--config", config)
        self.assert_exit(done, 3)
        self.assertRegex(done.stderr, r"(?s)rank 2 on node-b.*iters|iters.*rank 2 on node-b")

    def test_hosts_whose_binaries_differ_are_told_apart_before_anything_runs(self):
        binary, other = self.scratch / "symmbench", self.scratch / "other"
        for copy in (binary, other):
            shutil.copy(BINARY, copy)
        with other.open("ab") as file:
            file.write(b"\0")
        self.inside("10.0.0.2", f"mount --bind {other} {binary}")
        self.addCleanup(self.inside, "10.0.0.2", f"umount {binary}")
        done = self.run_across(*ONE_CASE, binary=binary)
        self.assert_exit(done, 3)
        self.assertRegex(done.stderr, r"binar.*node-b|node-b.*binar")


if __name__ == "__main__":
    main()
