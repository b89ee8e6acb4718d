"""What a run makes of faults that it provokes on purpose: each is seen by the check that the fault table names, and
attributed to the rank that it struck."""
import errno

from harness import BINARY, RunTest, launch, main, run

ONE_CASE = ("run", "--device", "host", "-b", "16K", "-e", "16K", "-n", 20, "--allocator", "torch_symm_mem",
            "--algorithm", "one_shot", "--lifecycles", 0, "-T", 3)


class Faults(RunTest):
    def inject(self, fault, *arguments):
        done = run(4, *ONE_CASE, "--inject", fault, "-J", self.report, *arguments)
        self.assert_nothing_left()
        return done

    def test_a_driver_code_is_told_with_rank_call_and_code(self):
        # Without a handle trial, so that the first such call is the workspace's own.
        self.assert_exit(self.inject("driver_code:rank=2,call=cuMemMap,code=2", "--handle", "upstream"), 1)
        report = self.load()
        self.assertEqual(report["run"]["injected"], ["driver_code:rank=2,call=cuMemMap,code=2"])
        self.assertEqual(report["run"]["injected_struck"], [1])
        (row,) = report["results"]
        failure = row["failure"]
        self.assertEqual((failure["rank"], failure["call"], failure["code"]), (2, "cuMemMap", 2), failure)

    def test_smaller_groups_name_a_bad_link_and_nobody_else(self):
        done = self.inject("dead_link:rank=1,peer=3", "--bisect")
        self.assert_exit(done, 1)
        report = self.load()
        (found,) = report["bisect"]
        self.assertEqual((found["culprit"], [each["rank"] for each in found["ranks"]], found["sure"]),
                         ("link", [1, 3], True), found)
        self.assertIn("the link between ranks 1 and 3", done.stdout)
        (finding,) = [each for each in report["findings"] if each["check_id"] == "bisected"]
        self.assertEqual((finding["severity"], finding["entities"]), ("critical", ["rank 1", "rank 3"]), finding)
        self.assertEqual([row["status"] for row in report["results"]], ["failed"])

    def test_a_fault_that_was_never_met_is_told(self):
        done = self.inject("driver_code:rank=2,call=cuMemMap,at=1000000")
        self.assert_exit(done, 0)
        self.assertEqual(self.load()["run"]["injected_struck"], [0])
        self.assertIn("planned fault never struck", done.stdout)

    def test_a_driver_that_is_not_ready_at_first_is_asked_again_by_all_ranks(self):
        done = run(2, "run", "--device", "host", "-b", "4K", "-e", "4K", "-n", 4, "--algorithm", "one_shot", "--lifecycles", 1,
                   "--concurrent", 2, "--reattach", "--inject", "not_ready:rank=1,count=2", "-J", self.report)
        self.assert_exit(done, 0)
        self.assert_nothing_left()
        report = self.load()
        self.assertIn("tried again", done.stdout)
        self.assertTrue([event for event in report["run"]["events"] if event["what"] == "retried_not_ready"])
        for entry in report["stability"]:
            self.assertEqual((entry["retries"], entry["concurrent"], entry["failed"]), (2, 2, 0), entry)
            self.assertEqual(entry["reattached"], 2 if entry["allocator"] == "symm_device_memory" else 0, entry)

    def test_a_lost_packet_is_a_hang(self):
        done = self.inject("packet_lost:rank=1")
        self.assert_exit(done, 4)
        (row,) = self.load()["results"]
        self.assertEqual((row["status"], row["failure"]["layer"]), ("hung", "kernel"), row["failure"])

    def test_a_call_that_fails_while_kernels_run_is_told_and_crashes_nothing(self):
        self.assert_exit(self.inject("driver_code:rank=2,phase=use,call=cuGraphLaunch,code=400"), 1)
        (row,) = self.load()["results"]
        failure = row["failure"]
        self.assertEqual((failure["layer"], failure["rank"], failure["call"], failure["code"]),
                         ("driver", 2, "cuGraphLaunch", 400), failure)

    def test_a_slot_that_is_not_cleared_never_passes(self):
        # Stale packets give wrong sums; a rank that takes them for new ones may also overtake the others, who then wait.
        done = self.inject("skipped_clear:rank=1")
        self.assertIn(done.returncode, (1, 4), done.stdout)
        (row,) = self.load()["results"]
        self.assertIn((row["status"], row["failure"]["layer"]), (("failed", "verify"), ("hung", "kernel")), row["failure"])

    def test_a_fault_of_the_protocol_is_seen_over_mnnvl_too(self):
        done = self.inject("wrong_slot:rank=1", "--workspace", "mnnvl")
        self.assert_exit(done, 4)
        (row,) = self.load()["results"]
        self.assertEqual((row["workspace"], row["status"], row["failure"]["layer"]), ("mnnvl", "hung", "kernel"))

    def test_a_fault_of_the_protocol_is_seen_over_trtllm_too(self):
        # What does not come is waited for, by flags and by whoever pulls; a barrier that does not wait gives wrong sums.
        for fault, algorithm, code, layer in (("signal_lost", "one_shot", 4, "kernel"),
                                              ("signal_lost", "two_shot_barrier", 4, "kernel"),
                                              ("barrier_skipped", "one_shot_pull", 1, "verify")):
            with self.subTest(fault=fault, algorithm=algorithm):
                case = [algorithm if word == "one_shot" else word for word in ONE_CASE]
                done = run(4, *case, "--workspace", "trtllm", "--inject", f"{fault}:rank=1", "-J", self.report)
                self.assert_nothing_left()
                self.assert_exit(done, code)
                (row,) = self.load()["results"]
                self.assertEqual((row["workspace"], row["failure"]["layer"]), ("trtllm", layer), row["failure"])

    def test_start_states_of_trtllm_are_looked_at_before_use(self):
        # Upstream cleared no flags, and filled half of each Lamport buffer.
        for fault in ("flags", "pattern"):
            with self.subTest(fault=fault):
                self.assert_exit(self.inject(f"{fault}:rank=1", "--workspace", "trtllm"), 1)
                (row,) = self.load()["results"]
                self.assertEqual(row["failure"]["layer"], "workspace", row["failure"])

    def test_memory_that_is_not_given_back_is_a_leak(self):
        done = run(2, "run", "--device", "host", "-b", "4K", "-e", "4K", "-n", 4, "--allocator", "torch_symm_mem",
                   "--algorithm", "one_shot", "--lifecycles", 2, "--inject", "leak:rank=1", "-J", self.report)
        self.assert_nothing_left()
        self.assert_exit(done, 1)
        leaks = self.load()["stability"][0]["leaks"]
        self.assertGreater(leaks["handles"], 0, leaks)
        self.assertGreater(leaks["device_bytes"], 0, leaks)
        self.assertEqual(leaks["va_bytes"], 0, leaks)
        self.assertIn("leak: torch_symm_mem left", done.stdout)

    def test_one_error_on_a_channel_costs_that_worker_and_not_the_job(self):
        for side, call in (("supervisor", "send"), ("supervisor", "recv"), ("worker", "send"), ("worker", "recv")):
            with self.subTest(side=side, call=call):
                done = self.inject(f"channel_error:rank=1,side={side},call={call},at=12,code=ENOMEM")
                self.assert_exit(done, 1)
                report = self.load()
                self.assertTrue(report["run"]["complete"])
                self.assertIn("worker_restarted", [event["what"] for event in report["run"]["events"]])
                incidents = report["run"]["incidents"] + [each for entry in report["stability"]
                                                          for each in entry["incidents"]]
                failures = [each["failure"] for each in incidents + report["results"] if each["failure"]]
                self.assertIn((1, call, 12), [(each["rank"], each["call"], each["code"]) for each in failures])
                self.assertEqual({each["rank"] for each in failures}, {1}, failures)

    def test_calls_that_move_one_byte_or_are_interrupted_cost_nothing(self):
        for fault in ("channel_short:rank=1,side=worker,call=send,count=2000", "channel_short:call=recv,count=2000",
                      "channel_error:rank=2,side=worker,call=recv,count=50,code=EINTR"):
            with self.subTest(fault=fault):
                self.assert_exit(self.inject(fault), 0)

    def test_what_the_system_refuses_after_a_passed_trial_is_a_failure_with_call_and_code(self):
        # The trial's block fits into a file of 16 MiB, the workspace's memory does not.
        arguments = " ".join(map(str, ("run", "--device", "host", "-b", "32M", "-e", "32M", "-n", 2, "--lifecycles", 2,
                                       "-J", self.report)))
        done = launch(2, "bash", "-c", f"ulimit -f 16384; exec {BINARY} {arguments}")
        self.assert_exit(done, 1)
        self.assert_nothing_left()
        failures = [(row["status"], row["failure"]["call"], row["failure"]["code"]) for row in self.load()["results"]]
        self.assertEqual(set(failures), {("failed", "ftruncate", errno.EFBIG)}, done.stdout)
        self.assertEqual({entry["first_failure"]["call"] for entry in self.load()["stability"]}, {"ftruncate"})

    def test_a_protocol_fault_strikes_plain_bf16_only(self):
        done = self.inject("packet_lost", "-d", "fp32")
        self.assert_exit(done, 2)
        self.assertIn("--datatype bf16", done.stderr)

    def compared(self, fault, *arguments):
        """The comparison of one small case in which torch_symm_mem is made slower on purpose."""
        done = run(2, "run", "--device", "host", "-b", "4K", "-e", "4K", "--hidden", 1024, "-n", 32, "-G", 2,
                   "--algorithm", "one_shot", "--lifecycles", 0, "--inject", fault, "-J", self.report, *arguments)
        self.assert_exit(done, 0)
        (entry,) = self.load()["comparison"]
        return done, entry

    # Far more than whatever else this machine does to a batch.
    def test_an_allocator_that_is_slow_in_every_placement_is_slower(self):
        _, entry = self.compared("slow_kernel:allocator=torch_symm_mem,percent=1000")
        self.assertEqual((entry["allocator_b"], entry["verdict"]), ("torch_symm_mem", "faster"), entry)
        self.assertEqual(entry["placements"], 8, entry)

    def test_one_slow_placement_is_no_verdict_on_its_allocator(self):
        done, entry = self.compared("slow_placement:allocator=torch_symm_mem,placement=0,percent=1000")
        self.assertEqual(entry["verdict"], "ambiguous", entry)
        self.assertIn("by placement", entry["reason"])
        self.assertRegex(done.stdout, r" inconclusive +ok")
        self.assertIn("1 inconclusive: ", done.stdout)
        slow = next(row for row in self.load()["results"] if row["allocator"] == "torch_symm_mem")
        self.assertGreater(slow["placement_spread"], 1, slow)

    def test_too_few_placements_to_decide_are_told(self):
        _, entry = self.compared("slow_kernel:allocator=torch_symm_mem,percent=1000", "--placements", 4)
        self.assertEqual((entry["verdict"], entry["reason"]), ("ambiguous", "4 placements, 6 are needed"), entry)

    def test_a_slow_link_is_named_by_its_two_ends_and_no_other_is(self):
        done = self.inject("slow_link:rank=1,peer=3")
        self.assert_exit(done, 0)
        report = self.load()
        (finding,) = [each for each in report["findings"] if each["check_id"] == "slow_link"]
        self.assertEqual((finding["severity"], finding["entities"]), ("warning", ["rank 1", "rank 3"]), finding)
        self.assertIn("slow_link", done.stdout)

    def test_a_fault_needs_the_host_device(self):
        done = run(2, "run", "--device", "auto", "--inject", "packet_lost")
        self.assert_exit(done, 2)
        self.assertIn("must be combined with --device host; driver_code, ", done.stderr)

    def test_a_fault_that_touches_neither_kernels_nor_memory_is_no_reason_to_refuse_gpus(self):
        done = run(2, "run", "--device", "cuda", "--inject", "worker_killed:rank=1")
        self.assert_exit(done, 3)  # for want of GPUs
        self.assertIn("rank 0", done.stdout + done.stderr)

    def test_a_fault_that_makes_no_sense_is_refused_before_anything_runs(self):
        for fault, said in (("driver_cod", "did you mean driver_code"), ("driver_code:rank=4", "number of ranks"),
                            ("slow_link:peer=0", "peer must be another rank")):
            with self.subTest(fault=fault):
                done = self.inject(fault)
                self.assert_exit(done, 2)
                self.assertIn(said, done.stderr)


if __name__ == "__main__":
    main()
