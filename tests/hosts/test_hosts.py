"""Hosts made of network, UTS and mount namespaces of this machine, the second of a PID namespace too, joined by a veth pair,
with Open MPI started across them: what a job finds where descriptors do not travel although the machine is one, where a host
is lost or out of reach, and where hosts are not alike. Skipped where namespaces may not be made."""
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


def children_of(pid):
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def why_not():
    """Why hosts cannot be made here; None: they can."""
    for tool in ("ip", "nsenter", "unshare"):
        if subprocess.run(["which", tool], capture_output=True).returncode != 0:
            return f"{tool} is not installed"
    probe = subprocess.run("unshare -n -u -m true && unshare -n ip link add va type veth peer name vb", shell=True,
                           capture_output=True, text=True)
    return None if probe.returncode == 0 else f"namespaces may not be made: {probe.stderr.strip()}"


def apart():
    """What gives a host a PID namespace, so that its processes are out of sight; nothing where that may not be."""
    words = ("-p", "--fork", "--kill-child", "--mount-proc")
    made = subprocess.run(["unshare", "-n", "-u", "-m", *words, "true"], capture_output=True)
    return words if made.returncode == 0 else ()


@unittest.skipIf(why_not(), why_not())
class Hosts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Each host is a process that keeps its namespaces open."""
        cls.folder = tempfile.TemporaryDirectory()
        path = pathlib.Path(cls.folder.name)
        cls.keepers, cls.first_processes = [], []
        # The launcher's way to the second host begins on the first, which has to see its processes.
        for host, own in zip(HOSTS, ((), apart())):
            keeper = subprocess.Popen(["unshare", "-n", "-u", "-m", *own, "sh", "-c", "echo made; cat; :"],  # reaps till the end
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            keeper.stdout.readline()
            cls.keepers.append(keeper)
            cls.first_processes.append(int(children_of(keeper.pid)[0]) if own else keeper.pid)
            (path / f"{host}.pid").write_text(str(cls.first_processes[-1]))
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
        return sh(f"nsenter --target {cls.first_of(host)} --net --uts --mount --pid -- sh -c '{command}'")

    @classmethod
    def first_of(cls, host):
        return cls.first_processes[list(HOSTS).index(host)]

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)

    def start_across(self, *arguments, binary=BINARY, **variables):
        """A job of four ranks, two on each host, started on the first. What they all see of each other is a folder."""
        path = pathlib.Path(self.folder.name)
        fabric = self.scratch / "fabric"
        fabric.mkdir(exist_ok=True)
        variables = {"SYMMBENCH_FABRIC_FOLDER": str(fabric), **variables}
        command = ["nsenter", "--target", str(self.first_processes[0]), "--net", "--uts", "--mount", "--", "mpirun", "-n", "4",
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
        """All that lives on a host but what keeps it: the launcher's daemon, ranks and workers."""
        keeping = {self.keepers[list(HOSTS).index(host)].pid}
        for _ in range(3):  # its child, the first process of its world, and what that waits for
            keeping |= {int(child) for pid in keeping for child in children_of(pid)}
        network = os.readlink(f"/proc/{self.first_of(host)}/ns/net")
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                if int(entry) not in keeping and os.readlink(f"/proc/{entry}/ns/net") == network:
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
        self.assertEqual(list((self.scratch / "fabric").iterdir()), [])

    def test_fabric_handles_are_refused_where_the_hosts_share_no_folder(self):
        other = self.scratch / "other"
        for folder in (other, self.scratch / "fabric"):
            folder.mkdir()
        self.inside("10.0.0.2", f"mount --bind {other} {self.scratch}/fabric")
        self.addCleanup(self.inside, "10.0.0.2", f"umount {self.scratch}/fabric")
        done = self.run_across(*ONE_CASE, "--fabric", "sm103-gb300-nvl72", "--handle", "fabric")
        self.assert_exit(done, 3)
        self.assertRegex(done.stdout, r"fabric: trial failed: rank \d, phase import: .* is not the exporter's folder")

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

    @unittest.skipUnless(apart(), "PID namespaces may not be made: the processes of a host that is cut off are in sight")
    def test_a_host_that_cannot_be_reached_is_named_and_the_report_is_written(self):
        """The launcher waits for its daemon there, whatever the ranks do."""
        report, held = self.scratch / "report.json", self.scratch / "hold"
        held.mkdir()
        hold = Hold(held, "measure.0.use", range(4))
        job = self.start_across(*ONE_CASE, "--fabric", "sm103-gb300-nvl72", "-T", "1", "--deadline-scale", "0.25",
                                "-J", report, SYMMBENCH_HOLD=str(held))

        class Running:
            ended = staticmethod(lambda: job.poll() is not None)
            finish = staticmethod(lambda: self.end_of(job))

        hold.wait(Running)
        self.inside("10.0.0.2", "ip link set eth0 down")
        self.addCleanup(self.inside, "10.0.0.2", "ip link set eth0 up")
        hold.release()
        wait_until(lambda: not processes(), "ranks of both hosts")
        for pid in self.processes_of("10.0.0.2"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        job.kill()
        out = self.end_of(job).stdout
        self.assert_exit(alone("validate", report), 0)
        left = json.loads(report.read_text())
        self.assertNotIn(left["verdict"]["status"], ("passed", "no_verdict"))
        self.assertRegex(out, r"hung: rank 2: .*out of sight from here.*; nothing came from rank 3 either, and they are all of node-b: "
                              r"the host, or the network to it")
        self.assertEqual(set(re.findall(r"culprit: (rank \d on [\w-]+)", out)), {"rank 2 on node-b"})

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
