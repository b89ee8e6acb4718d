"""run --tune: measures the algorithms, writes a tuning table; a second run takes it."""
import json

from harness import RunTest, alone, main, run

SIZES = ["-b", "2K", "-e", "32K", "-f", "4", "-n", "8", "--hidden", "1024", "--lifecycles", "0"]


class Tune(RunTest):
    def test_a_tuned_table_is_valid_and_a_second_run_follows_it(self):
        # mpirun would take "--tune WORD" for an option of its own.
        done = run(2, "run", "--device", "host", "--tune=on", "--output-dir", self.scratch, "--pattern",
                   "allreduce,residual_rmsnorm", *SIZES)
        self.assert_exit(done, 0)
        self.assertIn(f"tuning: {self.scratch}/tuning.json", done.stdout)
        self.assertIn("Fastest algorithm by size", done.stdout)
        table = self.load(self.scratch / "tuning.json")
        self.assertEqual((table["family"], table["emulated"]), ("host", True))
        self.assertEqual({(entry["world_size"], entry["pattern"]) for entry in table["tables"]},
                         {(2, "allreduce"), (2, "residual_rmsnorm")})
        self.assert_exit(alone("validate", self.scratch / "tuning.json"), 0)
        report = self.load()
        self.assertEqual({row["algorithm"] for row in report["results"]}, {"one_shot", "two_shot"})
        self.assertEqual(len(report["crossover"]), 4, "two patterns and two allocators")
        self.assertEqual(list(self.scratch.glob("*tmp*")), [])

        # Times of an emulated device may come out either way, so the file that decides is given a clear word.
        for entry in table["tables"]:
            entry["choices"] = [{"up_to_bytes": 8192, "algorithm": "two_shot_barrier"},
                                {"up_to_bytes": None, "algorithm": "two_shot"}]
        (self.scratch / "tuning.json").write_text(json.dumps(table))
        done = run(2, "run", "--device", "host", "--tuning", self.scratch / "tuning.json", "--algorithm", "auto",
                   "-J", self.report, *SIZES)
        self.assert_exit(done, 0)
        report = self.load()
        taken = {(row["message_bytes"], row["algorithm_asked"], row["algorithm"]) for row in report["results"]}
        self.assertEqual(taken, {(2048, "auto", "two_shot_barrier"), (8192, "auto", "two_shot_barrier"),
                                 (32768, "auto", "two_shot")})
        self.assertEqual(report["run"]["config"]["tuning"], table, "the report holds the table that it followed")
        self.assert_exit(alone("validate", self.report), 0)
        self.assert_nothing_left()

    def test_the_file_of_a_tune_run_itself_decides_auto(self):
        self.assert_exit(run(2, "run", "--device", "host", "--tune=on", "--output-dir", self.scratch, *SIZES), 0)
        (entry,) = self.load(self.scratch / "tuning.json")["tables"]
        done = run(2, "run", "--device", "host", "--tuning", self.scratch / "tuning.json", "--algorithm", "auto",
                   "-J", self.report, *SIZES)
        self.assert_exit(done, 0)
        for row in self.load()["results"]:
            expected = next(choice["algorithm"] for choice in entry["choices"]
                            if choice["up_to_bytes"] is None or row["message_bytes"] <= choice["up_to_bytes"])
            self.assertEqual(row["algorithm"], expected, row["case_id"])

    def test_without_a_table_for_the_device_auto_is_computed_and_the_report_says_so(self):
        done = run(2, "run", "--device", "host", "--algorithm", "auto,two_shot", "-J", self.report, *SIZES)
        self.assert_exit(done, 0)
        report = self.load()
        self.assertEqual(report["run"]["config"]["tuning"], "computed")
        for entry in report["crossover"]:
            for size in entry["sizes"]:
                self.assertEqual((size["auto"]["algorithm"], size["auto"]["source"]), ("one_shot", "computed"))
                self.assertGreaterEqual(size["auto"]["loss"], 1)

    def test_a_table_made_for_another_device_is_followed_and_told_of(self):
        table = self.scratch / "other.json"
        table.write_text(json.dumps({
            "family": "sm90", "emulated": False, "source": "x", "tables": [{
                "world_size": 2, "pattern": "allreduce", "choices": [{"up_to_bytes": None, "algorithm": "two_shot"}]}]}))
        done = run(2, "run", "--device", "host", "-b", "4K", "-e", "4K", "-n", 2, "--algorithm", "auto", "--lifecycles", 0,
                   "--tuning", table, "-J", self.report)
        self.assert_exit(done, 0)
        self.assertIn("made for 'sm90', and this run is on 'host'", done.stderr)
        self.assertEqual([event["what"] for event in self.load()["run"]["events"]], ["foreign_tuning"])
        self.assertEqual({row["algorithm"] for row in self.load()["results"]}, {"two_shot"})

    def test_bad_paths_and_tables_are_refused_before_anything_runs(self):
        bad = self.scratch / "bad.json"
        bad.write_text(json.dumps({
            "family": "host", "emulated": True, "source": "x", "tables": [{
                "world_size": 2, "pattern": "allreduce",
                "choices": [{"up_to_bytes": 64, "algorithm": "one_shot"}, {"up_to_bytes": 64, "algorithm": "two_shot"}]}]}))
        for arguments, words in (
                (["--tune=on", "--output-dir", "/proc/nowhere"], ["/proc/nowhere"]),
                (["--tune=on", "--output-dir", bad], ["cannot be made"]),
                (["--tune=on", "--algorithm", "two_shot"], ["--algorithm", "--tune"]),
                (["--tuning", "sm91"], ["--tuning", "sm91", "computed", "sm90"]),
                (["--tuning", bad], ["choices[1].up_to_bytes", "64", "greater than 64"])):
            with self.subTest(arguments=arguments):
                done = run(2, "run", "--device", "host", *arguments)
                self.assert_exit(done, 2)
                messages = [line for line in done.stderr.splitlines() if line.startswith("symmbench")]
                self.assertEqual(len(messages), 1, done.stderr)
                for word in words:
                    self.assertIn(word, messages[0])
        self.assert_exit(alone("validate", bad), 1)


if __name__ == "__main__":
    main()
