"""What a run makes of workers that die or stop, of signals, and of a launcher that vanishes."""
import os
import signal

from harness import RunTest, main, measuring, processes, run, start, wait_until, workers

LONG = ("run", "--device", "host", "-b", "4K", "-e", "16K", "-f", "2", "-n", 2000, "-T", 6, "--lifecycles", 0)


class Failures(RunTest):
    def begin(self, *more):
        job = start(4, *LONG, "-J", self.report, *more)
        pids = wait_until(measuring(self.report, 4), "four measuring workers")
        return job, pids

    def finish(self, job):
        stdout, stderr = job.communicate(timeout=120)
        return stdout + stderr

    def test_a_killed_worker_becomes_rows_and_the_rest_completes(self):
        job, pids = self.begin()
        os.kill(pids[0], signal.SIGKILL)
        text = self.finish(job)
        self.assertEqual(job.returncode, 1, text)
        report = self.load()
        self.assertTrue(report["run"]["complete"])
        failed = [row for row in report["results"] if row["status"] == "failed"]
        self.assertGreaterEqual(len(failed), 1, text)
        for row in failed:
            self.assertEqual(row["failure"]["reason"], "crashed")
            self.assertEqual(row["failure"]["code"], 9)
            self.assertIn(row["failure"]["rank"], range(4))
        self.assertGreaterEqual(len([row for row in report["results"] if row["status"] == "ok"]), 1)
        self.assertEqual(report["verdict"]["exit_code"], 1)
        self.assert_nothing_left()

    def test_a_worker_killed_between_lifecycles_costs_one_of_them(self):
        job = start(4, "run", "--device", "host", "-b", "4K", "-e", "4K", "-n", 4, "--allocator", "torch_symm_mem",
                    "--lifecycles", 300, "-J", self.report)
        journal = self.report.with_name(self.report.name + ".journal") / "rank-0.jsonl"
        pids = wait_until(lambda: workers() if journal.exists() and '"type":"lifecycle"' in journal.read_text() else None,
                          "a first lifecycle")
        os.kill(pids[-1], signal.SIGKILL)
        text = self.finish(job)
        self.assertEqual(job.returncode, 1, text)
        (entry,) = self.load()["stability"]
        self.assertEqual(entry["lifecycles"], 300)
        self.assertEqual(entry["failed"], 1)
        self.assertEqual(entry["first_failure"]["reason"], "crashed")
        self.assertEqual(len(entry["incidents"]), 1)
        self.assert_nothing_left()

    def test_a_stopped_worker_is_a_hang_that_names_it(self):
        job, pids = self.begin()
        os.kill(pids[0], signal.SIGSTOP)
        text = self.finish(job)
        self.assertEqual(job.returncode, 4, text)
        report = self.load()
        hung = [row for row in report["results"] if row["status"] == "hung"]
        self.assertGreaterEqual(len(hung), 1, text)
        self.assertGreaterEqual(len([row for row in report["results"] if row["status"] == "ok"]), 1)
        for row in hung:
            self.assertEqual(row["failure"]["reason"], "timed_out")
        self.assert_nothing_left()

    def test_sigterm_leaves_an_incomplete_report(self):
        job, _ = self.begin()
        job.send_signal(signal.SIGTERM)
        text = self.finish(job)
        self.assertNotEqual(job.returncode, 0, text)
        report = self.load()
        self.assertFalse(report["run"]["complete"])
        self.assertEqual(report["verdict"]["exit_code"], 3)
        self.assertIn("not_tested", {row["status"] for row in report["results"]})
        self.assert_nothing_left()

    def test_sigint_leaves_an_incomplete_report(self):
        job, _ = self.begin()
        job.send_signal(signal.SIGINT)
        self.finish(job)
        self.assertFalse(self.load()["run"]["complete"])
        self.assert_nothing_left()

    def test_a_killed_launcher_leaves_no_processes(self):
        job, _ = self.begin()
        job.kill()
        job.communicate(timeout=60)
        self.assert_nothing_left()

    def test_a_killed_supervisor_ends_the_job_and_leaves_no_processes(self):
        job, pids = self.begin()
        supervisors = [parent for parent, line in (processes()[pid] for pid in pids)]
        victim = supervisors[0]
        os.kill(victim, signal.SIGKILL)
        self.finish(job)
        self.assertNotEqual(job.returncode, 0)
        self.assert_nothing_left()
        if self.report.exists():  # unless it was rank 0
            events = [event["what"] for event in self.load()["run"]["events"]]
            self.assertIn("rank_silent", events)

    def test_a_frozen_supervisor_is_a_hang_that_names_its_rank(self):
        job, pids = self.begin()
        ranks = {parent: pid for pid, (parent, _) in processes().items() if pid in pids}
        frozen = max(ranks)  # mpirun starts rank 0 first
        os.kill(frozen, signal.SIGSTOP)
        text = self.finish(job)
        self.assertEqual(job.returncode, 4, text)
        report = self.load()
        self.assertEqual(report["verdict"]["exit_code"], 4)
        hung = [row["failure"] for row in report["results"] if row["status"] == "hung"]
        self.assertEqual({failure["layer"] for failure in hung}, {"supervisor"}, text)
        self.assertEqual({failure["rank"] for failure in hung}, {3}, text)
        self.assert_nothing_left()

    def test_two_runs_with_one_report_do_not_touch_each_other(self):
        job = start(4, "run", "--device", "host", "-b", "4K", "-e", "16K", "-n", 1000000, "-J", self.report)
        wait_until(lambda: len(workers()) == 4, "a first run")
        second = run(2, "run", "--device", "host", "-b", "4K", "-e", "4K", "-n", 2, "-J", self.report)
        self.assertEqual(second.returncode, 2, second.stderr)
        self.assertIn("another run is writing its journal", second.stderr)
        job.send_signal(signal.SIGTERM)
        self.finish(job)
        report = self.load()  # the first run's, whole
        self.assertEqual(len(report["ranks"]), 4)
        self.assertEqual(report["run"]["interrupted_by"], "SIGTERM")
        self.assert_nothing_left()

    def test_a_time_limit_ends_the_run_with_no_verdict(self):
        job = start(4, "run", "--device", "host", "-b", "4K", "-e", "16K", "-f", "2", "-n", 100000, "--time-limit", 3,
                    "-J", self.report)
        text = self.finish(job)
        self.assertEqual(job.returncode, 3, text)
        self.assertFalse(self.load()["run"]["complete"])
        self.assert_nothing_left()


if __name__ == "__main__":
    main()
