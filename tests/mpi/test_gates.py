"""What runs are held against: two reports, a baseline, thresholds. Reports that no gate may take are made by editing one."""
import json
import pathlib
import tempfile
import xml.etree.ElementTree as ElementTree

from harness import RunTest, alone, main, run

# Small, and of placements and samples enough to be judged.
RUN = ("run", "--device", "host", "-b", "1K", "-e", "1K", "--hidden", 512, "-n", 24, "-G", 2, "--placements", 6,
       "--algorithm", "one_shot", "--lifecycles", 0)


class Gates(RunTest):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.good = pathlib.Path(cls.folder.name) / "good.json"
        done = run(2, *RUN, "-J", cls.good)
        assert done.returncode == 0, done.stdout + done.stderr

    def edited(self, edit, name="edited.json"):
        """The good report after `edit`, as a file."""
        report = self.load(self.good)
        edit(report)
        path = self.scratch / name
        path.write_text(json.dumps(report))
        return path

    def fast(self, allocators=("symm_device_memory", "torch_symm_mem")):
        """A report as of a machine on which these took a millionth of the time: emulated times of repeated runs are far
        apart by themselves, and what a gate must find is further apart than that."""
        def edit(report):
            for row in report["results"]:
                if row["allocator"] in allocators:
                    row["time_us"]["mean"] /= 1e6
                    row["placement_us"] = [time / 1e6 for time in row["placement_us"]]
        return self.edited(edit, "fast.json")

    def refused(self, *arguments, code=2):
        done = run(2, *RUN, "-J", self.report, *arguments)
        self.assert_exit(done, code)
        return done.stderr

    def verdicts(self, gate):
        return {(check["allocator"], check["verdict"]) for check in gate["checks"]}

    def test_two_reports_are_compared_case_by_case_in_every_format(self):
        done = alone("compare", self.good, self.good)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Environment: no difference", done.stdout)
        done = alone("compare", self.good, self.fast(), "--format", "json", "--max-regress", "5%")
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual([case["verdict"] for case in answer["cases"]], ["faster", "faster"])
        done = alone("compare", self.fast(), self.good, "--max-regress", 5)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("Gate FAILED: 2 of 2 cases proven more than 5 % slower", done.stdout)
        # Without a gate a difference is told, and is no failure.
        done = alone("compare", self.fast(), self.good, "--format", "markdown")
        self.assertEqual(done.returncode, 0)
        self.assertIn("| slower |", done.stdout)

    def test_a_report_is_made_a_page_which_replaces_nothing_unasked(self):
        page = self.scratch / "page.html"
        self.assert_exit(alone("html", self.good, self.fast(), "-o", page), 0)
        text = page.read_text()
        self.assertIn("passed (exit code 0)", text)
        self.assertIn("Times of B over A", text)
        again = alone("html", self.good, "-o", page)
        self.assert_exit(again, 2)
        self.assertIn("exists; --force replaces it", again.stderr)
        self.assertEqual(page.read_text(), text)
        self.assert_exit(alone("html", self.good, "-o", page, "--force"), 0)
        self.assertNotIn("Times of B over A", page.read_text())

    def test_no_page_is_made_of_what_is_no_report(self):
        other = self.edited(lambda report: report.update(schema_version="9.0.0"))
        for words, said in ((("-o", "x.html"), "REPORT"), ((self.good,), "needs -o FILE"),
                            ((pathlib.Path(__file__), "-o", "x.html"), "not JSON"), ((other, "-o", "x.html"), "9.0.0"),
                            ((self.good, "-o", self.scratch / "no" / "x.html"), "x.html"),
                            ((self.good, self.good, self.good, "-o", "x.html"), "it has 3")):
            with self.subTest(words=words):
                done = alone("html", *words)
                self.assert_exit(done, 2)
                self.assertIn(said, done.stderr)
                self.assertFalse(pathlib.Path("x.html").exists())

    def test_without_a_gate_anything_is_compared_and_with_one_what_proves_nothing_is_refused(self):
        def other_gpu(report):
            report["device"].update(kind="cuda", emulated=False)
        other = self.edited(other_gpu)
        done = alone("compare", self.good, other)
        self.assertEqual(done.returncode, 0)
        self.assertIn("device_kind: host -> cuda", done.stdout)
        done = alone("compare", self.good, other, "--max-regress", 5)
        self.assertEqual(done.returncode, 2)
        self.assertIn("device_kind: host and cuda", done.stderr)

        major = self.edited(lambda report: report.update(schema_version="2.0.0"), "major.json")
        done = alone("compare", self.good, major)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"schema 2\.0\.0, and this program reads 1\.\d+\.\d+")

    def test_a_run_that_became_slower_fails_its_baseline_in_report_and_junit(self):
        junit = self.scratch / "junit.xml"
        fast = self.fast(allocators=("torch_symm_mem",))
        done = run(2, *RUN, "-J", self.report, "--junit", junit, "--baseline", fast, "--max-regress", "5%")
        self.assert_exit(done, 1)
        gate = self.load()["gate"]
        self.assertEqual(gate["status"], "failed")
        self.assertEqual(gate["baseline"]["file"], str(fast))
        self.assertIn(("torch_symm_mem", "regressed"), self.verdicts(gate))
        self.assertNotIn(("symm_device_memory", "regressed"), self.verdicts(gate))
        self.assertIn("gate failed: 1 of 2 checks regressed", done.stdout)
        failures = {case.get("classname"): case.find("failure").get("type")
                    for case in ElementTree.parse(junit).iter("testcase") if case.find("failure") is not None}
        self.assertEqual(failures, {"trtllm_fusion.torch_symm_mem.allreduce": "regression", "symmbench.run": "failed"})
        self.assertEqual(alone("validate", self.report).returncode, 0)

    def test_a_run_as_its_baseline_passes(self):
        done = run(2, *RUN, "-J", self.report, "--baseline", self.good, "--max-regress", 5)
        self.assert_exit(done, 0)
        self.assertEqual(self.load()["gate"]["status"], "passed")
        self.assertIn("gate not failed, but proves nothing: 0 of 2 checks regressed", done.stdout)

    def test_thresholds_are_made_validated_kept_and_broken(self):
        limits = self.scratch / "limits.json"
        done = alone("threshold", "--from", self.good, self.good, "-o", limits, "--margin", "10%")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2 limits from 2 reports", done.stdout)
        made = self.load(limits)
        self.assertEqual({limit["unit"] for limit in made["thresholds"]}, {"us"})
        self.assertEqual(made["thresholds"][0]["origin"][0]["report"], str(self.good))
        self.assertIn("valid thresholds", alone("validate", limits).stdout)
        self.assertEqual(json.loads(alone("threshold", "--from", self.good).stdout)["margin_percent"], 5)
        self.assertEqual(alone("threshold", "--from", self.good, "-o", limits).returncode, 2, "exists")

        self.assertEqual(alone("threshold", "--from", self.fast(), "-o", limits, "--force").returncode, 0)
        done = run(2, *RUN, "-J", self.report, "--threshold", limits)
        self.assert_exit(done, 1)
        gate = self.load()["gate"]
        self.assertIn(("torch_symm_mem", "regressed"), self.verdicts(gate))
        self.assertEqual(gate["threshold"]["file"], str(limits))

    def test_a_gate_that_could_prove_nothing_is_refused_before_anything_runs(self):
        def without_samples(report):
            for row in report["results"]:
                row.update(time_us=None, placement_us=None)
        for edit, said in ((lambda report: report["run"].update(complete=False, interrupted_by="SIGTERM"),
                            "is not complete: SIGTERM"),
                           (lambda report: report["run"].update(injected=["leak"]), "has injected faults (leak)"),
                           (lambda report: report.update(schema_version="7.0.0"), "a report of schema 7.0.0"),
                           (without_samples, "has no samples"),
                           (lambda report: report["device"].update(kind="cuda"), "of a cuda device"),
                           (lambda report: [row.update(case_id="g0x4/other") for row in report["results"]],
                            "no row in common with this run, which plans g0x2/")):
            stderr = self.refused("--baseline", self.edited(edit), "--max-regress", 5)
            self.assertIn(said, stderr)
            self.assertIn("edited.json", stderr)
        self.assertIn("cannot be read", self.refused("--baseline", self.scratch / "none.json", "--max-regress", 5))
        self.assertIn("needs --max-regress PERCENT", self.refused("--baseline", self.good))
        self.assertIn("needs --baseline FILE", self.refused("--max-regress", 5))
        self.assertFalse(self.report.exists())

        limits = self.scratch / "limits.json"
        self.assertEqual(alone("threshold", "--from", self.good, "-o", limits).returncode, 0)
        made = self.load(limits)
        made["thresholds"][1]["case_id"] = "g0x8/unheard/of"
        limits.write_text(json.dumps(made))
        self.assertIn("has limits for rows that this run does not plan, and so would not keep: g0x8/unheard/of",
                      self.refused("--threshold", limits))

    def test_another_machine_is_known_only_once_the_run_has_begun(self):
        def other(report):
            for rank in report["ranks"]:
                rank["gpu_name"] = "another device"
        stderr = self.refused("--baseline", self.edited(other), "--max-regress", 5, code=3)
        report = self.load()
        self.assertIn("of another machine: gpu_model: another device and", report["run"]["interrupted_by"], stderr)
        self.assertEqual({row["status"] for row in report["results"]}, {"not_tested"})


if __name__ == "__main__":
    main()
