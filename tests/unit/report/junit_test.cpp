#include "report/junit.hpp"

#include <pugixml.hpp>

#include "check_schema.hpp"
#include "hostile_run.hpp"
#include "report/verdict.hpp"
#include "support/contains.hpp"

using namespace symmbench;

namespace {

pugi::xml_document parsed(const Json& report) {
  pugi::xml_document document;
  const auto text = junit_xml(report);
  const auto result = document.load_string(text.c_str(), pugi::parse_full);
  INFO(result.description());
  REQUIRE(result);
  return document;
}

pugi::xml_node suite_of(const pugi::xml_document& document) { return document.child("testsuites").child("testsuite"); }

/// What a testcase holds: "failure", "error", "skipped"; empty: it passed.
std::string mark(const pugi::xml_document& document, const std::string& class_name, const std::string& name = "") {
  for (const auto test : suite_of(document).children("testcase")) {
    const bool named = name.empty() || name == test.attribute("name").value();
    if (named && class_name == test.attribute("classname").value()) return test.first_child().name();
  }
  return "no such testcase";
}

pugi::xml_node test_named(const pugi::xml_document& document, const std::string& class_name) {
  return suite_of(document).find_child_by_attribute("testcase", "classname", class_name.c_str());
}

constexpr const char* kSymmCase = "trtllm_fusion.symm_device_memory.allreduce";
constexpr const char* kTorchCase = "trtllm_fusion.torch_symm_mem.allreduce";

}  // namespace

TEST_CASE("a run that passed is a suite in which nothing is red, a testcase per row and one for the run") {
  const auto document = parsed(checked_report(RunBuilder(2).add_all_ok()));
  const auto suite = suite_of(document);
  CHECK(suite.attribute("tests").as_int() == 5);
  for (const char* count : {"failures", "errors", "skipped"}) CHECK(suite.attribute(count).as_int(-1) == 0);
  CHECK(mark(document, kSymmCase, "case-0").empty());
  CHECK(mark(document, kTorchCase, "case-1").empty());
  CHECK(mark(document, "symmbench.run", "verdict").empty());
  CHECK(suite.attribute("timestamp").value() == std::string("2026-01-31T23:59:58"));
  // 20 batches of 8 iterations of some 10 us, over two blocks
  CHECK(test_named(document, kSymmCase).attribute("time").as_double() > 0.0005);
}

TEST_CASE("wrong data is a failure that names rank, host and GPU, and hostile words stay within it") {
  const auto document = parsed(checked_report(hostile_run()));
  CHECK(mark(document, kSymmCase, "case-0") == "failure");
  CHECK(mark(document, kTorchCase, "case-0").empty());
  CHECK(mark(document, "symmbench.run") == "failure");
  CHECK(suite_of(document).attribute("failures").as_int() == 2);
  const auto failure = test_named(document, kSymmCase).child("failure");
  const std::string message = failure.attribute("message").value();
  CHECK(failure.attribute("type").value() == std::string("wrong_data"));
  CHECK(contains(message, "rank 2 (host <a b=\"1\">&amp;'\\,;\n[31m"));
  CHECK(contains(message, ", GPU GPU-2): "));
}

TEST_CASE("a crash is an error, with its reason as type, and so is the rank that was waited for told") {
  RunBuilder run(1);
  FailureRecord crash = run.failed(0, 1, {kSymm}, true);
  crash.failure.peer = 3;
  run.add(run.ok(0, kTorch)).add(crash);
  const auto document = parsed(checked_report(run));
  CHECK(mark(document, kSymmCase) == "error");
  const auto error = test_named(document, kSymmCase).child("error");
  CHECK(error.attribute("type").value() == std::string("crashed"));
  CHECK(contains(error.attribute("message").value(), "rank 2: "));
  CHECK(contains(error.attribute("message").value(), "; peer: rank 3"));
  CHECK(mark(document, "symmbench.run") == "failure");
}

TEST_CASE("a hang is an error, of the row and of the run") {
  RunBuilder run(1);
  FailureRecord hang = run.failed(0, 1, {kSymm}, true);
  hang.status = "hung";
  run.add(run.ok(0, kTorch)).add(hang);
  const auto document = parsed(checked_report(run));
  CHECK(mark(document, kSymmCase) == "error");
  CHECK(test_named(document, kSymmCase).child("error").attribute("type").value() == std::string("hung"));
  CHECK(mark(document, "symmbench.run") == "error");
}

TEST_CASE("what never came to run is an error, and the run is one") {
  RunBuilder run(1);
  run.ended->complete = false;
  run.ended->interrupted_by = "SIGTERM";
  run.add(run.ok(0, kSymm));
  const auto document = parsed(checked_report(run));
  CHECK(mark(document, kSymmCase).empty());
  CHECK(mark(document, kTorchCase) == "error");
  CHECK(mark(document, "symmbench.run") == "error");
  CHECK(contains(test_named(document, "symmbench.run").child("error").text().get(), "SIGTERM"));
}

TEST_CASE("what is not supported is skipped with its reason, and with exit code 77 nothing is red") {
  RunBuilder run(1);
  run.started.skip_if_unsupported = true;
  for (auto& planned : run.started.planned_rows) planned["skip"] = "no such handle";
  const Json report = checked_report(run);
  REQUIRE(exit_code(report) == 77);
  const auto document = parsed(report);
  CHECK(mark(document, kSymmCase) == "skipped");
  CHECK(test_named(document, kSymmCase).child("skipped").attribute("message").value() == std::string("no such handle"));
  CHECK(mark(document, "symmbench.run") == "skipped");
  CHECK(suite_of(document).attribute("skipped").as_int() == 3);
}

TEST_CASE("the run's testcase is red for every exit code but 0 and 77") {
  for (const auto& [code, expected] : {std::pair{0, ""}, {1, "failure"}, {3, "error"}, {4, "error"}, {77, "skipped"}}) {
    CAPTURE(code);
    Json report = checked_report(RunBuilder(1).add_all_ok());
    report["verdict"]["exit_code"] = code;
    CHECK(mark(parsed(report), "symmbench.run") == expected);
  }
}

TEST_CASE("a leak is a failure of the allocator's lifecycles") {
  RunBuilder run(1);
  run.started.planned_lifecycles = {{{"workspace", "trtllm_fusion"},
                                     {"transport", "unicast"},
                                     {"allocator", kSymm},
                                     {"handle_asked", "auto"},
                                     {"group", 0},
                                     {"lifecycles", 2}}};
  for (std::uint64_t i = 0; i < 2; ++i) {
    run.add(LifecycleRecord{.workspace = "trtllm_fusion",
                            .transport = "unicast",
                            .allocator = kSymm,
                            .handle = {{"asked", "auto"}, {"used", "posix_fd"}, {"reason", nullptr}},
                            .iteration = i,
                            .phase_us = {{"create", 1.0}},
                            .leaks = {{"fds", i}, {"mappings", 0}, {"device_bytes", 0}}});
  }
  const Json report = checked_report(run.add_all_ok());
  REQUIRE(exit_code(report) == 1);
  const auto document = parsed(report);
  CHECK(mark(document, "trtllm_fusion.symm_device_memory.lifecycle", "unicast/auto") == "failure");
  CHECK(contains(
      test_named(document, "trtllm_fusion.symm_device_memory.lifecycle").child("failure").attribute("message").value(),
      "1 fds"));
  CHECK(mark(document, "symmbench.run") == "failure");
}
