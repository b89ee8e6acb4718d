"""What a run makes of workers that die or stop, of signals, and of a launcher that vanishes. Each run is held at a
named point until the test has acted: nothing depends on how fast either of them is."""
import os
import pathlib
import signal
import struct

from harness import LIMIT_S, RunTest, main, run, supervisors, workers

RANKS = range(4)
# Six cases of two rows each. In the order in which they run, measure.1 is the second.
CASES = ("run", "--device", "host", "-b", "4K", "-e", "16K", "-f", "2", "-n", 20, "--lifecycles", 0)
SECOND = "1x4096"
PATIENT = ("-T", 600)  # no wait of the run ends by itself
HASTY = ("-T", 3)  # a rank that does not come is given up
# mpirun kills one second after SIGTERM; that rank 0 has its report by then is not what is tested here.
UNHURRIED = {"OMPI_MCA_odls_base_sigkill_timeout": "3"}


CANARY = struct.pack("<I", 0xC0DEFACE) * 1024  # behind the used bytes of every segment


def canaried_segments(pid):
    """Paths of the emulated segments that a worker has mapped, of all ranks, in the order in which they were made."""
    folder = pathlib.Path("/proc", str(pid), "map_files")
    files = {}
    for path in folder.iterdir():
        if "memfd:" in os.readlink(path):
            files.setdefault(path.stat().st_ino, path)
    made = sorted(files.values(), key=lambda path: path.stat().st_ctime_ns)
    return [path for path in made if CANARY in path.read_bytes()]


