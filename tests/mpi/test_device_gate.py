"""Emulation never answers for hardware: on a machine without GPUs only --device host runs anything."""
import re
import shlex
import socket

from harness import RunTest, launch, main, run

SIZES = ("-b", "4K", "-e", "4K", "-n", 4, "--lifecycles", 0, "--allocator", "torch_symm_mem")


class WithoutGpus(RunTest):
    def refused(self, *arguments, code=3):
        """A run of two ranks that must not run anything: what it said."""
        done = run(2, "run", *SIZES, *arguments, env={"CUDA_VISIBLE_DEVICES": ""})
        self.assert_exit(done, code)
        text = done.stdout + done.stderr
        self.assertNotIn("EMULATED", text)
        self.assertNotIn("PASSED", text)
        self.assertNotIn(": 0 OK", text)
        self.assertRegex(text, rf"rank 0 on {re.escape(socket.gethostname())} cannot use the cuda device: .+")
        self.assert_nothing_left()
        return text

    def test_a_bare_run_is_refused_with_a_line_that_runs_when_pasted(self):
        text = self.refused("--seed", 7)
        line = re.search(r"on the emulated device: mpirun -n 2 (.*)", text)[1]
        words = shlex.split(line)
        self.assertEqual(words[-2:], ["--device", "host"])
        self.assertIn("--seed", words)
        pasted = launch(2, *words)
        self.assert_exit(pasted, 0)
        self.assertIn("EMULATED", pasted.stdout)

    def test_neither_strict_nor_a_format_makes_it_pass(self):
        for arguments in (("--strict",), ("--format", "nccl"), ("--format", "none"), ("--device", "auto")):
            with self.subTest(arguments=arguments):
                self.refused(*arguments)

    def test_skip_if_unsupported_makes_it_77_and_the_report_is_written(self):
        self.refused("--skip-if-unsupported", "-J", self.report, code=77)
        report = self.load()
        self.assertEqual(report["verdict"]["status"], "skipped")
        self.assertFalse(report["device"]["emulated"])
        self.assertEqual({row["status"] for row in report["results"]}, {"not_tested"})


if __name__ == "__main__":
    main()
