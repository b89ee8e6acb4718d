"""scripts/check_layers names each offence against the structure, and nothing else, in a small tree that has it."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check_layers"
CLEAN = {
    "lib/core/CMakeLists.txt": "symmbench_module(core)\n",
    "lib/core/text.hpp": "namespace symmbench {\nstruct Text;\nstruct Text {};\n}\n",
    "lib/core/text.cpp": '#include "core/text.hpp"\n',
    "lib/comm/CMakeLists.txt": "symmbench_module(comm DEPS core LIBS MPI::MPI_C)\n",
    "lib/comm/wire.hpp": '#include "core/text.hpp"\n',
    "kernels/CMakeLists.txt": "symmbench_module(kernels DEPS protocol)\n",
    "kernels/protocol/wait.hpp": "#include <cstdint>\n",
    "app/main.cpp": '#include "comm/wire.hpp"\nint main() {}\n',
}


class TreeTest(unittest.TestCase):
    def offences(self, **changes):
        """Lines that the check prints for the clean tree with some files changed or added."""
        with tempfile.TemporaryDirectory() as root:
            for name, text in {**CLEAN, **changes}.items():
                path = pathlib.Path(root, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            done = subprocess.run([sys.executable, CHECK, root], capture_output=True, text=True, check=False)
        lines = done.stdout.splitlines()
        self.assertEqual(done.stderr, "")
        if done.returncode == 0:
            self.assertEqual(len(lines), 1, done.stdout)
            self.assertIn("keep the rules", lines[0])
            return []
        self.assertEqual(done.returncode, 1)
        return lines

    def assert_one(self, words, changes):
        found = self.offences(**changes)
        self.assertEqual(len(found), 1, found)
        for word in words:
            self.assertIn(word, found[0])


class Layers(TreeTest):
    def test_a_clean_tree_has_none(self):
        self.assertEqual(self.offences(), [])

    def test_an_include_against_the_module_graph(self):
        self.assert_one(["lib/core/text.hpp:1", "module core may not include comm/wire.hpp"],
                        {"lib/core/text.hpp": '#include "comm/wire.hpp"\n'})

    def test_modules_that_depend_on_each_other(self):
        found = self.offences(**{"lib/core/CMakeLists.txt": "symmbench_module(core DEPS comm)\n"})
        self.assertEqual(len(found), 2, found)
        self.assertIn("modules core and comm depend on each other", found)

    def test_the_app_from_below(self):
        self.assert_one(["lib/comm/wire.hpp:1", "app/cli.hpp"], {"lib/comm/wire.hpp": '#include "app/cli.hpp"\n'})

    def test_a_hosted_header_in_the_protocol(self):
        self.assert_one(["kernels/protocol/wait.hpp:1", "<vector>"], {"kernels/protocol/wait.hpp": "#include <vector>\n"})


def types(text):
    return "namespace symmbench {\n" + text + "\n}\n"


class TypesOfOneName(TreeTest):
    def test_each_kind_of_type_is_seen(self):
        for text in ("struct Text {};", "class Text final : public Base<int> {};", "struct alignas(16) Text {};",
                     "enum class Text : int { a, b };", "enum Text { a };", "union Text { int a; };", "using Text = int;",
                     "template <class T>\nstruct Text {};", "template <class T> concept Text = sizeof(T) == 4;",
                     "template <template <class> class T>\n  requires Fits<T>\nclass Text {};",
                     "struct [[nodiscard]] Text {};"):
            with self.subTest(text=text):
                self.assert_one(["symmbench::Text is defined in", "lib/comm/wire.hpp:", "lib/core/text.hpp:3"],
                                {"lib/comm/wire.hpp": types("\n" + text)})

    def test_over_library_kernels_and_app(self):
        for name in ("kernels/protocol/wait.hpp", "kernels/cuda/work.cuh", "kernels/cuda/work.cu", "app/main.cpp"):
            with self.subTest(name=name):
                self.assert_one([name, "symmbench::Text is defined in"], {name: types("struct Text {};")})

    def test_what_defines_no_second_type_is_none(self):
        for text in ("struct Text;", "enum class Text : int;", "namespace cuda {\nstruct Text {};\n}",
                     "struct Other {\n  struct Text {};\n};", "struct Other::Text {\n};", "struct Text make() {\n  return {};\n}",
                     "template <>\nstruct Text<int> {};", "void make() {\n  struct Text {};\n}", "// struct Text {};",
                     "/* struct Text {\n}; */", 'const char* text = "struct Text {";', "#if A\nint a;\n#else\nstruct Text {};\n#endif",
                     'const char* text = R"x(\n}} struct Text {};\n)x";', "inline Text text{}, other = {1'000};"):
            with self.subTest(text=text):
                self.assertEqual(self.offences(**{"lib/comm/wire.hpp": types(text)}), [])

    def test_a_namespace_in_one_word_is_the_same(self):
        self.assert_one(["symmbench::cuda::Work"], {
            "lib/core/text.hpp": "namespace symmbench::cuda {\nstruct Work {};\n}",
            "lib/comm/wire.hpp": "namespace symmbench {\nnamespace cuda {\nstruct Work {};\n}\n}"})

    def test_anonymous_namespaces_count_in_headers_only(self):
        hidden = "namespace symmbench {\nnamespace {\nstruct Hidden {};\n}\n}\n"
        self.assertEqual(self.offences(**{"lib/core/text.cpp": hidden, "app/main.cpp": hidden}), [])
        self.assert_one(["symmbench::(anonymous)::Hidden"], {"lib/core/text.hpp": hidden, "lib/comm/wire.hpp": hidden})

    def test_a_stub_is_an_alternative_of_what_it_stands_for(self):
        self.assertEqual(self.offences(**{"lib/core/text_stub.cpp": types("struct Text {};")}), [])


class Files(TreeTest):
    def test_a_source_without_a_header_of_its_name(self):
        for name in ("lib/core/json.cpp", "kernels/host/work.cpp", "app/run.cpp"):
            with self.subTest(name=name):
                self.assert_one([name, "no header of its own name"], {name: ""})

    def test_a_source_that_includes_another_header_before_its_own(self):
        self.assert_one("first include", {"lib/core/text.cpp": '#include <string>\n#include "core/text.hpp"\n'})

    def test_faces_stubs_and_instantiations_need_none(self):
        for name in ("app/cli_help.cpp", "lib/core/text_stub.cpp", "kernels/host/blocks_fp16.cpp", "kernels/cuda/plain.cu",
                     "tests/unit/core/text_test.cpp"):
            with self.subTest(name=name):
                self.assertEqual(self.offences(**{name: ""}), [])

    def test_a_long_file(self):
        for name in ("lib/core/text.cpp", "tests/unit/core/text_test.cpp", "scripts/tool.py", "scripts/tool.sh"):
            with self.subTest(name=name):
                self.assertEqual(self.offences(**{name: "\n" * 400}), [])
                self.assert_one([name, "401 lines", "400"], {name: "\n" * 401})
        self.assertEqual(self.offences(**{"configs/schema/report.json": "\n" * 900}), [])

    def test_a_citation_of_a_document_that_is_not_here(self):
        for words in ("// (F" "I 10.3)", "// T" "S 2", "// as in K" "P, method", "// U" "N 1.4", "// desig" "n section 8",
                      "// (desig" "n 4)", "// of the fac" "t sheet", "// (S" " c)"):
            for name in ("lib/core/text.cpp", "tests/unit/core/text_test.cpp", "kernels/README.md", "scripts/tool.sh"):
                with self.subTest(words=words, name=name):
                    self.assert_one([f"{name}:2", "cites"], {name: "\n" + words + "\n"})
        self.assertEqual(self.offences(**{"lib/core/text.cpp": "// torch 2.13, CUDASymmetricMemory.cu; FIFO 3, GTS 4"}), [])


if __name__ == "__main__":
    unittest.main()
