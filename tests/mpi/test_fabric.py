"""Emulated fabrics over virtual hosts: which handle types reach whom, and what is said where one does not."""
import json

from harness import ROOT, RunTest, main, run

RACK = ("--device", "host", "--fabric", "sm103-gb300-nvl72")
ONE_CASE = ("run", "-b", "16K", "-e", "16K", "-n", 4, "--algorithm", "one_shot", "--placements", 1, "--lifecycles", 0)


class Fabric(RunTest):
    def test_between_trays_of_a_rack_both_allocators_use_fabric_handles(self):
        done = run(4, *ONE_CASE, *RACK, "--virtual-hosts", 2, "-J", self.report)
        self.assert_exit(done, 0)
        report = self.load()
        self.assertEqual({row["handle"]["used"] for row in report["results"]}, {"fabric"})
        self.assertEqual((report["fabric"]["profile"], report["fabric"]["hosts"]), ("sm103-gb300-nvl72", 2))
        self.assertEqual([rank["host"] for rank in report["ranks"]], ["virtual-host-0"] * 2 + ["virtual-host-1"] * 2)

    def test_descriptors_do_not_leave_a_host_and_the_hosts_are_named(self):
        done = run(4, *ONE_CASE, *RACK, "--virtual-hosts", 2, "--handle", "posix_fd")
        self.assert_exit(done, 3)
        self.assertIn("does not travel between hosts: virtual-host-0 on ranks 0, 1; virtual-host-1 on ranks 2, 3; the "
                      "machines differ (boot ids)", done.stdout)

    def test_within_hosts_descriptors_do_for_groups_that_stay_inside(self):
        done = run(4, *ONE_CASE, *RACK, "--virtual-hosts", 2, "--handle", "posix_fd", "--group-size", 2)
        self.assert_exit(done, 0)

    def test_a_profile_that_contradicts_itself_is_refused_before_anything_runs(self):
        profile = json.loads((ROOT / "configs/fabrics/sm103-gb300-nvl72.json").read_text())
        profile["gpus_per_domain"] = 71
        path = self.scratch / "made-up.json"
        path.write_text(json.dumps(profile))
        done = run(2, *ONE_CASE, "--device", "host", "--fabric", path)
        self.assert_exit(done, 2)
        self.assertIn(f"--fabric '{path}': gpus_per_domain: '71': must be a multiple of gpus_per_host, 4", done.stderr)


if __name__ == "__main__":
    main()
