"""`symmbench selftest`: every fault is seen with one allocator, and a detector that is switched off is not overlooked."""
import json

from harness import RunTest, alone, main, run


class Selftest(RunTest):
    def selftest(self, *arguments):
        done = run(4, "selftest", "--device", "host", "-J", self.report, *arguments)
        self.assert_nothing_left()
        return done

    def test_every_fault_is_seen_and_the_file_is_valid(self):
        # The faults of supervisors have tests of their own, and the full product takes minutes.
        done = self.selftest("--allocator", "torch_symm_mem")
        self.assert_exit(done, 0)
        document = self.load_selftest()
        self.assertEqual(document["verdict"]["seen"], document["verdict"]["planned"], done.stdout)
        names = {each["fault"] for each in document["faults"]} | {each["fault"] for each in document["apart"]}
        listed = json.loads(alone("list", "faults", "--json").stdout)["entries"]
        self.assertEqual(names, {each["name"] for each in listed if each["available"]})
        self.assertIn("PASSED (exit code 0)", done.stdout)
        self.assertIn("valid selftest", alone("validate", self.report).stdout)

    def test_a_detector_that_is_switched_off_is_missed(self):
        done = self.selftest("--allocator", "cuda_ipc", "--faults", "packet_flipped", "--check", "off")
        self.assert_exit(done, 1)
        self.assertIn("MISSED packet_flipped", done.stdout)

    def test_what_cannot_be_is_refused(self):
        for arguments, said in ((("--faults", "paket_lost"), "did you mean packet_lost"), (("--timeout", "0"), "--timeout"),
                                (("--allocator", "torch"), "not one of")):
            with self.subTest(arguments=arguments):
                done = self.selftest(*arguments)
                self.assert_exit(done, 2)
                self.assertIn(said, done.stderr)

    def test_without_gpus_none_is_provoked_on_them(self):
        for device, code, said in (("cuda", 3, "were not provoked: rank 0"), ("auto", 2, "--device 'auto': must be host"), ("hots", 2, "must be host")):
            with self.subTest(device=device):
                done = run(2, "selftest", "--device", device, "-J", self.report)
                self.assert_exit(done, code)
                self.assertIn(said, done.stdout + done.stderr)
        document = self.load_selftest()
        self.assertEqual((document["verdict"]["tested"], document["device"]), (0, {"kind": "cuda", "emulated": False}))
        self.assertIn("valid selftest", alone("validate", self.report).stdout)
        self.assert_nothing_left()

    def load_selftest(self):
        with open(self.report) as file:
            return json.load(file)


if __name__ == "__main__":
    main()
