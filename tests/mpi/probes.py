"""What holds for every probe and every choice of a handle type, on GPUs and on the emulated device: tests of both use it."""


def used_device(report, rank):
    (device,) = [device for device in rank["devices"] if device["kind"] == report["device"]["kind"]]
    return device


def assert_whole(test, report, ranks):
    """A probe of `ranks` ranks of one host that is in order: facts of all, and every pair looked at."""
    test.assertTrue(report["run"]["complete"])
    test.assertEqual(len(report["ranks"]), ranks)
    test.assertEqual([rank for host in report["hosts"] for rank in host["ranks"]], list(range(ranks)))
    for rank in report["ranks"]:
        test.assertIsNotNone(rank["limits"]["memlock"])
        for one in used_device(report, rank)["granularities"]:
            test.assertEqual(one["minimum_bytes"] is None, one["unknown"] is not None, one)
    probe = report["probe"]
    test.assertTrue(all(descriptors["passed"] for descriptors in probe["descriptors"]), probe["descriptors"])
    test.assertEqual({(pair["rank"], pair["peer"]) for pair in probe["pairs"]},
                     {(rank, peer) for rank in range(ranks) for peer in range(ranks) if rank != peer})
    for pair in probe["pairs"]:
        test.assertTrue(pair["access"], pair)
        test.assertEqual(pair["owner"], pair["peer"])
        for figure in ("latency_us", "read_us", "write_us"):
            test.assertGreater(pair[figure], 0, pair)
        for figure in ("read_gbs", "write_gbs"):
            test.assertEqual(pair[figure] is None, report["device"]["emulated"], pair)


def assert_traced(test, report, table):
    """A traced probe: each call with allocator and phase, in the report and in the table."""
    trace = report["probe"]["trace"]
    created = [call for call in trace if call["call"] == "cuMemCreate" and call["allocator"] is not None]
    test.assertEqual({call["phase"] for call in created}, {"create"})
    test.assertLessEqual({"symm_device_memory", "torch_symm_mem"}, {call["allocator"] for call in created})
    for phase in ("create", "export", "import", "map", "use", "close"):
        test.assertIn(phase, {call["phase"] for call in trace})
    test.assertIn((None, None), {(call["allocator"], call["phase"]) for call in trace})  # facts and self tests
    for call in trace:
        test.assertTrue(call["phase"] is None or call["allocator"] is not None, call)
    lines = [line.split() for line in table.splitlines()]
    for allocator in ("symm_device_memory", "torch_symm_mem"):
        test.assertTrue(any(words[:3] == [allocator, "create", "cuMemCreate"] for words in lines), table)


def assert_handle(test, done, report, asked):
    """A run by `asked` does what its own trials say: exit 0 by that type, or 3 with the call that was refused."""
    if asked in ("auto", "upstream"):
        test.assert_exit(done, 0)
        test.assertTrue(all(row["handle"]["used"] for row in report["results"]))
        return
    trials = [trial for trial in report["fabric"]["handle_trials"] if trial["type"] == asked]
    works = bool(trials) and all(trial["passed"] for trial in trials)
    test.assert_exit(done, 0 if works else 3)
    for row in report["results"]:
        if works:
            test.assertEqual((row["status"], row["handle"]["used"]), ("ok", asked), row["case_id"])
        else:
            test.assertEqual((row["status"], row["handle"]["used"]), ("skipped", None), row["case_id"])
            test.assertIn("trial failed", row["reason"])
            test.assertRegex(row["reason"], r"cu[A-Z]\w+ \(\d+\)")
