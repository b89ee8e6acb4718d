"""Emulated fabrics over virtual hosts: which handle types reach whom, and what is said where one does not."""
import json
import os
import resource

import probes
from harness import BINARY, ROOT, RunTest, alone, launch, main, run

RACK = ("--device", "host", "--fabric", "sm103-gb300-nvl72")
ONE_CASE = ("run", "-b", "16K", "-e", "16K", "-n", 4, "--algorithm", "one_shot", "--placements", 1, "--lifecycles", 0)


# What is not in order on the second of two trays of a rack, or on a board, and what `compare` is to name first.
PLANTED = {
    "no IMEX channel": ("sm103-b300-hgx-with-imex", {"imex": {"channel": False}}, "upstream_rule.torch_symm_mem"),
    "broken IMEX peer": ("sm103-gb300-nvl72", {"imex": {"daemon": False}}, "handle_trials"),
    "zero cluster UUID": ("sm103-gb300-nvl72", {"registration": {"cluster": False}}, "upstream_rule.symm_device_memory"),
    "another clique": ("sm103-gb300-nvl72", {"registration": {"clique_id": 9}}, "fabric_cliques"),
    "another driver": ("sm103-gb300-nvl72", {"driver_version": 12080}, "driver_version"),
    "Confidential Computing": ("sm103-gb300-nvl72", {"confidential_computing": True, "multicast": {"supported": False}},
                               "confidential_computing"),
}


