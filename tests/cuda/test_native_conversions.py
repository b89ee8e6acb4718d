"""Machine code for SM100 and SM103 converts to FP4 and to UE8M0 by instructions: built for a plain sm_100 the same sources
become integer steps, silently. Reads the SASS of a built object where cuobjdump and nvdisasm are, else the PTX of the same
source, compiled by its own command for a virtual architecture. No GPU is needed.
Usage: test_native_conversions.py BUILD_FOLDER SOURCE CONTROL_SOURCE     of CONTROL_SOURCE's code none may convert"""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

SKIPPED = 77
NATIVE = ("100", "103")  # and what follows these digits: code for a plain one of them is what must not be
SASS = {"e2m1": r"\bF2FP\.[\w.]*\bE2M1\b", "ue8m0": r"\bF2FP\.[\w.]*\bE8(M0)?\b"}
PTX = {"e2m1": r"\bcvt\.[\w.]*\be2m1x2\b", "ue8m0": r"\bcvt\.[\w.]*\bue8m0x2\b"}

build, source, control = sys.argv[1:4]
del sys.argv[1:4]


def beside_nvcc(name, nvcc):
    return shutil.which(name) or shutil.which(name, path=os.path.dirname(os.path.realpath(nvcc)))


def output_of(command, **more):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300, **more).stdout


class Compiled:
    """A source of the build, with its compiler and flags."""

    def __init__(self, path):
        with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
            entry = next(one for one in json.load(file) if one["file"] == path)
        self.folder, self.words = entry["directory"], shlex.split(entry["command"])
        self.nvcc = self.words[0]
        self.object = os.path.join(self.folder, self.words[self.words.index("-o") + 1])
        compiled_for = re.findall(r"code=\[?(?:sm|compute)_(\w+)", entry["command"])
        self.native = [name for name in compiled_for if name.startswith(NATIVE)]
        self.cuobjdump = beside_nvcc("cuobjdump", self.nvcc)
        if not beside_nvcc("nvdisasm", self.nvcc):
            self.cuobjdump = None

    def sass(self, architecture):
        return output_of([self.cuobjdump, "-sass", "-arch", f"sm_{architecture}", self.object])

    def ptx(self, architecture):
        words = [word for word in self.words[: self.words.index("-o")] if not word.startswith("--generate-code")]
        words[words.index("-c")] = "--ptx"
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "code.ptx")
            output_of([*words, f"--generate-code=arch=compute_{architecture},code=compute_{architecture}", "-o", path],
                      cwd=self.folder)
            with open(path, encoding="utf-8") as file:
                return file.read()

    def conversions(self, architecture):
        """How many instructions convert to each type."""
        names, code = (SASS, self.sass(architecture)) if self.cuobjdump else (PTX, self.ptx(architecture))
        assert re.search(r"\bEXIT\b|\bret;", code), f"no code for {architecture}"
        return {name: len(re.findall(pattern, code)) for name, pattern in names.items()}


class NativeConversions(unittest.TestCase):
    def test_kernels_of_quantised_norms_convert_by_instructions(self):
        compiled = Compiled(source)
        with ThreadPoolExecutor() as both:
            found = zip(compiled.native, both.map(compiled.conversions, compiled.native))
        for architecture, counts in found:
            for name, count in counts.items():
                with self.subTest(architecture, to=name):
                    self.assertGreater(count, 0, f"no instruction to {name} in code for {architecture}")

    def test_code_that_converts_nothing_is_seen_to_have_none(self):
        without = Compiled(control)
        self.assertEqual(without.conversions(without.native[0]), {"e2m1": 0, "ue8m0": 0})


if __name__ == "__main__":
    if not Compiled(source).native:
        print("skipped: this build has no code for SM100 or SM103")
        sys.exit(SKIPPED)
    print("reads", "SASS" if Compiled(source).cuobjdump else "PTX: no cuobjdump and nvdisasm here")
    unittest.main()
