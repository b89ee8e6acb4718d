"""What a run makes of workers that die or stop, of signals, and of a launcher that vanishes. Each run is held at a
named point until the test has acted: nothing depends on how fast either of them is."""
import os
import signal

from harness import LIMIT_S, RunTest, main, run, supervisors, workers

RANKS = range(4)
# Six cases of two rows each. In the order in which they run, measure.1 is the second.
CASES = ("run", "--device", "host", "-b", "4K", "-e", "16K", "-f", "2", "-n", 20, "--lifecycles", 0)
SECOND = "1x4096"
PATIENT = ("-T", 600)  # no wait of the run ends by itself
HASTY = ("-T", 3)  # a rank that does not come is given up
# mpirun kills one second after SIGTERM; that rank 0 has its report by then is not what is tested here.
UNHURRIED = {"OMPI_MCA_odls_base_sigkill_timeout": "3"}


class Failures(RunTest):
    def begin(self, *arguments, **options):
        """A run whose workers have the first case behind them and are all held before the second: no rank waits for
        another, so no deadline runs."""
        hold = self.hold("measure.1.use", *RANKS)
        job = self.start(4, *CASES, "-J", self.report, *arguments, **options)
        hold.wait(job)
        return job, hold

    def rows(self, status):
        return [row for row in self.load()["results"] if row["status"] == status]


    def test_a_worker_killed_during_its_kernel_becomes_rows_and_the_rest_completes(self):
        late = self.hold("measure.1.use", 0)  # so that the kernel of the others, which waits for rank 0, cannot end
        launched = self.hold("measure.1.launched", 2)
        job = self.start(4, *CASES, *PATIENT, "-J", self.report)
        late.wait(job)
        launched.wait(job)
        os.kill(workers()[2], signal.SIGKILL)
        done = job.finish()
        self.assert_exit(done, 1)
        self.assert_nothing_left()
        self.assertTrue(self.load()["run"]["complete"])
        self.assertEqual(self.load()["verdict"]["exit_code"], 1)
        for row in self.rows("failed"):
            self.assertIn(SECOND, row["case_id"])
            failure = row["failure"]
            self.assertEqual((failure["reason"], failure["code"], failure["rank"]), ("crashed", 9, 2))
        self.assertEqual((len(self.rows("failed")), len(self.rows("ok"))), (2, 10), done.stdout)

    def test_a_worker_killed_between_lifecycles_costs_one_of_them(self):
        hold = self.hold("lifecycle.5.create", 3)
        job = self.start(4, "run", "--device", "host", "-b", "4K", "-e", "4K", "-n", 4, "--allocator", "torch_symm_mem",
                         "--lifecycles", 12, *PATIENT, "-J", self.report)
        hold.wait(job)
        os.kill(workers()[3], signal.SIGKILL)
        self.assert_exit(job.finish(), 1)
        self.assert_nothing_left()
        (entry,) = self.load()["stability"]
        self.assertEqual((entry["lifecycles"], entry["failed"]), (12, 1))
        self.assertEqual(entry["first_failure"]["reason"], "crashed")
        self.assertEqual(len(entry["incidents"]), 1)

    def test_a_stopped_worker_is_a_hang_that_names_it(self):
        job, hold = self.begin(*HASTY)
        os.kill(workers()[2], signal.SIGSTOP)
        hold.release()
        done = job.finish()
        self.assert_exit(done, 4)
        self.assert_nothing_left()
        hung = self.rows("hung")
        blamed = {(row["failure"]["reason"], row["failure"]["rank"]) for row in hung}
        self.assertEqual(blamed, {("timed_out", 2)}, done.stdout)
        self.assertEqual(len(self.rows("ok")) + len(hung), 12)
        for row in hung:
            self.assertIn(SECOND, row["case_id"])

    def test_sigterm_and_sigint_leave_an_incomplete_report(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number.name):
                job, _ = self.begin(*PATIENT, env=UNHURRIED)
                job.signal(number)
                self.assertNotEqual(job.finish().returncode, 0)
                self.assert_nothing_left()
                report = self.load()
                self.assertFalse(report["run"]["complete"])
                self.assertEqual(report["run"]["interrupted_by"], "SIGTERM")  # which is what mpirun makes of both
                self.assertEqual(report["verdict"]["exit_code"], 3)
                self.assertEqual([row["status"] for row in report["results"]], ["ok"] * 2 + ["not_tested"] * 10)

    def test_a_time_limit_ends_the_run_with_no_verdict(self):
        self.hold("measure.1.use", *RANKS)  # never released, so the limit alone can end the run, wherever it meets it
        job = self.start(4, *CASES, *PATIENT, "--time-limit", 1, "-J", self.report)
        self.assert_exit(job.finish(), 3)
        self.assert_nothing_left()
        self.assertFalse(self.load()["run"]["complete"])
        self.assertEqual(self.load()["run"]["interrupted_by"], "time limit")

    def test_a_killed_launcher_leaves_no_processes(self):
        job, _ = self.begin(*PATIENT, wrapped=False)
        job.signal(signal.SIGKILL)
        job.finish()
        self.assert_nothing_left(LIMIT_S)

    def test_a_killed_supervisor_ends_the_job_and_leaves_no_processes(self):
        for rank, env in ((0, {}), (3, UNHURRIED)):
            with self.subTest(rank=rank):
                job, _ = self.begin(*PATIENT, env=env)
                os.kill(supervisors()[rank], signal.SIGKILL)
                self.assertNotEqual(job.finish().returncode, 0)
                self.assert_nothing_left()
                self.assertEqual(self.report.exists(), rank != 0)
        self.assertIn("rank_silent", [event["what"] for event in self.load()["run"]["events"]])

    def test_a_frozen_supervisor_is_a_hang_that_names_its_rank(self):
        job, hold = self.begin(*HASTY)
        os.kill(supervisors()[3], signal.SIGSTOP)
        hold.release()
        done = job.finish()
        self.assert_exit(done, 4)
        self.assert_nothing_left()
        self.assertEqual(self.load()["verdict"]["exit_code"], 4)
        blamed = {(row["failure"]["layer"], row["failure"]["rank"]) for row in self.rows("hung")}
        self.assertEqual(blamed, {("supervisor", 3)}, done.stdout)

    def test_two_runs_with_one_report_do_not_touch_each_other(self):
        job, hold = self.begin(*PATIENT)
        second = run(2, "run", "--device", "host", "-b", "4K", "-e", "4K", "-n", 2, "-J", self.report)
        self.assert_exit(second, 2)
        self.assertIn("another run is writing its journal", second.stderr)
        hold.release()
        self.assert_exit(job.finish(), 0)
        self.assert_nothing_left()
        report = self.load()  # the first run's, whole
        self.assertEqual(len(report["ranks"]), 4)
        self.assertTrue(report["run"]["complete"])


if __name__ == "__main__":
    main()
