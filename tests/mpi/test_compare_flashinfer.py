"""scripts/compare_flashinfer.py where there is no FlashInfer and no GPU: what it refuses or skips, and in which words; and
that it never asks for a workspace which might use multicast."""
import copy
import json
import os
import subprocess
import sys
import types

from harness import ROOT, RunTest, main

sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True
import compare_flashinfer  # noqa: E402: found by the line above

SCRIPT = ROOT / "scripts/compare_flashinfer.py"
PLACE = {"RANK": "0", "WORLD_SIZE": "4", "LOCAL_RANK": "0"}
VETO = compare_flashinfer.NEEDED_ENVIRONMENT
NO_TORCH = "raise ImportError(\"No module named 'torch'\")\n"
COMM = ("class AllReduceFusionPattern:\n    kAllReduce = 0\n"
        "def create_allreduce_fusion_workspace(**_): pass\ndef allreduce_fusion(**_): pass\n")
ROW = {"pattern": "residual_rmsnorm_nvfp4", "dtype": "bf16", "in_place": False, "status": "ok", "algorithm": "two_shot",
       "reference": False, "allocator": "torch_symm_mem", "group_size": 4, "message_bytes": 16384, "tokens": 1,
       "hidden": 8192, "weight_bias": 0.0, "epsilon": 1e-6, "quant_scale": None, "global_scale": 512.0,
       "quant_group": None, "scale_layout": "128x4", "experts": None, "top_k": None,
       "time_us": {"p50": 2.5, "mean": 2.6}}


def report(kind="cuda", rows=(ROW,)):
    return {"device": {"kind": kind}, "results": list(rows)}


def changed(**values):
    row = copy.deepcopy(ROW)
    row.update(values)
    return row


