"""Bad input: refused with exit 2 before anything is allocated, once, naming option, value and what is allowed."""
import json
import subprocess

from harness import BINARY, ENVIRONMENT, LIMIT_S, ROOT, RunTest, alone, launch, main, run

BAD_OPTIONS = [
    (["-n", "abc"], ["--iters", "abc"]),
    (["-n", "10x"], ["--iters", "10x"]),
    (["-b", "-4"], ["--minbytes", "-4"]),
    (["-b", "1M", "-e", "1K"], ["--minbytes", "--maxbytes"]),
    (["-f", "1"], ["--stepfactor", "1", "greater than 1"]),
    (["-f", "0.5"], ["--stepfactor", "0.5"]),
    (["-b", "0"], ["--minbytes", "0"]),
    (["-d", "bf61"], ["--datatype", "bf61", "bf16"]),
    (["--allocater", "x"], ["--allocater", "--allocator"]),
    (["--tokens", "4", "-b", "1K"], ["--tokens"]),
    (["--group-size", "3"], ["--group-size", "3"]),
    (["--soak", "0"], ["--soak", "must be greater than 0 s"]),
    (["--multicast", "maybe"], ["--multicast", "maybe", "off, on, auto"]),
    (["--report", "/nonexistent/dir/r.json"], ["/nonexistent/dir"]),
    (["--report", "/proc"], ["/proc"]),
    (["--journal", "/proc/nothing"], ["--journal", "/proc/nothing"]),
    (["--journal", "/dev/null"], ["--journal", "/dev/null"]),
    (["-J", "/tmp/same.json", "--journal", "/tmp/../tmp/same.json"], ["--journal", "same.json"]),
    (["--weight-bias", "1e5"], ["--weight-bias", "1e5", "100"]),
    (["-b", "18446744073709551616"], ["--minbytes", "18446744073709551616"]),
    (["--config", "/nonexistent.json"], ["/nonexistent.json"]),
]


class BadInput(RunTest):
    def test_each_is_refused_once_on_every_rank_count(self):
        for ranks in (1, 4):
            for arguments, words in BAD_OPTIONS:
                if "--group-size" in arguments and ranks == 1:
                    continue
                with self.subTest(ranks=ranks, arguments=arguments):
                    done = run(ranks, "run", "--device", "host", *arguments)
                    self.assert_exit(done, 2)
                    messages = [line for line in done.stderr.splitlines() if line.startswith("symmbench")]
                    self.assertEqual(len(messages), 1, done.stderr)
                    for word in words:
                        self.assertIn(word, messages[0])
        self.assert_nothing_left()

    def test_broken_json_is_located(self):
        path = self.scratch / "broken.json"
        path.write_text('{\n  "iters": 10,\n  "sweeps": [}\n')
        done = run(2, "run", "--config", path)
        self.assert_exit(done, 2)
        self.assertIn("line 3, column", done.stderr)

    def test_unknown_config_keys_are_refused_with_the_nearest_known_one(self):
        done = run(2, "run", "--config", self.config(itres=10))
        self.assert_exit(done, 2)
        self.assertIn("itres", done.stderr)
        self.assertIn("iters", done.stderr)

    def test_a_missing_value_and_a_stray_argument(self):
        self.assert_exit(run(2, "run", "-n"), 2)
        self.assert_exit(run(2, "run", "stray"), 2)

    def test_cuda_without_a_driver_is_skipped_where_that_is_allowed(self):
        done = run(2, "run", "--device", "cuda", "--skip-if-unsupported", "-J", self.report)
        self.assert_exit(done, 77)
        self.assertEqual(self.load()["verdict"]["status"], "skipped")

    def test_cuda_without_a_driver_is_no_verdict(self):
        done = run(2, "run", "--device", "cuda", "-J", self.report)
        self.assert_exit(done, 3)
        self.assertIn("cuda", done.stderr + done.stdout)
        self.assertFalse(self.load()["run"]["complete"] and self.load()["verdict"]["status"] == "passed")

    def test_a_workspace_larger_than_memory_is_no_verdict_with_figures(self):
        done = run(4, "run", "--device", "host", "-b", "256G", "-e", "256G", "-J", self.report)
        self.assert_exit(done, 3)
        self.assertRegex(done.stderr + done.stdout, r"GiB|TiB")

    def test_validate_names_the_path_of_each_violation(self):
        run(2, "run", "--device", "host", "-b", "4K", "-e", "4K", "-n", 4, "-J", self.report)
        report = self.load()
        report["results"][0]["time_us"]["mean"] = "fast"
        report["surprise"] = 1
        self.report.write_text(json.dumps(report))
        done = alone("validate", self.report)
        self.assert_exit(done, 1)
        self.assertIn("/results/0/time_us", done.stdout + done.stderr)
        self.assertIn("surprise", done.stdout + done.stderr)

    def test_plan_and_list_need_no_mpi(self):
        self.assert_exit(alone("plan", "--ranks", 4), 0)
        for what in ("workspaces", "allocators", "patterns", "algorithms", "fabrics", "faults", "checks", "configs"):
            with self.subTest(what=what):
                self.assert_exit(alone("list", what), 0)
        self.assert_exit(alone("list", "nonsense"), 2)
        self.assert_exit(alone("--help"), 0)
        self.assert_exit(alone("run", "--help"), 0)
        self.assert_exit(alone(), 2)


class Stdout(RunTest):
    """Where stdout is the product, output that did not arrive is exit 3 with one line on stderr."""

    COMMANDS = (("plan", "--ranks", 4), ("plan", "--json"), ("list", "allocators"), ("list", "faults", "--json"),
                ("--help",), ("run", "--help"), ("--version",), ("validate", ROOT / "configs/quick.json"))

    def test_a_full_disk_is_told(self):
        for command in self.COMMANDS:
            with self.subTest(command=command), open("/dev/full", "w") as full:
                done = subprocess.run([str(BINARY), *map(str, command)], stdout=full, stderr=subprocess.PIPE, text=True,
                                      stdin=subprocess.DEVNULL, timeout=LIMIT_S, env=ENVIRONMENT)
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
                self.assertIn("stdout", done.stderr)
                self.assertIn("No space left", done.stderr)

    def test_a_stdout_that_came_closed_is_told(self):
        for command in (("list", "allocators"), ("plan", "--ranks", 2), ("--help",)):
            with self.subTest(command=command):
                done = subprocess.run(["bash", "-c", 'exec "$@" >&-', "x", str(BINARY), *map(str, command)],
                                      stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL, timeout=LIMIT_S,
                                      env=ENVIRONMENT)
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertIn("stdout did not take", done.stderr)

    def test_results_that_nobody_could_read_are_no_verdict_unless_a_report_has_them(self):
        small = ("run", "--device", "host", "-b", "4K", "-e", "4K", "-n", 4, "--lifecycles", 0)
        shell = ("bash", "-c", 'exec "$@" > /dev/full', "x", BINARY)
        lost = launch(2, *shell, *small)
        self.assert_exit(lost, 3)
        self.assertIn("stdout", lost.stderr)
        kept = launch(2, *shell, *small, "-J", self.report)
        self.assert_exit(kept, 0)
        self.assertIn("stdout", kept.stderr)
        self.assertEqual(self.load()["verdict"]["status"], "passed")


if __name__ == "__main__":
    main()
