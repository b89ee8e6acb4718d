"""What the tests beside this one make of a launcher that crashes: the ranks' own exit codes decide, and nothing else is
excused. A script takes mpirun's place."""
import os
import stat

from harness import RunTest, launch, main

CRASHING_LAUNCHER = """#!/bin/sh
ranks=$2
shift 2
rank=0
while [ $rank -lt $ranks ]; do
  OMPI_COMM_WORLD_RANK=$rank "$@"
  rank=$((rank + 1))
done
kill -SEGV $$
"""


class Harness(RunTest):
    def crash(self, script):
        """What comes of a job of three ranks that run this script, and of a launcher that dies of SIGSEGV after them."""
        mpirun = self.scratch / "mpirun"
        mpirun.write_text(CRASHING_LAUNCHER)
        mpirun.chmod(mpirun.stat().st_mode | stat.S_IXUSR)
        return launch(3, "sh", "-c", script, env={"PATH": f"{self.scratch}:{os.environ['PATH']}"})

    def test_what_the_ranks_left_with_is_the_exit_code_where_the_launcher_crashed(self):
        self.assertEqual(self.crash("exit 4").returncode, 4)
        self.assertEqual(self.crash("exit 0").returncode, 0)

    def test_ranks_that_the_launcher_killed_as_it_aborted_do_not_count(self):
        done = self.crash('[ "$OMPI_COMM_WORLD_RANK" = 0 ] || kill -KILL $$; exit 4')
        self.assertEqual(done.returncode, 4)

    def test_a_rank_that_crashed_or_left_with_another_code_is_not_excused(self):
        for end in ("kill -SEGV $$", "exit 1"):
            with self.subTest(end=end), self.assertRaisesRegex(AssertionError, "ranks left with"):
                self.crash(f'[ "$OMPI_COMM_WORLD_RANK" != 2 ] || {end}; exit 4')


if __name__ == "__main__":
    main()
