"""scripts/compare_torch.py where there is neither torch nor a GPU: what it refuses, and in which words."""
import copy
import json
import os
import py_compile
import subprocess
import sys

from harness import ROOT, RunTest, main

SCRIPT = ROOT / "scripts/compare_torch.py"
PLACE = {"RANK": "0", "WORLD_SIZE": "4", "LOCAL_RANK": "0"}
LAUNCHERS = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
             "OMPI_COMM_WORLD_LOCAL_RANK")
NO_TORCH = "raise ImportError(\"No module named 'torch'\")\n"
VETO = {"NCCL_NVLS_ENABLE": "0", "TORCH_SYMM_MEM_DISABLE_MULTICAST": "1"}
ROW = {"pattern": "allreduce", "dtype": "bf16", "in_place": False, "status": "ok", "algorithm": "two_shot",
       "allocator": "torch_symm_mem", "group_size": 4, "message_bytes": 16384, "time_us": {"p50": 2.5, "mean": 2.6}}


def report(kind="cuda", rows=(ROW,)):
    return {"device": {"kind": kind}, "results": list(rows)}


def changed(**values):
    row = copy.deepcopy(ROW)
    row.update(values)
    return row


class CompareTorch(RunTest):
    def compare(self, *arguments, env=VETO, place=PLACE, torch=NO_TORCH):
        """Runs the script with a module of this text in torch's place, also where there is a real one."""
        environment = {name: value for name, value in os.environ.items() if name not in (*VETO, *LAUNCHERS)}
        environment.update(env, **place)
        package = self.scratch / "modules/torch"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text(torch)
        (package / "distributed.py").write_text("")
        environment.update(PYTHONPATH=str(package.parent), PYTHONDONTWRITEBYTECODE="1")
        return subprocess.run([sys.executable, str(SCRIPT), *map(str, arguments)], capture_output=True, text=True,
                              timeout=60, env=environment)

    def write(self, document):
        path = self.scratch / "input.json"
        path.write_text(json.dumps(document))
        return path

    def assert_refused(self, done, *words):
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(done.stdout, "")
        if "usage:" not in done.stderr:  # argparse shows it with its own
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_multicast_must_be_switched_off_in_the_environment(self):
        path = self.write(report())
        for name in VETO:
            for value in (None, "", "2"):
                env = {key: given for key, given in VETO.items() if key != name}
                if value is not None:
                    env[name] = value
                self.assert_refused(self.compare(path, env=env), name, f"export {name}={VETO[name]}")

    def test_it_compiles(self):
        py_compile.compile(str(SCRIPT), cfile=str(self.scratch / "compare_torch.pyc"), doraise=True)

    def test_without_torch_or_with_an_old_one_or_without_a_gpu_it_says_what_is_needed(self):
        path = self.write(report())
        self.assert_refused(self.compare(path), "PyTorch cannot be imported", sys.executable, "2.6")
        self.assert_refused(self.compare(path, torch="__version__ = '2.5.1+cu124'\n"), "2.5.1", "too old", "2.6")
        no_gpu = "__version__ = '2.11.0'\nclass cuda:\n    is_available = staticmethod(lambda: False)\n"
        self.assert_refused(self.compare(path, torch=no_gpu), "2.11.0", "no usable GPU")

    def test_it_must_be_started_once_for_each_rank_of_the_report(self):
        path = self.write(report())
        self.assert_refused(self.compare(path, place={}), "torchrun --nproc-per-node 4", "mpirun -n 4")
        self.assert_refused(self.compare(path, place={**PLACE, "WORLD_SIZE": "2"}), "of 4 ranks", "with 2")
        by_mpirun = {f"OMPI_COMM_WORLD_{name}": value for name, value in (("RANK", "0"), ("SIZE", "3"),
                                                                          ("LOCAL_RANK", "0"))}
        self.assert_refused(self.compare(path, place=by_mpirun), "of 4 ranks", "with 3")
        self.assert_refused(self.compare(path, place={**PLACE, "RANK": "x"}), "RANK", "'x'")

    def test_only_rank_0_tells_what_all_ranks_find(self):
        done = self.compare(self.write(report(kind="host")), place={**PLACE, "RANK": "1"})
        self.assertEqual((done.returncode, done.stdout, done.stderr), (2, "", ""))

    def test_a_report_that_cannot_be_compared_is_refused_with_the_reason(self):
        self.assert_refused(self.compare("/nonexistent.json"), "/nonexistent.json", "No such file")
        for document, words in (
                (report(kind="host"), ["no cuda rows", "host device", "--device cuda"]),
                (report(rows=[]), ["no plain allreduce row"]),
                (report(rows=[changed(algorithm="nccl")]), ["no plain allreduce row"]),
                (report(rows=[changed(dtype="fp32"), changed(in_place=True), changed(status="failed")]), ["bf16"]),
                (report(rows=[changed(buffers_asked=5)]), ["without --buffers"]),
                (report(rows=[ROW, changed(group_size=2)]), ["[2, 4] ranks"]),
                (report(rows=[changed(time_us={"mean": 2.5})]), ["a row is not as symmbench writes it"]),
                ({"results": []}, ["no report", "device"]),
                ([1], ["no report"])):
            with self.subTest(words=words):
                self.assert_refused(self.compare(self.write(document)), *words)
        broken = self.scratch / "broken.json"
        broken.write_text("{")
        self.assert_refused(self.compare(broken), "no report")

    def test_bad_arguments(self):
        path = self.write(report())
        self.assert_refused(self.compare(), "report")
        self.assert_refused(self.compare(path, "--json", "/nonexistent/x.json"), "/nonexistent")
        self.assert_refused(self.compare(path, "--dtype", "fp8"), "--dtype")


if __name__ == "__main__":
    main()
