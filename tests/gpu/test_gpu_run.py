"""The shipped binary under mpirun on real GPUs, one rank each: test_gpu_run.py RANKS. Skipped (77) where there are
fewer."""
import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "mpi"))
import probes
from harness import ROOT, RunTest, alone, main, run, workers

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
            self.assertEqual(set(entry["leaks"].values()), {0}, entry)
        for row in report["results"]:
            if row["of_limit"] is not None:
                self.assertLessEqual(row["of_limit"], 1.01, row["case_id"])

    def test_the_rules_of_upstream_go_by_what_nvml_says_of_each_gpu(self):
        report = self.measure("--handle", "upstream", "-b", "64K", "-e", "64K", "-n", 20, "--lifecycles", 0)
        for rank in report["ranks"]:
            (device,) = [each for each in rank["devices"] if each["kind"] == "cuda"]
            self.assertIsNone(device["fabric_unknown"], device)
            self.assertIn(device["fabric"]["state"], ("not_supported", "not_started", "in_progress", "completed"))
        for row in report["results"]:
            if row["allocator"] in ("symm_device_memory", "torch_symm_mem"):
                self.assertNotIn("unknown", row["handle"]["reason"])

    def test_a_probe_knows_each_gpu_and_its_libraries_and_reaches_every_peer(self):
        done = run(RANKS, "probe", "--device", "cuda", "-J", self.report)
        self.assert_exit(done, 0)
        self.assert_exit(alone("validate", self.report), 0)
        report = self.load()
        probes.assert_whole(self, report, RANKS)
        self.assertIn("Write bandwidth, GB/s (row writes column)", done.stdout)
        for rank in report["ranks"]:
            device = probes.used_device(report, rank)
            self.assertIn(device["pci_bus_id"].rsplit(".", 1)[0], done.stdout)
            self.assertEqual(device["mig"]["enabled"] is None, device["mig"]["unknown"] is not None)
            libraries = {library["name"]: library for library in device["libraries"]}
            for name in ("libcuda.so.1", "libnvidia-ml.so.1"):
                self.assertTrue(pathlib.Path(libraries[name]["path"]).is_file(), libraries)
            self.assertTrue(any(one["minimum_bytes"] for one in device["granularities"]), device["granularities"])
        for host in report["hosts"]:
            self.assertIn("nvidia", [module["name"] for module in host["modules"]])

    def test_a_trace_says_for_whom_and_in_which_phase_each_call_was_made(self):
        done = run(RANKS, "probe", "--device", "cuda", "--trace", "-J", self.report)
        self.assert_exit(done, 0)
        probes.assert_traced(self, self.load(), done.stdout)

    def test_a_run_by_each_handle_type_does_what_its_trials_say(self):
        for handle in ("auto", "posix_fd", "fabric", "upstream"):
            report = self.scratch / f"{handle}.json"
            done = run(RANKS, "run", "--device", "cuda", "-b", "64K", "-e", "64K", "-n", 20, "--lifecycles", 0,
                       "--allocator", "symm_device_memory,torch_symm_mem", "--handle", handle, "-J", report)
            with self.subTest(handle=handle):
                probes.assert_handle(self, done, self.load(report), handle)
            self.assert_nothing_left()

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

    def begin(self, patience_s):
        """A run of several cases of several batches each, started."""
        return self.start(RANKS, "run", "--device", "cuda", "-b", "1M", "-e", "16M", "-f", "4", "-n", 400,
                          "-T", patience_s, "--lifecycles", 0, "-J", self.report)

    def assert_later_cases_ran(self, report, broken):
        """Rows are in the order in which they ran: some case after the broken one has to be whole."""
        last = max(report["results"].index(row) for row in broken)
        after = [row["status"] for row in report["results"][last + 1:]]
        self.assertIn("ok", after)

    def test_a_worker_killed_during_a_kernel_fails_its_case_and_the_rest_completes(self):
        late = self.hold("measure.1.use", 0)  # so that the kernel of the last rank, which waits for rank 0, cannot end
        launched = self.hold("measure.1.launched", RANKS - 1)
        job = self.begin(120)
        late.wait(job)
        launched.wait(job)
        os.kill(workers()[RANKS - 1], signal.SIGKILL)
        done = job.finish()
        self.assert_exit(done, 1)
        self.assert_nothing_left()
        report = self.load()
        failed = [row for row in report["results"] if row["status"] == "failed"]
        self.assertGreaterEqual(len(failed), 1, done.stdout)
        self.assertEqual({(row["failure"]["reason"], row["failure"]["code"], row["failure"]["rank"]) for row in failed},
                         {("crashed", 9, RANKS - 1)}, done.stdout)
        self.assert_later_cases_ran(report, failed)

    def test_a_worker_stopped_with_kernels_under_way_is_named_and_the_rest_completes(self):
        launched = self.hold("measure.1.launched", RANKS - 1)
        job = self.begin(6)
        launched.wait(job)
        os.kill(workers()[RANKS - 1], signal.SIGSTOP)  # held or stopped, it does not come again: the run must find it
        done = job.finish()
        self.assert_exit(done, 4)
        self.assert_nothing_left()
        report = self.load()
        hung = [row for row in report["results"] if row["status"] == "hung"]
        self.assertGreaterEqual(len(hung), 1, done.stdout)
        self.assertEqual({row["failure"]["rank"] for row in hung}, {RANKS - 1}, done.stdout)
        self.assert_later_cases_ran(report, hung)

    def test_the_self_test_sees_every_fault_that_is_safe_on_gpus(self):
        done = run(RANKS, "selftest", "--device", "cuda", "-J", self.report)
        self.assert_exit(done, 0)
        self.assertGreater(self.load()["verdict"]["tested"], 0)
        self.assert_nothing_left()


if __name__ == "__main__":
    if too_few_gpus():
        print(f"skipped: fewer than {RANKS} GPUs")
        sys.exit(77)
    main()
