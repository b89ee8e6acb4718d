"""The shipped binary under mpirun on real GPUs, one rank each: test_gpu_run.py RANKS. Skipped (77) where there are fewer."""
import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "mpi"))
from harness import ROOT, RunTest, alone, main, measuring, processes, run, start, wait_until

RANKS = int(sys.argv.pop(1))


def too_few_gpus():
    """Asks the driver's device nodes: whether the tool finds the GPUs is what is tested."""
    return len([node for node in pathlib.Path("/dev").glob("nvidia*") if node.name[6:].isdigit()]) < RANKS


class GpuRun(RunTest):
    def measure(self, *arguments):
        """A run that must pass; its report, which must be valid and whole."""
        done = run(RANKS, "run", "--device", "cuda", "-J", self.report, *arguments)
        self.assert_exit(done, 0)
        self.assert_exit(alone("validate", self.report), 0)
        report = self.load()
        self.assertTrue(report["run"]["complete"])
        for row in report["results"]:
            self.assertEqual(row["status"], "ok", row["case_id"])
            self.assertEqual(row["wrong_elements"], 0, row["case_id"])
            self.assertGreater(row["checked_iterations"], 0, row["case_id"])
        self.assert_nothing_left()
        return report

    def test_the_quick_configuration_passes_on_a_gpu_per_rank(self):
        report = self.measure("--config", ROOT / "configs" / "quick.json")
        self.assertEqual(report["device"]["kind"], "cuda")
        self.assertFalse(report["device"]["emulated"])
        self.assertEqual(len({rank["gpu_uuid"] for rank in report["ranks"]}), RANKS)
        for entry in report["stability"]:
            self.assertEqual((entry["leaks"]["fds"], entry["leaks"]["mappings"]), (0, 0), entry["allocator"])

    def test_every_algorithm_is_right_at_shapes_that_divide_by_nothing(self):
        report = self.measure("--algorithm", "one_shot,two_shot,two_shot_barrier", "--tokens", "1,3,7,33", "--hidden",
                              "2880,7168", "--pattern", "allreduce,residual_rmsnorm", "--in-place", "off,on",
                              "--datatype", "fp16,bf16,fp32", "-n", 20, "--lifecycles", 0)
        self.assertEqual({row["algorithm"] for row in report["results"]}, {"one_shot", "two_shot", "two_shot_barrier"})

    def test_kernels_are_right_with_and_without_programmatic_dependent_launch(self):
        for pdl in ("on", "off"):
            report = self.measure("--pdl", pdl, "-b", "1K", "-e", "1M", "-f", "8", "-n", 100, "--lifecycles", 0,
                                  "--pattern", "allreduce,residual_rmsnorm", "--hidden", 512)
            self.assertEqual({row["pdl"] for row in report["results"]}, {pdl == "on"})

    def break_the_last_worker(self, how):
        """Signals the last rank's worker while kernels run; exit code, output, report."""
        job = start(RANKS, "run", "--device", "cuda", "-b", "1M", "-e", "16M", "-f", "4", "-n", 40000, "-T", 6,
                    "--time-limit", 40, "--lifecycles", 0, "-J", self.report)
        wait_until(measuring(self.report, RANKS), "measuring workers")
        # mpirun starts rank 0 first, so the last rank has the youngest supervisor.
        youngest = max((parent, pid) for pid, (parent, line) in processes().items() if " worker" in line)
        os.kill(youngest[1], how)
        stdout, stderr = job.communicate(timeout=120)
        return job.returncode, stdout + stderr, self.load()

    def assert_later_cases_ran(self, report, broken):
        """Rows are in the order in which they ran: some case after the broken one has to be whole."""
        last = max(report["results"].index(row) for row in broken)
        after = [row["status"] for row in report["results"][last + 1:]]
        self.assertIn("ok", after)

    def test_a_worker_killed_during_a_kernel_fails_its_case_and_the_rest_completes(self):
        code, text, report = self.break_the_last_worker(signal.SIGKILL)
        self.assertEqual(code, 1, text)
        failed = [row for row in report["results"] if row["status"] == "failed"]
        self.assertGreaterEqual(len(failed), 1, text)
        self.assertEqual({(row["failure"]["reason"], row["failure"]["code"], row["failure"]["rank"]) for row in failed},
                         {("crashed", 9, RANKS - 1)}, text)
        self.assert_later_cases_ran(report, failed)
        self.assert_nothing_left()

    def test_a_worker_stopped_during_a_kernel_is_named_and_the_rest_completes(self):
        code, text, report = self.break_the_last_worker(signal.SIGSTOP)
        self.assertEqual(code, 4, text)
        hung = [row for row in report["results"] if row["status"] == "hung"]
        self.assertGreaterEqual(len(hung), 1, text)
        self.assertEqual({row["failure"]["rank"] for row in hung}, {RANKS - 1}, text)
        self.assert_later_cases_ran(report, hung)
        self.assert_nothing_left()


if __name__ == "__main__":
    if too_few_gpus():
        print(f"skipped: fewer than {RANKS} GPUs")
        sys.exit(77)
    main()
