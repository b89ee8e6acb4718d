"""Many ranks on few cores, and what happens where descriptors do not suffice for them."""
import errno

from harness import BINARY, RunTest, launch, main, run

SMALL = ("run", "--device", "host", "-b", "4K", "-e", "4K", "-n", 2, "-G", 2, "-w", 2, "--algorithm", "one_shot")


class Scale(RunTest):
    def test_an_nvl72_domain_builds_its_workspaces_and_runs_one_size(self):
        done = run(72, *SMALL, "--lifecycles", 0, "--allocator", "torch_symm_mem", "-T", 600, "-J", self.report)
        self.assert_exit(done, 0)
        report = self.load()
        self.assertEqual(len(report["ranks"]), 72)
        self.assertEqual([row["status"] for row in report["results"]], ["ok"])
        self.assert_nothing_left()

    def test_too_few_descriptors_for_what_a_trial_proved_are_a_failure_that_names_the_limit(self):
        limited = f"ulimit -n 32; exec {BINARY} {' '.join(map(str, SMALL))} -J {self.report}"
        done = launch(8, "bash", "-c", limited)
        self.assert_exit(done, 1)
        self.assertIn("RLIMIT_NOFILE is 32", done.stdout)
        self.assertEqual({(row["status"], row["failure"]["code"]) for row in self.load()["results"]},
                         {("failed", errno.EMFILE)})
        self.assert_nothing_left()


if __name__ == "__main__":
    main()
