"""What argv, files and the other ranks hold ends in exit 2 or 3 with one message; no exception of a library is one."""
import os
import shutil
import socket

from harness import BINARY, RunTest, alone, launch, main, run

SMALL = ("--device", "host", "-b", "4K", "-e", "4K", "-n", 4, "--lifecycles", 0)
HOST = socket.gethostname()


def messages(done):
    """The lines of the product, without mpirun's own."""
    return [line for line in done.stderr.splitlines() if line.startswith("symmbench")]


class Files(RunTest):
    def test_each_bad_config_is_one_message_with_key_file_and_line(self):
        cases = {
            "overflow": (b'{"iters":1e400}', ["line 1", "iters", "1e400"]),
            "deep": (b"[" * 2_000_000, ["line 1", "100 levels"]),
            "deeper": (b'{"sweeps":' * 300_000, ["line 1", "100 levels"]),
            "nul": (b'{"iters": 5}\0}', ["line 1", "NUL"]),
            "nan": (b'{\n"ci_width": NaN}', ["line 2", "not JSON"]),
            "twice": (b'{"iters": 5,\n"iters": 6}', ["line 2", "iters", "twice"]),
            "huge": (b'{\n\n"iters": 99999999999999999999}', ["line 3", "iters", "whole number"]),
            "type": (b'{"sweeps": [{},\n{"iters": {"a": []}}]}', ["line 2", "sweeps[1].iters", "whole number"]),
            "key": (b'{\n"' + b"k" * 1_000_000 + b'": 1}', ["unknown key", "kkk..."]),
            "bytes": (b'{"report": "\xff"}', ["line 1", "no UTF-8"]),
            "list": (b'{"hidden": [' + b",".join(b"%d" % n for n in range(1, 100_000)) + b"]}", ["hidden", "at most"]),
            "empty": (b"", ["line 1", "not JSON"]),
        }
        for name, (content, words) in cases.items():
            path = self.scratch / f"{name}.json"
            path.write_bytes(content)
            with self.subTest(name=name):
                for done in (run(2, "run", "--config", path), alone("plan", "--config", path)):
                    self.assert_exit(done, 2)
                    said = messages(done)
                    self.assertEqual(len(said), 1, done.stderr[:2000])
                    self.assertLess(len(said[0]), 600)
                    for word in (str(path), *words):
                        self.assertIn(word, said[0])
                        self.assertNotIn("json.exception", said[0])
                self.assertIn(alone("validate", path).returncode, (1, 2))
        self.assert_nothing_left()

    def test_a_device_without_end_and_a_pipe_without_a_writer_end(self):
        pipe = self.scratch / "pipe"
        os.mkfifo(pipe)
        for path in ("/dev/zero", pipe):
            done = alone("plan", "--config", path)
            self.assert_exit(done, 2)
            self.assertIn(str(path), done.stderr)

    def test_an_argument_that_is_no_text_is_refused(self):
        done = run(2, "run", *SMALL, "--report", os.fsdecode(b"/tmp/\xff.json"))
        self.assert_exit(done, 2)
        self.assertEqual(len(messages(done)), 1, done.stderr)
        self.assertIn("UTF-8", done.stderr)

    def test_what_somebody_typed_makes_no_second_line_moves_no_cursor_and_ends(self):
        path = self.scratch / "c.json"
        path.write_text('{"allocator": "a\\nb\\u001b[2J"}')
        for arguments in (("plan", "a\nb\x1b[2J"), ("x\n" * 40_000,), ("plan", "--config", path)):
            done = alone(*arguments)
            self.assert_exit(done, 2)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr[:2000])
            self.assertNotIn("\x1b", done.stderr)
            self.assertLess(len(done.stderr), 20_000)


class Ranks(RunTest):
    """Ranks that would do different things are told apart before anything runs, with a report where one was asked for."""

    def apart(self, first, second, *words, code=3, report=True):
        """mpirun -n 1 first : -n 1 second; the one line that says why."""
        done = launch(1, *first, ":", "-n", 1, *second)
        self.assert_exit(done, code)
        said = messages(done)
        self.assertEqual(len(said), 1, done.stderr)
        for word in words:
            self.assertIn(word, said[0])
        self.assertEqual(self.report.exists(), report)
        if report:
            self.assertEqual(self.load()["run"]["interrupted_by"], said[0])
            self.assertEqual(self.load()["verdict"]["status"], "no_verdict")
            self.assertEqual([rank["host"] for rank in self.load()["ranks"]], [HOST, HOST])
            self.assert_exit(alone("validate", self.report), 0)
        self.assert_nothing_left()
        return said[0]

    def test_other_options_on_one_rank_are_named_with_both_values(self):
        common = ("run", *SMALL, "-J", self.report)
        self.apart((BINARY, *common, "--seed", 3), (BINARY, *common, "--seed", 4, "--strict"),
                   f"rank 1 on {HOST}", f"rank 0 on {HOST}", "--seed 4 against 3", "--strict on against off")

    def test_a_config_that_one_rank_does_not_find_is_named_with_rank_host_and_path(self):
        path = self.config(seed=5)
        common = ("run", *SMALL, "-J", self.report, "--config")
        self.apart((BINARY, *common, path), (BINARY, *common, "/nonexistent/c.json"), f"rank 1 on {HOST}",
                   "/nonexistent/c.json", "1 of 2 ranks")

    def test_a_config_of_other_content_is_told_key_by_key(self):
        other = self.scratch / "other.json"
        other.write_text('{"sweeps": [{"iters": 3}, {"iters": 9}]}')
        path = self.config(sweeps=[{"iters": 3}, {"iters": 4}])
        common = ("run", "--device", "host", "-J", self.report, "--config")
        self.apart((BINARY, *common, path), (BINARY, *common, other), "sweeps[1].iters 9 against 4")

    def test_one_rank_that_only_plans_or_only_prints_is_named(self):
        common = ("run", *SMALL, "-J", self.report)
        self.apart((BINARY, *common), (BINARY, *common, "--plan"), f"rank 1 on {HOST}", "`run --plan`", "`run`")
        self.report.unlink()
        self.apart((BINARY, *common), (BINARY, "run", "--help"), f"rank 1 on {HOST}", "`run --help`")

    def test_one_rank_with_another_binary_is_named_with_both_hashes(self):
        copy = self.scratch / "symmbench"
        shutil.copy(BINARY, copy)
        with open(copy, "ab") as binary:
            binary.write(b"\0")
        common = ("run", *SMALL, "-J", self.report)
        line = self.apart((BINARY, *common), (copy, *common), f"rank 0 on {HOST}", f"rank 1 on {HOST}", "same binary")
        self.assertRegex(line, r"hash ([0-9a-f]{16}).*hash (?!\1)[0-9a-f]{16}")


if __name__ == "__main__":
    main()
