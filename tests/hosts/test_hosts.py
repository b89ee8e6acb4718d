"""Hosts made of network and UTS namespaces of this machine, joined by a veth pair, with Open MPI started across them: what a
job finds where descriptors do not travel although the machine is one. Skipped where namespaces may not be made."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/mpi"))
from harness import BINARY, ENVIRONMENT, LIMIT_S, main  # noqa: E402

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
    probe = subprocess.run("unshare -n -u true && unshare -n ip link add va type veth peer name vb", shell=True,
                           capture_output=True, text=True)
    return None if probe.returncode == 0 else f"namespaces may not be made: {probe.stderr.strip()}"


@unittest.skipIf(why_not(), why_not())
class Hosts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Each host is a process that keeps its namespaces open; their names are mounts in a folder."""
        cls.folder = tempfile.TemporaryDirectory()
        path = pathlib.Path(cls.folder.name)
        cls.keepers = []
        for host in HOSTS:
            for kind in ("net", "uts"):
                (path / f"{host}.{kind}").touch()
            keeper = subprocess.Popen(["unshare", "-n", "-u", "sh", "-c", "echo made; exec cat"],  # until this test ends
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            keeper.stdout.readline()
            cls.keepers.append(keeper)
            for kind in ("net", "uts"):
                sh(f"mount --bind /proc/{keeper.pid}/ns/{kind} {path}/{host}.{kind}")
            cls.inside(host, f"hostname {HOSTS[host]}; ip link set lo up")
        first, second = HOSTS
        cls.inside(first, "ip link add eth0 type veth peer name peer0 && "
                          f"ip link set peer0 netns {cls.keepers[1].pid}")
        cls.inside(second, "ip link set peer0 name eth0")
        for host in HOSTS:
            cls.inside(host, f"ip addr add {host}/24 dev eth0 && ip link set eth0 up")

    @classmethod
    def tearDownClass(cls):
        path = pathlib.Path(cls.folder.name)
        for keeper in cls.keepers:
            keeper.kill()
            keeper.wait()
            keeper.stdout.close()
            keeper.stdin.close()
        for mount in [*path.glob("*.net"), *path.glob("*.uts")]:
            subprocess.run(["umount", mount], capture_output=True)
        cls.folder.cleanup()

    @classmethod
    def inside(cls, host, command):
        path = pathlib.Path(cls.folder.name)
        return sh(f"nsenter --net={path}/{host}.net --uts={path}/{host}.uts -- sh -c '{command}'")

    def run_across(self, *arguments):
        """A job of four ranks, two on each host, started on the first."""
        path = pathlib.Path(self.folder.name)
        first = next(iter(HOSTS))
        command = ["nsenter", f"--net={path}/{first}.net", f"--uts={path}/{first}.uts", "--", "mpirun", "-n", "4",
                   "--host", ",".join(f"{host}:2" for host in HOSTS), "--mca", "plm_rsh_agent", str(AGENT), "--mca", "btl", "self,tcp",
                   "--mca", "btl_tcp_if_include", "eth0", "--mca", "oob_tcp_if_include", "eth0", str(BINARY), *arguments]
        environment = {name: value for name, value in ENVIRONMENT.items() if name != "OMPI_MCA_btl"}
        environment["SYMMBENCH_HOSTS"] = str(path)
        return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, env=environment,
                              stdin=subprocess.DEVNULL)

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
        report = pathlib.Path(self.folder.name) / "report.json"
        done = self.run_across(*ONE_CASE, "--fabric", "sm103-gb300-nvl72", "-J", str(report))
        self.assert_exit(done, 0)
        rows = json.loads(report.read_text())["results"]
        self.assertEqual({row["handle"]["used"] for row in rows}, {"fabric"})


if __name__ == "__main__":
    main()
