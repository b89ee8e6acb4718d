"""Diagnostics decide nothing, and nothing is lost: streams that cannot be written, journals and reports on file systems
that are full, gone or out of reach."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest

from harness import BINARY, RunTest, alone, launch, main, run
from memory_fs import FarDisk

RUN = ("run", "--device", "host", "-b", "4K", "-n", 4, "--lifecycles", 0)
SMALL = (*RUN, "-e", "4K")
RANKS = range(2)


def through_shell(redirection, *arguments):
    """Every rank with its streams as the shell makes them."""
    return launch(2, "bash", "-c", f'exec "$@" {redirection}', "x", BINARY, *arguments)


class Streams(RunTest):
    def test_streams_that_cannot_be_written_or_are_closed_cost_nothing(self):
        for redirection in ("2>/dev/full", ">/dev/full 2>/dev/full", "<&- >&- 2>&-", "2>&-", "> >(head -n 1)"):
            with self.subTest(redirection=redirection):
                old = self.scratch / "report.json.journal" / "rank-0.jsonl"  # something to be said on stderr
                old.parent.mkdir(exist_ok=True)
                old.write_text("")
                done = through_shell(redirection, *SMALL, "-J", self.report)
                self.assert_exit(done, 0)
                self.assert_nothing_left()
                self.assertEqual(self.load()["verdict"]["status"], "passed")
                self.assertEqual(alone("validate", self.report).returncode, 0)
                self.report.unlink()

    def test_a_reader_of_the_table_may_leave(self):
        hold = self.hold("measure.0.use", *RANKS)
        job = self.start(2, *SMALL, "-J", self.report)
        hold.wait(job)
        job.close_stdout()
        hold.release()
        self.assertIn(job.finish().returncode, (0, -13))  # mpirun itself may be killed by SIGPIPE; no rank is
        self.assert_nothing_left()
        self.assertEqual(self.load()["verdict"]["status"], "passed")


class Files(RunTest):
    def small_disk(self):
        """A file system of 16 KiB."""
        disk = self.scratch / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("file systems cannot be mounted here")
        return disk

    def tearDown(self):
        if os.path.ismount(self.scratch / "disk"):
            subprocess.run(["umount", "--lazy", self.scratch / "disk"], check=True)
        super().tearDown()

    @contextlib.contextmanager
    def far_disk(self):
        folder = self.scratch / "far"
        folder.mkdir()
        disk = FarDisk(folder)
        try:
            if not disk.mounted:
                self.skipTest("file systems cannot be mounted here")
            yield folder, disk
        finally:
            disk.close()

    def begin(self, *arguments, **options):
        """A run that is held before its only case."""
        hold = self.hold("measure.0.use", *RANKS)
        job = self.start(2, *SMALL, *arguments, **options)
        hold.wait(job)
        return job, hold

    def assert_journal_missed(self, done):
        self.assert_exit(done, 0)
        self.assert_nothing_left()
        self.assertEqual(done.stderr.count("journal_incomplete"), 1, done.stderr)
        self.assertEqual(self.load()["verdict"]["status"], "passed")
        self.assertIn("journal_incomplete", [event["what"] for event in self.load()["run"]["events"]])
        self.assertEqual(alone("validate", self.report).returncode, 0)

    def test_a_journal_on_a_full_file_system_costs_one_warning(self):
        self.assert_journal_missed(run(2, *RUN, "-e", "1M", "--journal", self.small_disk() / "j", "-J", self.report))

    def test_a_journal_that_vanishes_costs_one_warning(self):
        journal = self.scratch / "j"
        job, hold = self.begin("--journal", journal, "-J", self.report)
        shutil.rmtree(journal)
        hold.release()
        self.assert_journal_missed(job.finish())

    def assert_kept_elsewhere(self, done, folder):
        """The report that `done` tells of, in `folder`."""
        self.assert_exit(done, 3)
        self.assert_nothing_left()
        self.assertIn("NO_VERDICT (exit code 3)", done.stdout)
        (path,) = re.findall(r"^  report: (/.*)$", done.stdout, re.MULTILINE)
        self.assertTrue(path.startswith(str(folder)), path)
        self.assertIn(f"report: in '{path}' instead", done.stdout)
        self.assertEqual(alone("validate", path).returncode, 0)
        report = json.loads(pathlib.Path(path).read_text())
        self.assertEqual(report["verdict"]["exit_code"], 3)
        self.assertTrue(report["run"]["complete"])
        self.assertEqual({row["status"] for row in report["results"]}, {"ok"})
        return pathlib.Path(path)

    def test_a_report_whose_file_system_is_full_is_written_elsewhere(self):
        disk, elsewhere = self.small_disk(), self.scratch / "elsewhere"
        elsewhere.mkdir()
        done = run(2, *SMALL, "-J", disk / "r.json", "--output-dir", elsewhere)
        self.assert_kept_elsewhere(done, elsewhere / "report.json")
        self.assertIn("(28)", done.stdout)  # ENOSPC
        self.assertNotIn("r.json", [path.name for path in disk.iterdir()])

    def test_a_report_whose_folder_vanished_is_kept_for_the_user_alone(self):
        gone, temporary = self.scratch / "gone", self.scratch / "tmp"
        gone.mkdir()
        temporary.mkdir()
        job, hold = self.begin("-J", gone / "r.json", env={"TMPDIR": str(temporary)})
        shutil.rmtree(gone)
        hold.release()
        path = self.assert_kept_elsewhere(job.finish(), temporary / "symmbench-")
        self.assertEqual((os.stat(path).st_mode & 0o777, os.stat(path.parent).st_mode & 0o777), (0o600, 0o700))

    def test_a_file_system_out_of_reach_costs_one_warning_and_the_report_its_place(self):
        temporary = self.scratch / "tmp"
        temporary.mkdir()
        with self.far_disk() as (folder, disk):
            config = folder / "c.json"
            config.write_text("{}")
            job, hold = self.begin("-J", folder / "r.json", env={"TMPDIR": str(temporary)})
            disk.go_out_of_reach()
            reader = subprocess.Popen([BINARY, "plan", "--config", config], stderr=subprocess.PIPE, text=True)
            hold.release()
            done = job.finish()
            self.assert_kept_elsewhere(done, temporary / "symmbench-")
            self.assertIn("its file system did not answer", done.stdout)
            self.assertEqual(done.stderr.count("journal_incomplete"), 1, done.stderr)
            self.assertIn("a file system out of reach", reader.communicate()[1])
            self.assertEqual(reader.returncode, 2)


if __name__ == "__main__":
    main()
