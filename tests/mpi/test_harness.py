"""What the tests beside this one make of a launcher that crashes, or that never leaves: the ranks' own exit codes decide,
and nothing else is excused. A script takes mpirun's place."""
import os
import stat

from harness import RunTest, launch, main

LAUNCHER = """#!/bin/sh
ranks=$2
shift 2
rank=0
while [ $rank -lt $ranks ]; do
  OMPI_COMM_WORLD_RANK=$rank "$@"
  rank=$((rank + 1))
done
"""


class Harness(RunTest):
    def launch_by(self, launcher, script, **options):
        """What comes of three ranks that run this script, and of a launcher that does the other one after them."""
        mpirun = self.scratch / "mpirun"
        mpirun.write_text(LAUNCHER + launcher)
        mpirun.chmod(mpirun.stat().st_mode | stat.S_IXUSR)
        return launch(3, "sh", "-c", script, env={"PATH": f"{self.scratch}:{os.environ['PATH']}"}, **options)

    def crash(self, script):
        return self.launch_by("kill -SEGV $$", script)

    def test_what_the_ranks_left_with_is_the_exit_code_where_the_launcher_sleeps_on_without_them(self):
        for code in (4, 0):
            done = self.launch_by("exec sleep infinity", f"exit {code}", launcher_s=0)
            self.assertEqual(done.returncode, code)

    def test_what_the_ranks_left_with_is_the_exit_code_where_the_launcher_crashed(self):
        self.assertEqual(self.crash("exit 4").returncode, 4)
        self.assertEqual(self.crash("exit 0").returncode, 0)

    def test_ranks_that_the_launcher_killed_as_it_aborted_do_not_count(self):
        for number in ("TERM", "KILL"):
            with self.subTest(signal=number):
                done = self.crash(f'[ "$OMPI_COMM_WORLD_RANK" = 1 ] || kill -{number} $$; exit 4')
                self.assertEqual(done.returncode, 4)

    def test_a_rank_that_crashed_or_left_with_another_code_is_not_excused(self):
        crash_of_one = '[ "$OMPI_COMM_WORLD_RANK" = 2 ] && kill -SEGV $$; exit 4'
        for script in (crash_of_one, "exit $OMPI_COMM_WORLD_RANK", "kill $$"):
            with self.subTest(script=script), self.assertRaisesRegex(AssertionError, "did not leave with one code"):
                self.crash(script)


if __name__ == "__main__":
    main()
