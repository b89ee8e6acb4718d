"""What machine facts forbid on the cuda device: exit 3, one clear line, a valid report. A fake libcuda says what GPUs there
are, so no GPU is needed."""
import os
import socket

from harness import RunTest, alone, main, run

FAKE_DRIVER = os.environ["SYMMBENCH_FAKE_DRIVER"]


def fake_driver(**settings):
    """The environment of a machine with the fake driver; settings: devices, sm, peer_access, free_mib, driver_version."""
    path = ":".join(filter(None, [FAKE_DRIVER, os.environ.get("LD_LIBRARY_PATH", "")]))
    visible = settings.pop("visible", None)
    environment = {"FAKE_CUDA_" + name.upper(): str(value) for name, value in settings.items()}
    if visible is not None:
        environment["CUDA_VISIBLE_DEVICES"] = visible
    return dict(environment, LD_LIBRARY_PATH=path)


class CudaRefusals(RunTest):
    def refused(self, ranks, environment, *words, size="64K", device="cuda"):
        """Runs, and holds exit code, the line that says why, and the report against what is expected."""
        done = run(ranks, "run", "--device", device, "-b", size, "-e", size, "-n", "4", "-J", self.report, env=environment)
        self.assert_exit(done, 3)
        self.assert_exit(alone("validate", self.report), 0)
        report = self.load()
        self.assertEqual(report["verdict"]["status"], "no_verdict")
        self.assertFalse(report["run"]["complete"])
        self.assertEqual(len(report["ranks"]), ranks)
        why = report["run"]["interrupted_by"]
        lines = [line for line in (done.stdout + done.stderr).splitlines() if why in line]
        self.assertEqual(len(lines), 1, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, why)
        self.assert_nothing_left()
        return report

    def test_two_ranks_shown_one_gpu_are_named_with_its_uuid(self):
        uuid = "GPU-00000000-0000-0000-0000-000000000002"
        report = self.refused(2, fake_driver(visible="1"), "ranks 0 and 1", uuid)
        self.assertEqual([rank["gpu_uuid"] for rank in report["ranks"]], [uuid, uuid])
        # What NVML knows of the GPU with that PCI id, though nothing ran: a fake libnvidia-ml lies beside the fake libcuda.
        (fabric,) = [device["fabric"] for device in report["ranks"][0]["devices"] if device["kind"] == "cuda"]
        self.assertEqual((fabric["state"], fabric["clique_id"]), ("completed", 32766), fabric)

    def test_gpus_without_peer_access_are_named_as_a_pair(self):
        report = self.refused(2, fake_driver(peer_access=0), "GPU of rank 0", "000000000001", "GPU of rank 1",
                              "000000000002")
        self.assertEqual(report["ranks"][0]["devices"][0]["unreachable_gpus"],
                         ["GPU-00000000-0000-0000-0000-000000000002"])

    def test_a_gpu_without_kernels_in_the_binary_is_told_both(self):
        self.refused(2, fake_driver(sm=80), "rank 0", "SM80", "SM90a")

    def test_a_driver_that_is_too_old_is_told_both_versions(self):
        self.refused(2, fake_driver(driver_version=12040), "CUDA 12.4", "CUDA 13.")

    def test_more_ranks_than_gpus_is_told_both_numbers(self):
        self.refused(3, fake_driver(), "rank 2", "3 ranks", "2 CUDA devices")

    def test_a_driver_without_gpus_says_so(self):
        self.refused(2, fake_driver(devices=0), "no CUDA device is visible", "CUDA_VISIBLE_DEVICES")

    def test_a_workspace_larger_than_gpu_memory_is_told_what_it_needs_and_what_is_free(self):
        self.refused(2, fake_driver(free_mib=100), "rank 0", "not enough memory", "needed", "100 MiB free",
                     size="256M")

    def test_auto_refuses_as_cuda_does_and_emulates_nothing(self):
        host = socket.gethostname()
        for ranks, environment, words in ((2, fake_driver(visible="0"), ("ranks 0 and 1", "the same GPU", host)),
                                          (4, fake_driver(), ("rank 2", host, "2 CUDA devices", "1 other rank"))):
            with self.subTest(words=words):
                report = self.refused(ranks, environment, *words, device="auto")
                self.assertFalse(report["device"]["emulated"])
                self.assertNotIn("--device host", " ".join(report["verdict"]["summary"]))

    def test_auto_with_every_gpu_hidden_also_tells_the_line_for_the_emulated_device(self):
        report = self.refused(2, fake_driver(visible=""), "rank 0", "no CUDA device is visible",
                              "CUDA_VISIBLE_DEVICES=''", device="auto")
        self.assertTrue(report["verdict"]["summary"][-1].endswith("--device host"), report["verdict"])


if __name__ == "__main__":
    main()
