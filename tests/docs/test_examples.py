"""Executes what README and app/docs tell people to type, on the emulated device, and holds the pages to the product.

Every ```sh block of a page is run, block after block in one scratch folder, with `symmbench` in the path; ```python blocks
where pandas is installed. A block is left alone when the line before it is `<!-- not run in tests: WHY -->`. To be cheap,
runs take fewer iterations and ranks of the same commands; nothing else is changed.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "app/docs"
BINARY = pathlib.Path(os.environ["SYMMBENCH_BINARY"]).resolve()
LIMIT_S = 300 * float(os.environ.get("SYMMBENCH_TEST_SCALE", "1"))
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
TOOLS = ("jq", "promtool")  # that an example may use and a machine may lack

# What `symmbench run` is given beside the words of an example, where it does not have the option itself.
CHEAP = {"--iters -n": "4", "--cudagraph -G": "1", "--warmup-iters -w": "0", "--placements": "2", "--lifecycles": "1"}
WRAPPER = """#!/usr/bin/env bash
if [ "$1" = run ]; then
%s
fi
exec "%s" "$@"
"""
ADDITION = """  case " $* " in %s) ;; *) set -- "$@" %s %s ;; esac"""


class Example:
    def __init__(self, page, language, text, why_not, file_name):
        self.page, self.language, self.text, self.why_not, self.file_name = page, language, text, why_not, file_name


def examples_of(page):
    pattern = re.compile(r"(?:<!-- not run in tests: (?P<why>[^>]*) -->\n)?```(?P<language>sh|python|json)\n(?P<text>.*?)```\n"
                         r"(?:\nSaved as `(?P<file>[\w.]+)`)?", re.DOTALL)
    return [Example(page, match["language"], match["text"], match["why"], match["file"])
            for match in pattern.finditer(page.read_text())]


class Place:
    """A scratch folder that looks like a checkout with a build, and a path with symmbench in it."""

    def __init__(self):
        self._scratch = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self._scratch.name)
        additions = [ADDITION % (" | ".join(f'*" {name}"*' for name in names.split()), names.split()[0], value)
                     for names, value in CHEAP.items()]
        for place in ("build/host/bin", "path"):
            (self.folder / place).mkdir(parents=True)
            wrapper = self.folder / place / "symmbench"
            wrapper.write_text(WRAPPER % ("\n".join(additions), BINARY))
            wrapper.chmod(0o755)
        for name in ("configs", "scripts"):
            (self.folder / name).symlink_to(ROOT / name)
        for file in (DOCS / "ci").iterdir():
            shutil.copy(file, self.folder)
        self.environment = dict(
            os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
            OMPI_MCA_rmaps_base_oversubscribe="1", PATH=f"{self.folder / 'path'}:{os.environ['PATH']}")

    def close(self):
        self._scratch.cleanup()

    def run(self, script, **variables):
        """bash on a script, with the lines left out whose program is not here."""
        lines = []
        for line in script.replace("mpirun -n 4", "mpirun -n 2").splitlines():
            word = (line.split() or [""])[0]
            if word in TOOLS and not shutil.which(word):
                print(f"skipped, {word} is not installed: {line}", file=sys.stderr)
            else:
                lines.append(line)
        return subprocess.run(["bash", "-euo", "pipefail", "-c", "\n".join(lines)], cwd=self.folder, text=True,
                              env=dict(self.environment, **variables), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, timeout=LIMIT_S)

    def python(self, script):
        return subprocess.run([sys.executable, "-c", script], cwd=self.folder, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=LIMIT_S)


def has_module(name):
    return subprocess.run([sys.executable, "-c", f"import {name}"], stderr=subprocess.DEVNULL).returncode == 0


class PlaceTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)

    def assert_passes(self, done, what):
        self.assertEqual(done.returncode, 0, f"{what}\n{done.stdout}")


class Examples(PlaceTest):
    """A test per page is added below."""

    def run_page(self, page):
        told = []
        for example in examples_of(page):
            where = f"{page.relative_to(ROOT)}:\n{example.text}"
            if example.language == "json":
                json.loads(example.text)
                (self.place.folder / (example.file_name or "example.json")).write_text(example.text)
            elif example.why_not:
                self.assertEqual(subprocess.run(["bash", "-n", "-c", example.text]).returncode, 0, where)
            elif example.language == "sh":
                done = self.place.run(example.text)
                self.assert_passes(done, where)
                told.append(done.stdout)
            elif has_module("pandas"):
                self.assert_passes(self.place.python(example.text), where)
            else:
                print(f"skipped, pandas is not installed: {page.name}", file=sys.stderr)
        return "".join(told)


def any_ranks(text):
    """Runs here have fewer than those that a page shows."""
    return re.sub(r"\d+ ranks", "N ranks", text)


def add_page(page):
    def test(self):
        told = self.run_page(page)
        if page.name == "README.md" and page.parent == ROOT:
            sample = page.read_text()
            header = re.search(r"^# +size .*$", sample, re.MULTILINE)[0]
            for words in (header.split(), "PASSED (exit code 0)".split()):
                self.assertIn(words, [line.split() for line in sample.splitlines()])
                self.assertIn(words, [line.split() for line in told.splitlines()],
                              f"the output shown in the README is not what a run prints:\n{told}")
            probe = re.search(r"^Handle types by .*?(?=^```)", sample, re.MULTILINE | re.DOTALL)[0]
            self.assertIn(any_ranks(probe), any_ranks(told), "the part of a probe shown in the README is not what it prints")
    setattr(Examples, f"test_{page.stem.lower()}_{'first_page' if page.parent == ROOT else 'page'}", test)


for each_page in PAGES:
    if any(example.language != "json" for example in examples_of(each_page)):
        add_page(each_page)


class Snippets(PlaceTest):
    def load(self, name):
        import yaml
        with open(DOCS / "ci" / name) as file:
            return yaml.safe_load(file)

    def setUp(self):
        super().setUp()
        if not has_module("yaml"):
            self.skipTest("PyYAML is not installed")

    def test_the_job_for_gitlab_runs_and_leaves_its_artifacts(self):
        job = self.load("gitlab-ci.yml")["allreduce"]
        variables = dict(job["variables"], DEVICE="host", RANKS="2")
        for line in [*job["script"], *job["after_script"]]:
            self.assert_passes(self.place.run(line, **variables), line)
        for path in [*job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]]:
            self.assertTrue((self.place.folder / path).exists(), path)
        xml.etree.ElementTree.parse(self.place.folder / job["artifacts"]["reports"]["junit"])

    def test_the_job_for_gitlab_where_it_cannot_run_is_the_exit_code_that_it_allows(self):
        job = self.load("gitlab-ci.yml")["allreduce"]
        done = self.place.run(job["script"][0], **dict(job["variables"], RANKS="2", CUDA_VISIBLE_DEVICES=""))
        self.assertIn(done.returncode, job["allow_failure"]["exit_codes"], done.stdout)

    def test_the_workflow_for_github_runs_and_writes_its_summary(self):
        job = self.load("github-actions.yml")["jobs"]["allreduce"]
        summary = self.place.folder / "summary"
        variables = dict(job["env"], DEVICE="host", RANKS="2", GITHUB_STEP_SUMMARY=str(summary))
        for step in job["steps"]:
            if "run" in step:
                self.assert_passes(self.place.run(step["run"], **variables), step["name"])
        if shutil.which("jq"):
            self.assertIn("passed\n", summary.read_text())

    def test_the_job_for_kubernetes_has_a_launcher_and_its_workers(self):
        job = self.load("mpijob.yaml")
        self.assertEqual(job["kind"], "MPIJob")
        self.assertEqual(set(job["spec"]["mpiReplicaSpecs"]), {"Launcher", "Worker"})
        containers = job["spec"]["mpiReplicaSpecs"]["Launcher"]["template"]["spec"]["containers"]
        arguments = containers[0]["args"]
        options = arguments[arguments.index("run") + 1:]
        done = subprocess.run([BINARY, "plan", "--ranks", "16", *options], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_the_rules_for_prometheus_are_valid_and_name_metrics_that_exist(self):
        self.assert_passes(self.place.run("promtool check rules prometheus-rules.yml"), "rules")
        written = (ROOT / "lib/report/prometheus.cpp").read_text()
        for group in self.load("prometheus-rules.yml")["groups"]:
            for rule in group["rules"]:
                for metric in re.findall(r"symmbench_(\w+)", rule["expr"]):
                    self.assertIn(metric, written)


class Pages(unittest.TestCase):
    def test_links_lead_somewhere(self):
        for page in PAGES:
            for link in re.findall(r"\]\(([^)#\s]+)\)", page.read_text()):
                if "://" not in link:
                    self.assertTrue((page.parent / link).exists(), f"{page.relative_to(ROOT)}: {link}")

    def test_every_page_is_in_the_list_of_pages(self):
        index = (DOCS / "README.md").read_text()
        for page in DOCS.glob("*.md"):
            if page.name != "README.md":
                self.assertIn(f"]({page.name})", index)

    def test_messages_of_the_troubleshooting_page_are_the_products(self):
        sources = "".join(file.read_text() for folder in ("app", "lib", "kernels") for file in (ROOT / folder).rglob("*.cpp"))
        said = re.sub(r"\"\s*\n\s*\"", "", sources).replace('\\"', '"')
        said = re.sub(r"\{[^{}\s]*\}", "…", said)
        page = (DOCS / "troubleshooting.md").read_text()
        headings = [line for line in page.splitlines() if line.startswith("### `")]
        self.assertGreater(len(headings), 10)
        for heading in headings:
            for message in re.findall(r"(?<!`)`(?!`)(.*?)(?<!`)`(?!`)", heading):
                for part in message.replace("``", "`").split("…"):
                    part = part.strip(" :'()")
                    with self.subTest(heading=heading):
                        self.assertTrue(part in said, f"no message has '{part}'")

    def test_pictures_are_well_formed(self):
        pictures = list((DOCS / "pictures").glob("*.svg"))
        self.assertEqual(len(pictures), 3)
        for picture in pictures:
            self.assertTrue(xml.etree.ElementTree.parse(picture).getroot().tag.endswith("svg"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