class Fabric(RunTest):
    def probe(self, profile, change, name):
        """The report of a probe of two ranks, of which the second is on a host that differs by `change`."""
        document = json.loads((ROOT / "configs/fabrics" / f"{profile.removesuffix('-with-imex')}.json").read_text())
        if profile.endswith("-with-imex"):
            document["imex"]["channel"] = True
        hosts = 2 if document["gpus_per_domain"] > document["gpus_per_host"] else 1
        if change:
            document["hosts"] = [{"host": hosts - 1, **change}]
        path, report = self.scratch / f"{name}.profile.json", self.scratch / f"{name}.json"
        path.write_text(json.dumps(document))
        done = run(2, "probe", "--device", "host", "--fabric", path, "--virtual-hosts", hosts, "-J", report)
        # Where no memory of one rank reaches the other, nothing between them can be tested.
        self.assert_exit(done, 0 if json.loads(report.read_text())["probe"]["pairs"] else 3)
        report.write_text(report.read_text().replace(str(path), "profile"))
        return report

    def test_compare_names_what_is_not_in_order_first(self):
        good = {profile: self.probe(profile, None, profile) for profile in {row[0] for row in PLANTED.values()}}
        for number, (planted, (profile, change, first)) in enumerate(PLANTED.items()):
            with self.subTest(planted):
                bad = self.probe(profile, change, f"bad{number}")
                done = alone("compare", "--format", "json", good[profile], bad)
                differences = [one["key"] for one in json.loads(done.stdout)["environment"]]
                self.assertEqual(differences[:1], [first], done.stdout)
        done = alone("compare", "--format", "json", good["sm103-gb300-nvl72"], self.probe("sm103-gb300-nvl72", None, "again"))
        self.assertEqual([one for one in json.loads(done.stdout)["environment"] if not one["identity"]], [])

    def test_a_probe_says_what_reaches_whom(self):
        done = run(8, "probe", "--device", "host", "--fabric", "sm103-gb300-nvl72", "--json", "-J", self.report)
        self.assert_exit(done, 0)
        report = self.load()
        self.assertEqual(json.loads(done.stdout), report)
        passed = {(each["allocator"], each["type"]): each["passed"] for each in report["fabric"]["handle_trials"]}
        self.assertEqual(passed, {("symm_device_memory", "fabric"): True, ("symm_device_memory", "posix_fd"): None,
                                  ("torch_symm_mem", "fabric"): True, ("torch_symm_mem", "posix_fd"): None,
                                  ("cuda_ipc", "cuda_ipc"): None})
        pairs = report["probe"]["pairs"]
        self.assertEqual(len(pairs), 8 * 7)
        self.assertTrue(all(pair["access"] and pair["latency_us"] > 0 for pair in pairs))
        self.assertFalse(any(test["passed"] for test in report["probe"]["descriptors"]))

    def test_a_probe_that_tested_nothing_between_its_ranks_has_no_verdict_and_says_why(self):
        document = json.loads((ROOT / "configs/fabrics/sm103-gb300-nvl72.json").read_text())
        document["imex"]["channel"] = False
        path = self.scratch / "no-channel.json"
        path.write_text(json.dumps(document))
        done = run(4, "probe", "--device", "host", "--fabric", path, "--virtual-hosts", 2)
        self.assert_exit(done, 3)
        self.assertNotIn("PASSED", done.stdout)
        self.assertRegex(done.stdout, "(?s)not tested: access, latency and copies between the 4 ranks of group 0\\n.*"
                                      "torch_symm_mem by fabric: .*cuMemCreate.* by posix_fd: .*does not travel between hosts")
        self.assert_exit(run(1, "probe", "--device", "host", "--fabric", path), 0)

    def test_a_probe_records_hosts_processes_and_the_program(self):
        self.assert_exit(run(4, "probe", "--device", "host", "--fabric", "sm103-gb300-nvl72", "--virtual-hosts", 2,
                             "-J", self.report), 0)
        report = self.load()
        self.assertEqual([host["ranks"] for host in report["hosts"]], [[0, 1], [2, 3]])
        for host in report["hosts"]:
            self.assertEqual(host["kernel"], os.uname().release)
            self.assertGreater(host["memory_total_bytes"], host["memory_available_bytes"])
            for fact in ("os", "cpu_model", "kernel_driver", "modules"):
                reasons = [entry["why"] for entry in host["unknown"] if entry["fact"] == fact]
                self.assertEqual(host[fact] is None, len(reasons) == 1, (fact, host))
        self.assertRegex(report["tool"]["binary_hash"], "^[0-9a-f]{16}$")
        soft, hard = (None if limit == resource.RLIM_INFINITY else limit
                      for limit in resource.getrlimit(resource.RLIMIT_NOFILE))
        for rank in report["ranks"]:
            self.assertRegex(rank["mpi"]["library"], "^Open MPI v[0-9.]+[a-z0-9]*$")
            self.assertEqual(rank["limits"]["nofile"]["hard"], hard)
            self.assertEqual(rank["environment"]["OMPI_COMM_WORLD_SIZE"], "4")
            (emulated,) = [device for device in rank["devices"] if device["kind"] == "host"]
            self.assertEqual([entry["handle"] for entry in emulated["granularities"]], ["posix_fd", "fabric"])

    def test_a_trace_says_for_whom_and_in_which_phase_each_call_was_made(self):
        done = run(2, "probe", "--device", "host", "--trace", "-J", self.report)
        self.assert_exit(done, 0)
        probes.assert_traced(self, self.load(), done.stdout)
        probes.assert_whole(self, self.load(), 2)

    def test_a_run_by_each_handle_type_does_what_its_trials_say(self):
        for fabric in ("sm103-b300-hgx", "sm103-gb300-nvl72"):
            for handle in ("auto", "posix_fd", "fabric", "upstream"):
                report = self.scratch / f"{fabric}-{handle}.json"
                done = run(2, *ONE_CASE, "--device", "host", "--fabric", fabric, "--handle", handle, "-J", report)
                with self.subTest(fabric=fabric, handle=handle):
                    probes.assert_handle(self, done, self.load(report), handle)

    def test_a_quiet_run_of_which_nothing_ran_says_so_and_why_in_its_line(self):
        done = run(2, *ONE_CASE, *RACK, "--virtual-hosts", 2, "--handle", "posix_fd", "--quiet")
        self.assert_exit(done, 3)
        (line,) = done.stdout.splitlines()
        self.assertRegex(line, r"^NO_VERDICT \(exit code 3\): nothing ran, \d+ rows skipped: .*does not travel between hosts")

    def test_a_probe_without_a_gpu_is_no_verdict_and_says_what_would_run(self):
        done = run(1, "probe")
        self.assert_exit(done, 3)
        self.assertIn("probe --device host", done.stdout)

    def test_a_probe_has_no_case_in_which_a_fault_of_kernels_could_strike(self):
        done = run(2, "probe", "--device", "host", "--inject", "grid_mismatch:rank=0")
        self.assert_exit(done, 2)
        self.assertRegex(done.stderr, "--inject 'grid_mismatch:rank=0,at=1': a probe runs no case")
        done = run(2, "probe", "--device", "host", "--plan")
        self.assert_exit(done, 2)
        self.assertIn("--plan: a probe has no plan", done.stderr)

    def findings(self):
        return {finding["check_id"]: finding for finding in self.load()["findings"]
                if finding["severity"] in ("info", "warning", "critical")}

    def test_ranks_in_each_others_place_are_named_by_what_is_written_where(self):
        words = (4, "probe", "--device", "host", "-J", self.report)
        self.assert_exit(run(*words), 0)
        self.assertFalse({"rank_order_permuted", "peer_access_dead"} & set(self.findings()))
        self.assertEqual(self.load()["probe"]["received"], [])
        self.assert_exit(run(*words, "--inject", "rank_order:rank=1,peer=2"), 0)
        report, found = self.load(), self.findings()
        self.assertEqual(report["run"]["injected_struck"], [1])
        self.assertEqual(found["rank_order_permuted"]["severity"], "critical")
        self.assertEqual({(pair["rank"], pair["peer"], pair["owner_rank"]) for pair in report["probe"]["pairs"]
                          if not pair["access"]}, {(1, 2, 3), (1, 3, 2)})
        self.assertEqual({(one["rank"], one["writer_rank"], one["meant_for_rank"]) for one in report["probe"]["received"]},
                         {(2, 1, 3), (3, 1, 2)})
        self.assertNotIn("peer_access_dead", found)
        self.assert_exit(alone("validate", self.report), 0)

    def test_what_is_written_to_nobody_is_a_dead_pair_and_no_matter_of_order(self):
        self.assert_exit(run(4, "probe", "--device", "host", "-J", self.report, "--inject", "dead_link:rank=0,peer=1"), 0)
        self.assertIn("peer_access_dead", self.findings())
        self.assertNotIn("rank_order_permuted", self.findings())

    def test_a_pair_that_stalls_is_named_and_the_others_are_kept(self):
        done = run(4, "probe", "--device", "host", "--timeout", 2, "-J", self.report,
                   "--inject", "worker_stopped:rank=1,phase=use,at=2")
        self.assert_exit(done, 4)
        pairs = {(pair["rank"], pair["peer"]): pair for pair in self.load()["probe"]["pairs"]}
        self.assertEqual(len(pairs), 12)
        self.assertEqual([names for names, pair in pairs.items() if pair["access"] is not True], [(1, 3)])
        self.assertIn("rank 1 did not come back from looking at rank 3", done.stdout)
        # Its worker was stopped: nothing is known of the way to rank 3, nor of pairs that nobody came to look at.
        self.assertNotIn("peer_access_dead", self.findings())
        self.assertNotIn("does not reach", done.stdout)
        self.assert_exit(alone("validate", self.report), 0)

    def test_findings_fail_a_run_only_when_asked(self):
        document = json.loads((ROOT / "configs/fabrics/sm103-gb300-nvl72.json").read_text())
        document["imex"]["channel"] = False
        path = self.scratch / "no-channel.json"
        path.write_text(json.dumps(document))
        words = (2, "probe", "--device", "host", "--fabric", path)
        done = run(*words)
        self.assert_exit(done, 0)
        self.assertIn("finding, warning: imex_channel_missing on rank 0, rank 1", done.stdout)
        done = run(*words, "--fail-on", "warning")
        self.assert_exit(done, 1)
        self.assertRegex(done.stdout, "--fail-on warning: .*imex_channel_missing")

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


