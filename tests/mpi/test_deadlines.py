"""Every wait has an end, from the start-up on, and none ends before the work that it waits for."""
from harness import BINARY, RunTest, launch, main


class StartUp(RunTest):
    def test_a_rank_that_only_prints_does_not_keep_the_others_waiting(self):
        only_prints = (BINARY, "run", "--plan")
        works = (BINARY, "run", "--device", "host", "-b", "16K", "-e", "16K", "-n", 4)
        for first, second in ((works, only_prints), (only_prints, works)):
            done = launch(1, *first, ":", "-n", 1, *second)
            self.assert_exit(done, 3)
            self.assertIn("rank 1 ", done.stderr)
            self.assertIn("--plan", done.stderr)
            self.assert_nothing_left()


if __name__ == "__main__":
    main()
