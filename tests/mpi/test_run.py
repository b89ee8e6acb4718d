"""The main job under mpirun, on the emulated device: results, report, verdict."""
import fcntl
import json
import os
import pty
import struct
import subprocess
import termios

from harness import BINARY, ENVIRONMENT, LIMIT_S, ROOT, RunTest, alone, main, run


class MainJob(RunTest):
    def test_quick_config_passes_and_its_report_is_valid(self):
        done = run(4, "run", "--device", "host", "--config", "quick", "-J", self.report)
        self.assert_exit(done, 0)
        self.assertNotIn("\x1b", done.stdout, "a line is rewritten where nobody watches")
        report = self.load()
        self.assertTrue(report["run"]["complete"])
        self.assertTrue(report["device"]["emulated"])
        self.assertEqual(len(report["ranks"]), 4)
        rows = report["results"]
        self.assertEqual({row["status"] for row in rows}, {"ok"})
        self.assertEqual({row["allocator"] for row in rows}, {"symm_device_memory", "torch_symm_mem"})
        self.assertEqual({row["algorithm"] for row in rows}, {"one_shot", "two_shot"})
        self.assertEqual({row["pattern"] for row in rows}, {"allreduce", "residual_rmsnorm"})
        self.assertEqual({row["dtype"] for row in rows}, {"bf16", "fp32"})
        self.assertGreaterEqual(len({row["message_bytes"] for row in rows}), 5)
        for row in rows:
            self.assertEqual(row["wrong_elements"], 0, row["case_id"])
            self.assertGreater(row["checked_iterations"], 0, row["case_id"])
            self.assertGreater(row["time_us"]["mean"], 0, row["case_id"])
            self.assertIsNone(row["busbw_gbs"], "an emulated device claims no bandwidth")
        self.assertEqual(len(report["comparison"]), len(rows) // 2)
        for entry in report["comparison"]:
            self.assertNotIn("needed", entry["reason"], "a shipped configuration measures enough to decide")
            self.assertRegex(entry["reason"], "interval|differ by")
        for entry in report["stability"]:
            self.assertGreater(entry["lifecycles"], 0)
            self.assertEqual(entry["failed"], 0)
            self.assertEqual(
                [phase["phase"] for phase in entry["phases"]],
                ["create", "export", "exchange", "import", "map", "init", "verify", "use", "close"])
        self.assert_exit(alone("validate", self.report), 0)
        self.assertFalse(self.report.with_name("report.json.journal").exists(), "the journal is removed on success")
        self.assert_nothing_left()

    def test_the_short_soak_repeats_lifecycles_without_a_leak(self):
        done = run(4, "run", "--device", "host", "--config", "soak-short", "--lifecycles", 8, "-J", self.report)
        self.assert_exit(done, 0)
        entries = self.load()["stability"]
        self.assertEqual([(e["allocator"], e["lifecycles"], e["failed"]) for e in entries],
                         [("symm_device_memory", 8, 0), ("torch_symm_mem", 8, 0)])
        for entry in entries:
            self.assertEqual(set(entry["leaks"].values()), {0}, entry)

    def test_three_hundred_lifecycles_leave_nothing_behind(self):
        done = run(2, "run", "--device", "host", "-b", "4K", "-e", "4K", "-n", 4, "--hidden", 1024, "--placements", 1,
                   "--algorithm", "one_shot", "--allocator", "torch_symm_mem", "--lifecycles", 300, "-J", self.report)
        self.assert_exit(done, 0)
        (entry,) = self.load()["stability"]
        self.assertEqual((entry["lifecycles"], entry["failed"]), (300, 0))
        self.assertEqual(set(entry["leaks"].values()), {0}, entry)
        self.assert_nothing_left()

    def test_a_soak_lasts_as_long_as_asked_under_each_allocator_and_tells_when(self):
        done = run(2, "run", "--device", "host", "-b", "4K", "-e", "4K", "-n", 4, "--placements", 1, "--algorithm",
                   "one_shot", "--soak", "500ms", "-J", self.report)
        self.assert_exit(done, 0)
        self.assert_exit(alone("validate", self.report), 0)
        for entry in self.load()["stability"]:
            self.assertGreaterEqual(entry["lifecycles"], 1)
            self.assertEqual(entry["soak"]["planned_s"], 0.5)
            self.assertGreaterEqual(entry["soak"]["ran_s"], 0.5)
            self.assertLessEqual(entry["soak"]["started_at"], entry["soak"]["ended_at"])
            self.assertEqual(set(entry["leaks"].values()), {0}, entry)

    def test_fresh_lifecycles_are_all_there_although_each_has_workers_of_its_own(self):
        done = run(2, "run", "--device", "host", "-b", "4K", "-e", "4K", "-n", 4, "--algorithm", "one_shot",
                   "--allocator", "torch_symm_mem", "--lifecycles", 3, "--lifecycle-fresh", "-J", self.report)
        self.assert_exit(done, 0)
        (entry,) = self.load()["stability"]
        self.assertEqual((entry["lifecycles"], entry["failed"]), (3, 0))
        self.assertEqual(entry["phases"][0]["count"], 3)
        self.assert_nothing_left()

    def test_the_older_workspace_runs_over_every_allocator(self):
        done = run(4, "run", "--device", "host", "--workspace", "trtllm",
                   "--allocator", "symm_device_memory,torch_symm_mem,cuda_ipc", "--pattern", "allreduce,residual_rmsnorm",
                   "--datatype", "fp16,bf16,fp32", "--algorithm", "one_shot,one_shot_pull,two_shot_barrier,two_shot",
                   "--tokens", 6, "--hidden", 1024, "-n", 4, "--placements", 1, "--lifecycles", 2, "-J", self.report)
        self.assert_exit(done, 0)
        report = self.load()
        self.assert_exit(alone("validate", self.report), 0)
        ran, skipped = set(), set()
        for row in report["results"]:
            if row["status"] == "skipped":
                skipped.add(row["reason"])
                continue
            self.assertEqual((row["status"], row["wrong_elements"]), ("ok", 0), row["case_id"])
            ran.add((row["pattern"], row["algorithm"], row["dtype"], row["allocator"]))
        allocators = ("symm_device_memory", "torch_symm_mem", "cuda_ipc")
        plain = {("allreduce", algorithm, dtype, allocator)
                 for algorithm in ("one_shot", "one_shot_pull", "two_shot_barrier")
                 for dtype in ("fp16", "bf16", "fp32") for allocator in allocators}
        rows = {("residual_rmsnorm", "one_shot", dtype, allocator) for dtype in ("fp16", "bf16") for allocator in allocators}
        self.assertEqual(ran, plain | rows)
        self.assertEqual(skipped, {
            "two_shot has no room in a trtllm workspace, which is for one_shot, one_shot_pull and two_shot_barrier",
            "residual_rmsnorm over trtllm has no form for fp32: fp16 or bf16",
            *(f"residual_rmsnorm over trtllm sends Lamport packets, as one_shot: it has no {algorithm}"
              for algorithm in ("one_shot_pull", "two_shot_barrier", "two_shot"))})
        for entry in report["stability"]:
            self.assertEqual((entry["failed"], set(entry["leaks"].values())), (0, {0}), entry["allocator"])
            self.assertEqual([segment["name"] for segment in entry["segments"]],
                             ["comm_even", "comm_odd", "barrier_in", "barrier_out", "lamport_0", "lamport_1", "lamport_2"])
        self.assert_nothing_left()

    def test_both_workspaces_run_over_every_allocator_and_unknown_combinations_say_why(self):
        done = run(4, "run", "--device", "host", "--workspace", "trtllm_fusion,mnnvl",
                   "--allocator", "symm_device_memory,torch_symm_mem,cuda_ipc", "--handle", "auto",
                   "--pattern", "allreduce,residual_rmsnorm", "--algorithm", "one_shot,two_shot,two_shot_barrier",
                   "--tokens", 6, "--hidden", 1024, "-n", 4, "--placements", 1, "--lifecycles", 1, "-J", self.report)
        self.assert_exit(done, 0)
        report = self.load()
        self.assert_exit(alone("validate", self.report), 0)
        rows = [row for row in report["results"] if row["workspace"] == "mnnvl"]
        barrier = [row for row in rows if row["algorithm"] == "two_shot_barrier"]
        self.assertEqual({(row["status"], row["reason"]) for row in barrier},
                         {("skipped", "two_shot_barrier has no room in an mnnvl workspace, which is for one_shot and "
                                      "two_shot")})
        rest = [row for row in rows if row not in barrier]
        self.assertEqual(len(rest), 2 * 2 * 3)
        for row in rest:
            self.assertEqual((row["status"], row["transport"], row["wrong_elements"]), ("ok", "unicast", 0), row["case_id"])
        self.assertEqual({row["status"] for row in report["results"] if row["workspace"] != "mnnvl"}, {"ok"})
        entries = [entry for entry in report["stability"] if entry["workspace"] == "mnnvl"]
        self.assertEqual({entry["allocator"] for entry in entries},
                         {"symm_device_memory", "torch_symm_mem", "cuda_ipc"})
        for entry in entries:
            self.assertEqual((entry["failed"], set(entry["leaks"].values())), (0, {0}), entry["allocator"])
            self.assertEqual([segment["name"] for segment in entry["segments"]], ["lamport"])
        self.assert_nothing_left()

    def test_nccl_rows_are_skipped_without_a_gpu_and_change_no_verdict(self):
        done = run(2, "run", "--device", "host", "--algorithm", "nccl,nccl_symmetric,one_shot", "-b", "16K", "-e", "16K", "-n", 4,
                   "--lifecycles", 0, "-J", self.report)
        self.assert_exit(done, 0)
        rows = self.load()["results"]
        self.assertEqual([(row["allocator"], row["status"]) for row in rows],
                         [("symm_device_memory", "ok"), ("torch_symm_mem", "ok"), ("nccl", "skipped"),
                          ("nccl_symmetric", "skipped")])
        self.assertEqual(rows[2]["reason"], "nccl needs the cuda device")
        self.assertEqual(rows[3]["reason"], "nccl_symmetric needs the cuda device")
        self.assert_exit(alone("validate", self.report), 0)
        self.assert_exit(run(2, "run", "--device", "host", "--algorithm", "nccl", "-n", 4), 3)
        self.assert_exit(run(2, "run", "--device", "host", "--algorithm", "nccl", "--pattern", "residual_rmsnorm"), 2)

    def test_the_two_allocators_differ_visibly(self):
        done = run(4, "run", "--device", "host", "-b", "64K", "-e", "64K", "-n", 4, "--lifecycles", 1, "-J", self.report)
        self.assert_exit(done, 0)
        entries = {entry["allocator"]: entry for entry in self.load()["stability"]}
        pads = {name: {s["signal_pad_bytes"] for s in e["segments"]} for name, e in entries.items()}
        layouts = {name: {s["va_layout"] for s in e["segments"]} for name, e in entries.items()}
        self.assertEqual(pads, {"symm_device_memory": {2048}, "torch_symm_mem": {9216}})
        self.assertEqual(layouts, {"symm_device_memory": {"contiguous"}, "torch_symm_mem": {"per_peer"}})
        reserves = {name: next(c["count"] for c in e["driver_calls"] if c["call"] == "cuMemAddressReserve")
                    for name, e in entries.items()}
        self.assertEqual(reserves, {"symm_device_memory": 3, "torch_symm_mem": 12})

    def test_any_number_of_ranks_runs_plain_allreduce(self):
        for ranks in (2, 3, 5):
            with self.subTest(ranks=ranks):
                done = run(ranks, "run", "--device", "host", "-b", "1000", "-e", "70000", "-f", "70", "-n", 4,
                           "--algorithm", "one_shot,two_shot,two_shot_barrier", "-J", self.report)
                self.assert_exit(done, 0)
                self.assertEqual({row["status"] for row in self.load()["results"]}, {"ok"})

    def test_one_rank_alone_has_nothing_to_measure_and_says_so(self):
        done = run(1, "run", "--device", "host", "-b", "4K", "-e", "4K", "-n", 4, "-J", self.report)
        self.assert_exit(done, 3)
        self.assertIn("one rank has no peer", done.stdout)

    def test_every_dtype_in_and_out_of_place(self):
        done = run(2, "run", "--device", "host", "-b", "16", "-e", "64K", "-f", "64", "-n", 4, "-d", "fp16,bf16,fp32",
                   "--in-place", "on,off", "-J", self.report)
        self.assert_exit(done, 0)
        rows = self.load()["results"]
        self.assertEqual({(row["dtype"], row["in_place"]) for row in rows},
                         {(d, p) for d in ("fp16", "bf16", "fp32") for p in (True, False)})
        self.assertEqual({row["status"] for row in rows}, {"ok"})

    def test_every_quantised_norm_is_right_under_both_allocators(self):
        formats = ("fp8", "nvfp4", "dynamic_fp8", "group_fp8", "mxfp8")
        patterns = [f"residual_rmsnorm_{form}{name}" for name in formats for form in ("", "out_")]
        done = run(4, "run", "--device", "host", "--pattern", ",".join(patterns),
                   "--algorithm", "one_shot,two_shot,two_shot_barrier", "--tokens", "17", "--hidden", "384,100",
                   "--datatype", "bf16,fp32", "-n", 2, "--placements", 1, "--lifecycles", 0, "-J", self.report)
        self.assert_exit(done, 0)
        rows = [row for row in self.load()["results"] if row["status"] != "skipped"]
        self.assertEqual({row["pattern"] for row in rows}, set(patterns))
        for row in rows:
            self.assertEqual((row["status"], row["wrong_elements"]), ("ok", 0), row["case_id"])
            self.assertEqual(row["scale_layout"], "128x4" if "nvfp4" in row["pattern"] or "mxfp8" in row["pattern"]
                             else None)
        reasons = {row["reason"] for row in self.load()["results"] if row["status"] == "skipped"}
        self.assertIn("residual_rmsnorm_nvfp4 has no form for fp32: fp16 or bf16", reasons)
        self.assertIn("residual_rmsnorm_mxfp8 works on groups of 32 elements: hidden must be a multiple of 32, not 100", reasons)

    def test_sums_over_experts_are_right_under_both_allocators(self):
        patterns = ["moe_reduction_residual_rmsnorm", "moe_finalize_residual_rmsnorm"]
        done = run(2, "run", "--device", "host", "--pattern", ",".join(patterns), "--experts", 3, "--top-k", 5,
                   "--routed-scaling", 2.5, "--weight-bias", 1, "--algorithm", "one_shot,two_shot,two_shot_barrier",
                   "--tokens", "17", "--hidden", "384", "-n", 2, "--placements", 1, "--lifecycles", 0, "-J", self.report)
        self.assert_exit(done, 0)
        rows = self.load()["results"]
        self.assertEqual({(row["pattern"], row["experts"], row["top_k"], row["routed_scaling"]) for row in rows},
                         {(patterns[0], 3, None, None), (patterns[1], None, 5, 2.5)})
        for row in rows:
            self.assertEqual((row["status"], row["wrong_elements"], row["message_bytes"]), ("ok", 0, 17 * 384 * 2))

    def test_subgroups_run_at_the_same_time(self):
        done = run(4, "run", "--device", "host", "--group-size", 2, "-b", "4K", "-e", "4K", "-n", 4, "-J", self.report)
        self.assert_exit(done, 0)
        self.assertEqual({(row["group"], row["group_size"]) for row in self.load()["results"]}, {(0, 2), (1, 2)})

    def test_sixteen_ranks_on_this_machine(self):
        done = run(16, "run", "--device", "host", "-b", "16K", "-e", "16K", "-n", 4, "-T", 600, "--pattern",
                   "allreduce,residual_rmsnorm", "-J", self.report)
        self.assert_exit(done, 0)
        self.assertEqual({row["status"] for row in self.load()["results"]}, {"ok"})

    def test_without_isolation_the_same_job_runs_in_one_process_per_rank(self):
        done = run(2, "run", "--device", "host", "--isolation", "none", "-b", "4K", "-e", "4K", "-n", 4, "-J", self.report)
        self.assert_exit(done, 0)
        self.assertEqual({row["status"] for row in self.load()["results"]}, {"ok"})

    def test_random_iteration_counts_sample_to_an_interval(self):
        done = run(2, "run", "--device", "host", "-b", "4K", "-e", "4K", "-J", self.report)
        self.assert_exit(done, 0)
        for row in self.load()["results"]:
            self.assertGreaterEqual(row["time_us"]["samples"], 10)


class Table(RunTest):
    SMALL = ("run", "--device", "host", "-b", "4K", "-e", "4K", "-n", 4, "--lifecycles", 0)

    def test_rows_fit_the_width_that_there_is(self):
        for columns, width in (("", 100), ("80", 80)):
            with self.subTest(columns=columns):
                done = run(2, *self.SMALL, "--in-place", "off,on", "--pattern", "allreduce,residual_rmsnorm",
                           env={"COLUMNS": columns})
                self.assert_exit(done, 0)
                table = done.stdout[done.stdout.index("# trtllm_fusion"):].partition("\n\n")[0].splitlines()
                self.assertEqual(len([line for line in table if not line.startswith("#")]), 6, done.stdout)
                self.assertLessEqual(max(map(len, table)), width, done.stdout)

    def on_a_terminal(self, **variables):
        """What a run shows on a terminal of 80 columns, mpirun's stdout."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environment = {key: value for key, value in ENVIRONMENT.items() if key not in ("NO_COLOR", "COLUMNS")}
        job = subprocess.Popen(["mpirun", "-n", "2", str(BINARY), *map(str, self.SMALL)], stdin=subprocess.DEVNULL,
                               stdout=theirs, stderr=subprocess.DEVNULL, start_new_session=True,
                               env=dict(environment, TERM="xterm", **variables))
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # how the other end's last close is told
            pass
        os.close(ours)
        self.assertEqual(job.wait(timeout=LIMIT_S), 0, shown)
        return shown.decode()

    def test_colour_is_for_terminals_and_not_for_those_who_refuse_it(self):
        shown = self.on_a_terminal()
        self.assertIn("\x1b[32mPASSED\x1b[0m (exit code 0)", shown)
        self.assertRegex(shown, r"  \x1b\[32mok\x1b\[0m")
        self.assertIn("preparing", shown.partition("# Using devices")[0], "the first line comes before anything is known")
        self.assertNotIn("\x1b[32m", self.on_a_terminal(NO_COLOR="1"))


class NcclFormat(RunTest):
    def test_rows_have_thirteen_fields_and_both_footers_are_there(self):
        done = run(2, "run", "--device", "host", "--format", "nccl", "-b", "1K", "-e", "1M", "-f", "4", "-n", 4,
                   "--algorithm", "auto")
        self.assert_exit(done, 0)
        lines = done.stdout.splitlines()
        rows = [line.split() for line in lines if line.strip() and not line.lstrip().startswith("#")]
        self.assertEqual({len(row) for row in rows}, {13})
        self.assertEqual(len(rows), 2 * 6, "six sizes for each of two allocators")
        for row in rows:
            int(row[0]), int(row[1]), float(row[5]), float(row[9])
            self.assertEqual((row[6], row[7], row[8], row[10], row[11], row[12]), ("N/A", "N/A", "0", "N/A", "N/A", "0"))
        self.assertIn("--allocator symm_device_memory", next(line for line in lines if "WARNING" in line))
        text = done.stdout
        self.assertIn("# EMULATED", text)
        self.assertRegex(text, r"# Out of bounds values : 0 OK")
        self.assertRegex(text, r"# Avg bus bandwidth    : \S+")

    def test_one_series_is_a_table_that_reads_as_nccl_tests_own(self):
        done = run(2, "run", "--device", "host", "-b", "8", "-e", "64K", "-f", "16", "-g", "1", "-t", "1", "-d", "float",
                   "-o", "sum", "-n", 4, "--format", "nccl", "--allocator", "torch_symm_mem", "--algorithm", "one_shot",
                   "--lifecycles", 0)
        self.assert_exit(done, 0)
        marks = ("# symmbench ", "# Collective test starting: symmbench/torch_symm_mem/allreduce/fp32/one_shot",
                 "# nThread 1 nGpus 1 minBytes ", "# EMULATED", "# Using devices", "#  Rank  0 Group  0 Pid ", "out-of-place",
                 "#wrong", "# Out of bounds values : 0 OK", "# Avg bus bandwidth    : N/A", "# Collective test concluded: ")
        at = [done.stdout.find(mark) for mark in marks]
        self.assertNotIn(-1, at, done.stdout)
        self.assertEqual(at, sorted(at), done.stdout)
        self.assertNotIn("WARNING", done.stdout)

    def test_the_bandwidth_gate_of_nccl_tests_is_not_ignored_where_there_is_no_bandwidth(self):
        done = run(2, "run", "--device", "host", "-b", "4K", "-e", "4K", env={"NCCL_TESTS_MIN_BW": "400"})
        self.assert_exit(done, 2)
        self.assertIn("NCCL_TESTS_MIN_BW='400' in the environment", done.stderr)
        self.assertIn("an emulated device has no bandwidth", done.stderr)


class Workspaces(RunTest):
    def test_a_workspace_that_holds_more_than_its_messages_is_what_plan_and_report_say(self):
        options = ("--device", "host", "--tokens", "1,2", "--hidden", 1024, "--workspace-tokens", 512, "-n", 16)
        done = run(2, "run", *options, "--lifecycles", 1, "-J", self.report)
        self.assert_exit(done, 0)
        report = self.load()
        self.assertEqual({row["capacity_bytes"] for row in report["results"]}, {512 * 1024 * 2})
        plan = json.loads(alone("plan", "--ranks", 2, "--json", *options).stdout)
        self.assertEqual({group["capacity_bytes"] for group in plan["groups"]}, {512 * 1024 * 2})
        for entry in report["stability"]:
            comm, = (segment for segment in entry["segments"] if segment["name"] == "comm")
            self.assertGreaterEqual(comm["requested_bytes"], 512 * 1024 * 2)

    def test_one_that_does_not_fit_is_refused_before_anything_is_built(self):
        done = run(2, "run", "--device", "host", "--tokens", 1, "--workspace-tokens", 16777216, "-J", self.report)
        self.assert_exit(done, 3)
        self.assertRegex(done.stdout, r"[GT]iB")


if __name__ == "__main__":
    main()