# What is found, for information, on a board without a cluster: fabric handles are tried there first.
ON_A_BOARD = {"cluster_uuid_zero", "imex_channel_missing", "handle_trial_failed", "fabric_not_permitted"}
# Of each shipped profile what must follow of it for two ranks on one host: handle used, rules of symm_device_memory and
# torch_symm_mem, findings beside those of the machine.
BY_PROFILE = {
    "sm90-h200-hgx": ("posix_fd", "posix_fd", "posix_fd", ON_A_BOARD),
    "sm100-b200-hgx": ("posix_fd", "posix_fd", "posix_fd", ON_A_BOARD),
    "sm103-b300-hgx": ("posix_fd", "posix_fd", "posix_fd", ON_A_BOARD),
    "sm100-gb200-nvl72": ("fabric", "fabric", "fabric", set()),
    "sm103-gb300-nvl72": ("fabric", "fabric", "fabric", set()),
}
# Of the machine that the test runs on, or of its load, and not of the fabric.
OF_THE_MACHINE = {"cores_oversubscribed", "slow_rank", "slow_link", "gpu_far_from_cpu", "environment_differs",
                  "killed_for_memory", "nvswitch_error"}


class Profiles(RunTest):
    def test_every_shipped_profile_runs_under_all_allocators(self):
        names = {path.stem for path in (ROOT / "configs/fabrics").glob("*.json")}
        self.assertEqual(names, set(BY_PROFILE))
        for profile, (used, symm, torch, findings) in BY_PROFILE.items():
            with self.subTest(profile):
                done = run(2, "run", "--device", "host", "--fabric", profile, "-b", "4K", "-e", "4K", "-n", 2, "--hidden",
                           1024, "--algorithm", "one_shot", "--placements", 1, "--lifecycles", 0, "--allocator",
                           "symm_device_memory,torch_symm_mem,cuda_ipc", "-J", self.report)
                self.assert_exit(done, 0)
                report = self.load()
                self.assertEqual({(row["allocator"], row["handle"]["used"], row["status"]) for row in report["results"]},
                                 {("symm_device_memory", used, "ok"), ("torch_symm_mem", used, "ok"),
                                  ("cuda_ipc", "cuda_ipc", "ok")})
                rules = {(rule["allocator"], rule["handle"]) for rank in report["ranks"] for device in rank["devices"]
                         if device["kind"] == "host" for rule in device["upstream_handles"]}
                self.assertLessEqual({("symm_device_memory", symm), ("torch_symm_mem", torch)}, rules)
                self.assertEqual(len({rule for rule in rules if rule[0] != "cuda_ipc"}), 2)
                found = {(finding["check_id"], finding["severity"]) for finding in report["findings"]
                         if finding["severity"] not in ("pass", "unknown") and finding["check_id"] not in OF_THE_MACHINE}
                self.assertEqual(found, {(check, "info") for check in findings})
                self.assertEqual(report["fabric"]["limits"]["profile"], profile)


