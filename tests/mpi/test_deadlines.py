"""Every wait has an end, from the start-up on, and none ends before the work that it waits for."""
import os

from harness import BINARY, RunTest, launch, main, run


class StartUp(RunTest):
    def test_a_rank_that_only_prints_does_not_keep_the_others_waiting(self):
        only_prints = (BINARY, "run", "--plan")
        works = (BINARY, "run", "--device", "host", "-b", "16K", "-e", "16K", "-n", 4)
        for first, second in ((works, only_prints), (only_prints, works)):
            done = launch(1, *first, ":", "-n", 1, *second)
            self.assert_exit(done, 3)
            self.assertIn("rank 1 ", done.stderr)
            self.assertIn("--plan", done.stderr)
            self.assert_nothing_left()


    def test_ranks_that_never_call_mpi_init_are_named_and_end_the_run(self):
        door, ended = self.scratch / "door", self.scratch / "ended"
        for fifo in (door, ended):
            os.mkfifo(fifo)
        # mpirun itself ends a job in which a process leaves after another one has come to MPI_Init: rank 1 is gone before.
        after_rank_1 = f'read pid < {ended}; while [ -d /proc/$pid ]; do :; done; exec "$0" "$@"'
        job = self.start_command(1, ("sh", "-c", after_rank_1, BINARY, "run", "--device", "host",
                                     ":", "-n", 1, "sh", "-c", f"echo $$ > {ended}",
                                     ":", "-n", 1, "sh", "-c", f"read x < {door}"), wrapped=False)
        done = job.finish()
        self.assert_exit(done, 3)
        self.assertRegex(done.stderr, rf"waiting for \d+ s: for rank 2 \(pid \d+ on \S+, `sh -c read x < {door}`\)")
        self.assertRegex(done.stderr, r"rank 1 on \S+ ended before calling MPI_Init")
        self.assert_nothing_left()


class Work(RunTest):
    def test_a_batch_far_longer_than_the_timeout_is_split_and_never_hangs(self):
        # The batch that was asked for takes seconds here; a wait of a fraction of one would end it.
        asked = 5000
        done = run(2, "run", "--device", "host", "-b", "128K", "-e", "128K", "-G", asked, "-n", asked, "-w", 0,
                   "--buffers", 2, "--lifecycles", 0, "--allocator", "torch_symm_mem", "--algorithm", "two_shot",
                   "-T", "500ms", "-J", self.report)
        self.assert_exit(done, 0)
        report = self.load()
        row, = report["results"]
        self.assertEqual(row["status"], "ok")
        split, = [event for event in report["run"]["events"] if event["what"] == "batch_split"]
        self.assertIn(f"instead of {asked}", split["detail"])

    def test_the_report_says_what_waits_were_bounded_by_and_why(self):
        done = run(3, "run", "--device", "host", "-b", "16K", "-e", "16K", "-n", 4, "--lifecycles", 0, "-T", 7,
                   "--deadline-scale", 2, "-J", self.report)
        self.assert_exit(done, 0)
        report = self.load()
        deadlines = report["run"]["deadlines"]
        host, = deadlines["hosts"]
        self.assertEqual((deadlines["timeout_s"], deadlines["scale"], host["ranks"]), (7, 2, 3))
        tasks_per_core = max(host["load_1m"], host["ranks"]) / host["cores"]
        self.assertAlmostEqual(deadlines["widened_by"], min(max(tasks_per_core, 1), 8))
        self.assertAlmostEqual(deadlines["round_s"], 14 * deadlines["widened_by"])
        for rank in report["ranks"]:
            self.assertGreaterEqual(rank["load_1m"], 0)
            self.assertGreaterEqual(rank["cpus_allowed"], host["cores"])


if __name__ == "__main__":
    main()