def overwrite_canary(path):
    with path.open("r+b") as memory:
        memory.seek(path.read_bytes().index(CANARY) + 64)
        memory.write(b"zero")


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
        victim = workers()[2]
        os.kill(victim, signal.SIGKILL)
        done = job.finish()
        self.assert_exit(done, 1)
        self.assert_nothing_left()
        self.assertTrue(self.load()["run"]["complete"])
        self.assertEqual(self.load()["verdict"]["exit_code"], 1)
        (row,) = self.rows("failed")  # one killed worker is one event, not two broken allocators
        self.assertEqual(len(self.rows("ok")), 11, done.stdout)
        self.assertIn(SECOND, row["case_id"])
        failure = row["failure"]
        self.assertEqual((failure["reason"], failure["code"], failure["rank"]), ("crashed", 9, 2))
        self.assertEqual((failure["allocator"], failure["pid"]), (row["allocator"], victim))
        (beside,) = [each for each in self.rows("ok") if each["attempts"]]
        self.assertEqual([each["status"] for each in beside["attempts"]], ["interrupted", "ok"])
        self.assertRegex(done.stdout, rf"# failed, {row['allocator']}, in .*rank 2.*pid {victim}")

    def test_only_the_allocator_whose_segment_broke_has_failed(self):
        for which in (0, 1):
            with self.subTest(allocator=which):
                hold = self.hold("measure.1.launched", 0)
                job = self.start(4, *CASES, *PATIENT, "--placements", 1, "-J", self.report)
                hold.wait(job)
                # The segment of the data, 64 KiB, before torch's signal pad of 9216 bytes.
                used = (65536, 65536 + 9216)[which]
                data = [path for path in canaried_segments(workers()[0]) if path.read_bytes().index(CANARY) == used]
                overwrite_canary(data[0])
                hold.release()
                done = job.finish()
                self.assert_exit(done, 1)
                self.assert_nothing_left()
                (row,) = self.rows("failed")
                self.assertEqual(row["allocator"], self.load()["results"][which]["allocator"], done.stdout)
                self.assertEqual((row["failure"]["reason"], row["failure"]["allocator"]),
                                 ("corrupted", row["allocator"]))
                (beside,) = [each for each in self.rows("ok") if each["attempts"]]
                self.assertEqual(beside["case_id"], row["case_id"])
                self.assertEqual([each["status"] for each in beside["attempts"]], ["interrupted", "ok"])

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
        (row,) = self.rows("hung")
        self.assertEqual((row["failure"]["reason"], row["failure"]["rank"]), ("timed_out", 2), done.stdout)
        self.assertEqual(len(self.rows("ok")), 11)
        self.assertIn(SECOND, row["case_id"])
        self.assertIn("state T (stopped by a signal)", row["failure"]["detail"])
        self.assertIn("next: look at rank 2", done.stdout)
        self.assertNotIn("destroyed without close", done.stderr)  # of those who waited

    def test_a_hang_of_the_repetition_is_a_hang_of_the_run_and_the_row_keeps_its_first_cause(self):
        job, _ = self.begin(*HASTY)
        again = self.hold("measure.0.use", 2)  # the second case, alone
        os.kill(workers()[2], signal.SIGKILL)
        again.wait(job)
        os.kill(workers()[2], signal.SIGSTOP)
        again.release()
        done = job.finish()
        self.assert_exit(done, 4)
        self.assert_nothing_left()
        (row,) = self.rows("failed")
        self.assertEqual((row["failure"]["reason"], row["failure"]["rank"]), ("crashed", 2), done.stdout)
        self.assertEqual([each["status"] for each in row["attempts"]], ["failed", "hung"])
        self.assertEqual(self.rows("hung"), [])
        self.assertIn(f"hung: {row['allocator']}: rank 2", done.stdout)

    def assert_interrupted(self, by):
        """The run that was held before its second case ended early, and nobody is accused."""
        self.assert_nothing_left()
        report = self.load()
        self.assertFalse(report["run"]["complete"])
        self.assertRegex(report["run"]["interrupted_by"], by)
        self.assertEqual((report["verdict"]["status"], report["verdict"]["exit_code"]), ("interrupted", 3))
        self.assertEqual([row["status"] for row in report["results"]],
                         ["ok"] * 2 + ["interrupted"] * 2 + ["not_tested"] * 8)
        self.assertEqual(report["run"]["incidents"], [])
        self.assertNotIn("rank_silent", [event["what"] for event in report["run"]["events"]])

    def test_workers_leave_it_to_their_supervisors_what_a_signal_that_ends_jobs_means(self):
        job, hold = self.begin(*PATIENT)  # batch systems signal every process of a job
        for worker in workers().values():
            os.kill(worker, signal.SIGTERM)
        hold.release()
        self.assert_exit(job.finish(), 0)
        self.assert_nothing_left()

    def test_a_warning_signal_that_the_launcher_forwards_interrupts(self):
        job, _ = self.begin(*PATIENT, env=UNHURRIED)
        job.signal(signal.SIGUSR1)
        self.assert_exit(job.finish(), 3)
        self.assert_interrupted(r"^SIGUSR1 \(from the launcher\)$")

    def test_sigterm_and_sigint_leave_an_incomplete_report(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number.name):
                job, _ = self.begin(*PATIENT, env=UNHURRIED)
                job.signal(number)
                self.assertNotEqual(job.finish().returncode, 0)
                # mpirun makes a SIGTERM of both.
                self.assert_interrupted(r"^SIGTERM \(from the launcher\)$")

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

    def test_a_killed_supervisor_ends_the_job_and_is_named_in_the_report(self):
        job, _ = self.begin(*PATIENT, env=UNHURRIED)
        victim = supervisors()[2]
        os.kill(victim, signal.SIGKILL)
        done = job.finish()
        self.assertNotEqual(done.returncode, 0)
        self.assert_nothing_left()
        (incident,) = self.load()["run"]["incidents"]
        failure = incident["failure"]
        self.assertEqual((failure["layer"], failure["reason"], failure["rank"], failure["pid"]),
                         ("supervisor", "crashed", 2, victim))
        self.assertRegex(done.stdout, rf"rank 2's process \(.*, pid {victim}\) died; its last record was")

    def test_a_killed_rank_0_is_named_by_the_others_and_in_their_journals(self):
        job, _ = self.begin(*PATIENT, env=UNHURRIED)
        victim = supervisors()[0]
        os.kill(victim, signal.SIGKILL)
        done = job.finish()
        self.assertNotEqual(done.returncode, 0)
        self.assert_nothing_left()
        self.assertFalse(self.report.exists())
        self.assertRegex(done.stderr, rf"rank 0's process \(.*, pid {victim}\) died")
        journals = "".join(path.read_text() for path in self.report.with_name("report.json.journal").iterdir())
        self.assertIn(f"pid {victim}) died", journals)

    def test_a_frozen_rank_0_is_left_by_the_others_who_name_it(self):
        job, _ = self.begin("-T", 3)
        victim = supervisors()[0]
        os.kill(victim, signal.SIGSTOP)
        done = job.finish()
        self.assert_exit(done, 4)
        self.assert_nothing_left()
        self.assertRegex(done.stderr, rf"rank 0's process \(.*, pid {victim}\) said nothing for .* state T")
        journals = self.report.with_name("report.json.journal")
        if journals.exists():  # rank 0, which mpirun wakes to end it, may still come to write its report
            self.assertIn(f"pid {victim}) said nothing", "".join(path.read_text() for path in journals.iterdir()))
        if self.report.exists():
            self.assertEqual(self.load()["verdict"]["exit_code"], 4)

    def test_a_frozen_supervisor_is_a_hang_that_names_its_rank(self):
        job, hold = self.begin(*HASTY)
        os.kill(supervisors()[3], signal.SIGSTOP)
        hold.release()
        done = job.finish()
        self.assert_exit(done, 4)
        self.assert_nothing_left()
        self.assertEqual(self.load()["verdict"]["exit_code"], 4)
        (incident,) = self.load()["run"]["incidents"]  # of no allocator
        self.assertEqual((incident["failure"]["layer"], incident["failure"]["rank"]), ("supervisor", 3), done.stdout)
        self.assertIn("state T (stopped by a signal)", incident["failure"]["detail"])
        self.assertNotIn("rank 0's process", done.stderr)  # who was woken to be ended finds it gone, and accuses nobody

    def test_a_supervisor_that_is_frozen_while_nobody_waits_for_it_ends_the_run(self):
        hold = self.hold("preflight.none.start", 2)  # no worker has anything to ask of another one there
        job = self.start(3, *CASES, "-T", 1, "-J", self.report)
        hold.wait(job)
        os.kill(supervisors()[2], signal.SIGSTOP)
        hold.release()
        done = job.finish()
        self.assert_exit(done, 4)
        self.assert_nothing_left()
        (incident,) = self.load()["run"]["incidents"]
        failure = incident["failure"]
        self.assertEqual((failure["layer"], failure["rank"], incident["status"]), ("supervisor", 2, "hung"))
        self.assertIn("state T (stopped by a signal)", failure["detail"])

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