NO_VETO = {"NCCL_NVLS_ENABLE": "", "TORCH_SYMM_MEM_DISABLE_MULTICAST": "", "NVSHMEM_DISABLE_NVLS": ""}
OVER_MNNVL = ("run", "--device", "host", "--workspace", "mnnvl", "--tokens", 3, "--hidden", 1024, "-n", 4,
              "--placements", 1)


class Multicast(RunTest):
    def test_both_transports_run_in_one_call_and_are_told_apart(self):
        done = run(4, *OVER_MNNVL, "--multicast", "off,on", "--pattern", "allreduce,residual_rmsnorm", "--lifecycles", 1,
                   "-J", self.report, env=NO_VETO)
        self.assert_exit(done, 0)
        report = self.load()
        self.assertEqual({(row["transport"], row["multicast"]["used"], row["status"], row["wrong_elements"])
                          for row in report["results"]}, {("unicast", "off", "ok", 0), ("multicast", "on", "ok", 0)})
        self.assertEqual({(entry["transport"], entry["failed"]) for entry in report["stability"]},
                         {("unicast", 0), ("multicast", 0)})
        self.assertIn("mnnvl, multicast", done.stdout)
        compared = report["transport_comparison"]
        self.assertEqual(len(compared), len(report["results"]) // 2)
        self.assertEqual({(entry["transport_a"], entry["transport_b"], entry["verdict"]) for entry in compared},
                         {("unicast", "multicast", "ambiguous")})
        self.assertIn("mnnvl, torch_symm_mem: unicast against multicast: not decided", done.stdout)
        self.assertIn("stability (mnnvl by multicast): ", done.stdout)
        self.assert_exit(alone("validate", self.report), 0)
        self.assert_nothing_left()

    def test_a_veto_of_one_rank_refuses_the_run_or_leaves_the_rest(self):
        for asked, code in (("on", 3), ("off,on", 0)):
            with self.subTest(asked):
                done = launch(2, "sh", "-c", '[ "$OMPI_COMM_WORLD_RANK" = 1 ] && export NVSHMEM_DISABLE_NVLS=1; exec "$@"',
                              "sh", BINARY, *OVER_MNNVL, "--multicast", asked, "--lifecycles", 0, "-J", self.report,
                              env=NO_VETO)
                self.assert_exit(done, code)
                text = done.stdout + done.stderr
                self.assertRegex(text, r"multicast is vetoed by NVSHMEM_DISABLE_NVLS=1 on rank 1 on \S+ \(1 of 2 ranks\)")
                self.assertEqual("Allowed here: off, auto" in text, code == 3)
                report = self.load()
                self.assertEqual({row["status"] for row in report["results"] if row["transport"] == "multicast"},
                                 {"not_tested"})
                self.assert_exit(alone("validate", self.report), 0)
        self.assert_nothing_left()

    def test_gpus_are_never_asked_for_it(self):
        done = run(2, "run", "--workspace", "mnnvl", "--multicast", "on", env=NO_VETO)
        self.assert_exit(done, 3)
        self.assertIn("not in this version on GPUs", done.stderr)


if __name__ == "__main__":
    main()
