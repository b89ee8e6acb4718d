"""The generated man page and completions, by the programs that read them."""
import pathlib
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "app/docs"


def needs(tool):
    return unittest.skipUnless(shutil.which(tool), f"{tool} is not installed")


def completed(*words):
    """What bash offers for the last of the words."""
    script = (f'source "{DOCS}/completion/symmbench.bash"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _symmbench; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", "symmbench", *words], capture_output=True, text=True, check=True,
                          cwd=ROOT)
    return done.stdout.split()


class Bash(unittest.TestCase):
    def test_commands_and_their_own_options(self):
        self.assertIn("run", completed(""))
        self.assertEqual(completed("va"), ["validate"])
        self.assertEqual(completed("run", "--warm"), ["--warmup-iters"])
        self.assertEqual(completed("list", "--al"), [], "list has no options of run")
        self.assertIn("run", completed("help", ""))

    def test_names_also_behind_a_comma_a_letter_and_an_equals_sign(self):
        self.assertEqual(completed("run", "--device", ""), ["auto", "cuda", "host"])
        self.assertEqual(completed("run", "--allocator", "torch"), ["torch_symm_mem"])
        self.assertEqual(completed("run", "--allocator", "cuda_ipc,torch"), ["cuda_ipc,torch_symm_mem"])
        self.assertEqual(completed("run", "-d", "b"), ["bf16"])
        self.assertEqual(completed("run", "--device", "=", "h"), ["host"])
        self.assertEqual(completed("run", "--device", "="), ["auto", "cuda", "host"])

    def test_shipped_configurations_stand_beside_files_and_topics_are_known(self):
        self.assertEqual(completed("plan", "--config", "qu"), ["quick", "qualify"][::-1])
        self.assertIn("README.md", completed("run", "-J", "REA"))
        self.assertEqual(completed("list", "conf"), ["configs"])
        self.assertIn("README.md", completed("validate", "READ"))

    def test_nothing_is_offered_where_a_number_stands(self):
        self.assertEqual(completed("run", "--iters", ""), [])


class Others(unittest.TestCase):
    @needs("zsh")
    def test_zsh_offers_names_of_an_option(self):
        script = f"""
            zmodload zsh/zpty
            zpty shell zsh -f -i
            zpty -w shell 'PS1=; unsetopt zle_bracketed_paste; fpath=({DOCS}/completion $fpath); autoload -U compinit; compinit -u -D'
            zpty -w shell 'bindkey "^I" complete-word; print READY'
            zpty -r shell before '*READY*READY*'
            zpty -n -w shell $'symmbench run --allocator torch\\t --device ho\\t\\C-a\\C-kprint -r -- LINE\\n'
            zpty -r shell after '*LINE*LINE*'
            print -r -- "$after"
        """
        done = subprocess.run(["zsh", "-f", "-c", script], capture_output=True, text=True, timeout=60)
        self.assertIn("torch_symm_mem", done.stdout, done.stderr)

    @needs("mandoc")
    def test_the_man_page_is_clean(self):
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", DOCS / "symmbench.1"], capture_output=True, text=True)
        self.assertEqual(done.stdout, "")

    @needs("man")
    def test_the_man_page_is_shown_without_warnings(self):
        done = subprocess.run(["man", "--warnings", "-l", DOCS / "symmbench.1"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("--warmup-iters N", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
