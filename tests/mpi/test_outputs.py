"""The files that a run writes beside its report, as their readers see them: csv, json, an XML parser, promtool where it is
installed. What is left of a run that was killed, and what goes into a ticket."""
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
import xml.etree.ElementTree as ElementTree

from harness import RunTest, alone, main, run, supervisors, workers

RUN = ("run", "--device", "host", "-b", "4K", "-e", "8K", "-f", "2", "-n", 8, "--algorithm", "one_shot")
ALL = ("--csv", "--jsonl", "--junit", "--prometheus")


def flat(value, path=""):
    """{column: value} as the CSV has a row of the report; lists and what has no fixed keys are left out."""
    columns = {}
    for key, each in value.items():
        if isinstance(each, dict):
            columns.update(flat(each, f"{path}{key}."))
        elif not isinstance(each, list) and each is not None:
            columns[path + key] = each
    return columns


def metrics(text):
    """{name: [(labels, value)]} of a Prometheus text file."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, labels, value = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
            found.setdefault(name, []).append((dict(re.findall(r'(\w+)="((?:\\.|[^"\\])*)"', labels or "")), float(value)))
    return found


class Outputs(RunTest):
    def junit(self, path):
        """The suite and {(class, name): elements within}."""
        suite = ElementTree.parse(path).getroot().find("testsuite")
        cases = suite.findall("testcase")
        found = {(case.get("classname"), case.get("name")): [child.tag for child in case] for case in cases}
        self.assertEqual(len(found), len(cases), "each testcase has a name of its own")
        self.assertEqual(len(cases), int(suite.get("tests")))
        return suite, found

    def test_all_outputs_at_once_hold_what_the_report_says(self):
        folder = self.scratch / "made" / 'a <b> & "c" \'d\''
        done = run(2, *RUN, "--output-dir", folder, *ALL)
        self.assert_exit(done, 0)
        self.assert_nothing_left()
        self.assertEqual(sorted(path.name for path in folder.iterdir()),
                         ["junit.xml", "metrics.prom", "report.json", "rows.csv", "rows.jsonl"])
        for path in folder.iterdir():
            self.assertIn(str(path), done.stdout)
        report = self.load(folder / "report.json")
        rows = report["results"]
        self.assertEqual(len(rows), 4)

        with open(folder / "rows.csv", newline="") as file:
            lines = list(csv.DictReader(file))
        self.assertEqual(len(lines), len(rows))
        for line, row in zip(lines, rows):
            # An empty cell is how a table says both "" and "not given".
            expected = {column: value for column, value in flat(row).items() if column in line and value != ""}
            # A number has more than one spelling: what is compared is what a reader of the table gets.
            given = {column: text if isinstance(expected.get(column), str) else json.loads(text)
                     for column, text in line.items() if text}
            self.assertEqual(given, expected)
            self.assertIn("time_us.mean", given)

        lines = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
        key = lambda row: (row["case_id"], row["allocator"])
        self.assertEqual(sorted(lines, key=key), sorted(rows, key=key))

        suite, cases = self.junit(folder / "junit.xml")
        self.assertEqual([suite.get(count) for count in ("failures", "errors", "skipped")], ["0", "0", "0"])
        for row in rows:
            name = ".".join(row[part] for part in ("workspace", "allocator", "pattern"))
            self.assertEqual(cases.pop((name, row["case_id"])), [])
        self.assertEqual(cases.pop(("symmbench.run", "verdict")), [])
        checks = {finding["check_id"] for finding in report["findings"]}
        told = {name.split("/")[0] for kind, name in cases if kind == "symmbench.finding"}
        self.assertEqual(told - checks, set())
        self.assertEqual({kind for kind, _ in cases} - {"symmbench.finding"},
                         {"trtllm_fusion.symm_device_memory.lifecycle", "trtllm_fusion.torch_symm_mem.lifecycle"})

        text = (folder / "metrics.prom").read_text()
        found = metrics(text)
        self.assertEqual({labels["status"]: value for labels, value in found["symmbench_verdict"]},
                         {"passed": 1, "failed": 0, "hung": 0, "interrupted": 0, "no_verdict": 0, "skipped": 0})
        times = {(labels["case_id"], labels["allocator"]): value for labels, value in found["symmbench_time_seconds"]}
        self.assertEqual(len(times), len(rows))
        for row in rows:
            self.assertAlmostEqual(times[key(row)], row["time_us"]["mean"] / 1e6)
        self.assertNotIn("symmbench_busbw_bytes_per_second", found, "an emulated device claims no bandwidth")
        self.assertEqual(found["symmbench_build_info"][0][1], 1)
        if promtool := shutil.which("promtool"):
            lint = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
            self.assertEqual((lint.returncode, lint.stdout + lint.stderr), (0, ""))

        config = self.config(iters=0)
        done = alone("validate", folder / "report.json", config, folder / "report.json")
        self.assert_exit(done, 1)
        self.assertEqual(done.stdout.count("valid report"), 2)
        self.assertIn(f"{config}: not a valid config", done.stdout)

    def test_a_failed_run_is_red_in_every_output(self):
        done = run(4, *RUN, "--allocator", "torch_symm_mem", "--lifecycles", 0, "--handle", "upstream", "--inject",
                   "driver_code:rank=2,call=cuMemMap,code=2", "--output-dir", self.scratch / "out", *ALL)
        self.assert_exit(done, 1)
        suite, cases = self.junit(self.scratch / "out/junit.xml")
        self.assertEqual(cases[("symmbench.run", "verdict")], ["failure"])
        rows = [tags for (name, _), tags in cases.items() if name == "trtllm_fusion.torch_symm_mem.allreduce"]
        self.assertEqual(rows, [["error"]] * 2)
        message = suite.find(".//error").get("message")
        self.assertIn("rank 2 (host ", message)
        self.assertIn("cuMemMap", message)
        found = metrics((self.scratch / "out/metrics.prom").read_text())
        self.assertEqual([labels["status"] for labels, value in found["symmbench_verdict"] if value], ["failed"])
        self.assertNotIn("symmbench_time_seconds", found)

    def test_what_cannot_be_written_is_refused_before_anything_runs(self):
        file = self.scratch / "file"
        file.write_text("kept")
        for arguments, said in ((["--output-dir", file], f"--output-dir '{file}': cannot be made"),
                                (["--csv", "/nonexistent/x.csv"], "cannot write '/nonexistent/x.csv'"),
                                (["--junit"], "--junit: needs a file name, or --output-dir for its junit.xml"),
                                (["--csv", file / "x.csv"], f"'{file}' is not a directory")):
            with self.subTest(arguments=arguments):
                done = run(2, *RUN, *arguments)
                self.assert_exit(done, 2)
                self.assertIn(said, done.stderr)
        self.assertEqual(file.read_text(), "kept")

    def test_a_run_whose_processes_are_all_killed_can_be_salvaged(self):
        folder = self.scratch / "out"
        hold = self.hold("measure.1.use", *range(4))
        job = self.start(4, *RUN, "--lifecycles", 0, "-T", 600, "--output-dir", folder, "--jsonl", wrapped=False)
        hold.wait(job)
        # Rank 0 first: nobody else writes a report.
        for pid in [supervisors()[0], *supervisors().values(), *workers().values()]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        job.signal(signal.SIGKILL)
        job.finish()
        self.assert_nothing_left()
        self.assertFalse((folder / "report.json").exists())
        streamed = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
        self.assertEqual([row["status"] for row in streamed], ["ok", "ok"])

        done = alone("salvage", folder, "-o", self.report)
        self.assert_exit(done, 3)
        self.assertIn("NO_VERDICT", done.stdout)
        self.assert_exit(alone("validate", self.report), 0)
        report = self.load()
        self.assertFalse(report["run"]["complete"])
        self.assertEqual(len(report["ranks"]), 4)
        finished = [row for row in report["results"] if row["status"] == "ok"]
        self.assertEqual(sorted(row["allocator"] for row in finished), ["symm_device_memory", "torch_symm_mem"])
        self.assertEqual([row["time_us"] for row in finished], [row["time_us"] for row in streamed])
        self.assertEqual({row["status"] for row in report["results"]} - {"ok"}, {"not_tested"})
        self.assertIn("salvaged", [event["what"] for event in report["run"]["events"]])
        again = alone("salvage", folder, "-o", self.report)
        self.assert_exit(again, 2)
        self.assertIn("exists", again.stderr)

        archive = self.scratch / "ticket.tar.gz"
        self.assert_exit(alone("bundle", folder, "-o", archive), 0)
        with tarfile.open(archive) as files:
            self.assertEqual(sorted(files.getnames()),
                             ["manifest.json", *(f"report.json.journal/rank-{rank}.jsonl" for rank in range(4)),
                              "rows.jsonl"])

    def test_no_output_of_a_run_has_a_secret_of_its_environment_or_of_its_launcher(self):
        secret = "s3cr3t-of-the-job"
        env = {"NCCL_AUTH_TOKEN": secret, "MY_PASSWORD": secret, "HOSTNAME": secret, "HOSTNAME_KEY": secret,
               "PMIX_SECURITY_KEY": secret, "OMPI_MCA_secret_thing": secret, "KUBERNETES_SERVICE_HOST": secret,
               "KUBERNETES_PORT": secret, "SLURM_JOB_NODELIST": secret, "SLURM_ARRAY_TOKEN": secret, "POD_IP": secret,
               "container": secret, "APPTAINER_CONTAINER": secret, "NCCL_DEBUG": "WARN", "POD_NAME": "pod-3"}
        done = run(2, *RUN, "--lifecycles", 0, "--output-dir", self.scratch, *ALL, env=env,
                   mpirun=("-x", f"LAUNCHED={secret}"))
        self.assert_exit(done, 0)
        for path in (path for path in self.scratch.rglob("*") if path.is_file()):
            self.assertNotIn(secret, path.read_text(errors="replace"), path)
        self.assertNotIn(secret, done.stdout + done.stderr)
        probe = self.scratch / "probe.json"
        done = run(2, "probe", "--device", "host", "--trace", "--json", "-J", probe, env=env,
                   mpirun=("-x", f"LAUNCHED={secret}"))
        self.assert_exit(done, 0)
        self.assertNotIn(secret, done.stdout + done.stderr + probe.read_text())
        self.assertIn("-x LAUNCHED=*** ", self.load(probe)["run"]["launcher"])
        self.assertIn("-x LAUNCHED=*** ", self.load()["run"]["launcher"])
        self.assertEqual(self.load()["ranks"][0]["environment"]["NCCL_AUTH_TOKEN"], "***")
        archive = self.scratch / "ticket.tar.gz"
        self.assert_exit(alone("bundle", self.report, "-o", archive), 0)
        with tarfile.open(archive) as files:
            texts = {member.name: files.extractfile(member).read().decode() for member in files}
        self.assertEqual(sorted(texts), ["manifest.json", "report.config.json", "report.facts.json", "report.json"])
        for name, text in texts.items():
            self.assertNotIn(secret, text, name)
        facts = json.loads(texts["report.facts.json"])
        variables = facts["ranks"][0]["environment"]
        self.assertEqual(variables["NCCL_DEBUG"], "WARN")
        self.assertEqual(variables["POD_NAME"], "pod-3")
        self.assertEqual(variables["SLURM_ARRAY_TOKEN"], "***")
        (host,) = facts["hosts"]
        self.assertEqual(host["ranks"], [0, 1])
        self.assertIn("kubernetes", host["container"])
        self.assertNotIn("MY_PASSWORD", variables)


if __name__ == "__main__":
    main()