class CompareFlashInfer(RunTest):
    def compare(self, *arguments, env=VETO, flashinfer=None, comm=COMM, torch=NO_TORCH):
        """Runs the script with modules of these texts in the places of torch and FlashInfer."""
        environment = {name: value for name, value in os.environ.items()
                       if name not in VETO and "RANK" not in name and not name.startswith("OMPI_COMM")}
        environment.update(env, **PLACE)
        modules = self.scratch / "modules"
        texts = {"torch/__init__.py": torch, "torch/distributed.py": ""}
        if flashinfer is not None:
            texts.update({"flashinfer/__init__.py": f"__version__ = '{flashinfer}'\n", "flashinfer/comm.py": comm})
        for name, text in texts.items():
            (modules / name).parent.mkdir(parents=True, exist_ok=True)
            (modules / name).write_text(text)
        # Alone on the path: an installed FlashInfer must not be found either.
        environment.update(PYTHONPATH=str(modules), PYTHONDONTWRITEBYTECODE="1")
        return subprocess.run([sys.executable, "-S", str(SCRIPT), *map(str, arguments)], capture_output=True, text=True,
                              timeout=60, env=environment)

    def write(self, document):
        path = self.scratch / "input.json"
        path.write_text(json.dumps(document))
        return path

    def assert_ended(self, done, code, *words):
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_multicast_must_be_switched_off_by_all_three_variables(self):
        path = self.write(report())
        for name, value in VETO.items():
            for given in (None, "", "2"):
                env = {key: kept for key, kept in VETO.items() if key != name}
                if given is not None:
                    env[name] = given
                self.assert_ended(self.compare(path, env=env, flashinfer="0.7.4"), 2, name, f"export {name}={value}")

    def test_without_flashinfer_it_is_skipped_with_the_reason(self):
        self.assert_ended(self.compare(self.write(report())), 77, "skipped", "FlashInfer is not installed", sys.executable)

    def test_what_cannot_be_used_is_refused(self):
        path = self.write(report())
        self.assert_ended(self.compare(path, flashinfer="0.6.14+cu130"), 2, "0.6.14+cu130 is too old", "0.6.15")
        self.assert_ended(self.compare(path, flashinfer="0.7.4", comm=""), 2, "create_allreduce_fusion_workspace")
        self.assert_ended(self.compare(path, flashinfer="0.7.4"), 2, "PyTorch cannot be imported")

    def test_a_report_that_cannot_be_compared_is_refused_with_the_reason(self):
        for document, word in (
                (report(kind="host"), "no cuda rows"), (report(rows=[]), "has no row"),
                (report(rows=[changed(reference=True), changed(dtype="fp32"), changed(buffers_asked=5)]), "has no row"),
                (report(rows=[ROW, changed(group_size=2, hidden=4096)]), "[2, 4] ranks"),
                (report(rows=[changed(time_us={"mean": 2.5})]), "a row is not as symmbench writes it"), ([1], "no report")):
            with self.subTest(word=word):
                self.assert_ended(self.compare(self.write(document), flashinfer="0.7.4"), 2, word)

    def test_the_workspace_is_trtllm_whatever_the_package_would_prefer(self):
        asked = {}

        def create(backend="auto", **given):
            asked.update(given, backend=backend)
            return types.SimpleNamespace(backend=made)

        comm = types.SimpleNamespace(create_allreduce_fusion_workspace=create)
        made = "trtllm"
        compare_flashinfer.make_workspace(comm, 4, 1, 16, 8192, "bf16")
        self.assertEqual(asked, {"backend": "trtllm", "world_size": 4, "rank": 1, "max_token_num": 16,
                                 "hidden_dim": 8192, "dtype": "bf16"})
        made = "mnnvl"
        with self.assertRaisesRegex(compare_flashinfer.Stop, "'mnnvl' where trtllm was asked for"):
            compare_flashinfer.make_workspace(comm, 4, 1, 16, 8192, "bf16")

    def test_cases_are_by_pattern_and_parameters_with_our_fastest_row_first(self):
        slower = changed(allocator="symm_device_memory", time_us={"p50": 3.5, "mean": 3.5})
        plain = changed(pattern="allreduce", scale_layout=None, global_scale=None)
        cases, ranks = compare_flashinfer.our_cases(
            self.write(report(rows=[slower, ROW, changed(scale_layout="linear"), plain])))
        self.assertEqual(ranks, 4)
        self.assertEqual([(case["pattern"], case["scale_layout"], len(rows)) for case, rows in cases],
                         [("allreduce", None, 1), ("residual_rmsnorm_nvfp4", "128x4", 2),
                          ("residual_rmsnorm_nvfp4", "linear", 1)])
        self.assertEqual(cases[1][1][0]["allocator"], "torch_symm_mem")

    def test_every_pattern_of_symmbench_has_its_code_and_scales_have_their_padding(self):
        listed = json.loads(subprocess.run([os.environ["SYMMBENCH_BINARY"], "list", "patterns", "--json"], check=True,
                                           capture_output=True, text=True).stdout)
        self.assertEqual({entry["name"] for entry in listed["entries"]}, set(compare_flashinfer.PATTERNS))
        for layout, nvfp4, mxfp8 in (("linear", 17 * 180, 17 * 90), ("128x4", 128 * 180, 128 * 92), ("8x4", 24 * 180, None)):
            case = {"tokens": 17, "hidden": 2880, "scale_layout": layout}
            self.assertEqual(compare_flashinfer.scale_shape({**case, "pattern": "residual_rmsnorm_nvfp4"}), nvfp4)
            if mxfp8 is not None:
                self.assertEqual(compare_flashinfer.scale_shape({**case, "pattern": "residual_rmsnorm_mxfp8"}), mxfp8)

    def test_the_best_of_its_settings_stands_beside_our_best(self):
        peers = {kind: {"us": us, "wrong_elements": 0, "refused": None}
                 for kind, us in zip(compare_flashinfer.KINDS, (6.0, 5.0, None, 7.0))}
        row = compare_flashinfer.row_of({"pattern": "allreduce"}, [ROW], peers)
        self.assertEqual((row["flashinfer_best_us"], row["ratio"]), (5.0, 2.0))
        self.assertEqual((compare_flashinfer.best_of(row, "one_shot"), compare_flashinfer.best_of(row, "two_shot")), (5.0, 7.0))
        self.assertEqual(compare_flashinfer.kinds_of("moe_reduction_residual_rmsnorm"), ["one_shot_end"])


if __name__ == "__main__":
    main()
