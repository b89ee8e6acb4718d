// How the table is shown: widths, further columns, colour.
#include <catch2/catch_test_macros.hpp>
#include <sstream>

#include "report/table_columns.hpp"
#include "report/text.hpp"
#include "run_builder.hpp"
#include "table_of.hpp"

using namespace symmbench;

TEST_CASE("no line of a passing run is wider than what it is shown on; what gives way stands above its rows") {
  const auto shown = [](std::size_t width) {
    std::ostringstream out;
    TableOf table(out, {.width = width});
    RunBuilder run(4);
    run.started.planned_rows[6]["in_place"] = run.started.planned_rows[7]["in_place"] = true;
    for (const Json& record : run.add_all_ok().records()) table.append(record);
    for (const auto& line : table_lines(out)) CHECK(line.size() <= width);
    CHECK(table_rows(out).size() == 4);
    return table_lines(out);
  };
  const std::string section = "# trtllm_fusion, unicast, handle auto";
  const std::string titles =
      "# size   shape  dtype  pattern    algorithm  place  symm us  torch us  ratio  symm is       status";
  REQUIRE(titles.size() <= 100);
  CHECK(std::vector(shown(titles.size())).at(0) == section);
  CHECK(shown(titles.size()).at(1) == titles);
  const auto narrower = shown(titles.size() - 1);
  CHECK(narrower.at(0) == section + ", bf16, out of place");
  CHECK(narrower.at(1) == "# size   shape  pattern    algorithm  symm us  torch us  ratio  symm is       status");
  CHECK(narrower.at(5) == section + ", bf16, in place");
  CHECK(shown(80).at(0) == section + ", bf16, allreduce, out of place");
  CHECK(shown(80).at(1) == "# size   shape  algorithm  symm us  torch us  ratio  symm is       status");
}

TEST_CASE("where not even a row of its own leaves room for pairs, they stand under each row") {
  std::ostringstream out;
  TableOf table(out, {.width = 60});
  RunBuilder run(1, {kSymm, kTorch, kIpc});
  run.add(run.ok(0, kSymm, 8)).add(run.ok(0, kTorch, 10)).add(run.ok(0, kIpc, 4));
  for (const Json& record : run.records()) table.append(record);
  CHECK(table_fields(table_rows(out)[0]) == std::vector<std::string>{"16K", "1x8192", "8.02", "10.02", "4.01", "ok"});
  CHECK(out.str().find("#   symm/torch 0.800: symm is faster\n#   symm/ipc 2.000: symm is slower\n") !=
        std::string::npos);
}

TEST_CASE("further figures stand beside each allocator's time, and are not made up where there are none") {
  for (const bool emulated : {false, true}) {
    CAPTURE(emulated);
    std::ostringstream out;
    TableOf table(out, {.width = 120, .figures = {TableFigure::busbw, TableFigure::of_limit}});
    RunBuilder run(1, {kSymm});
    run.started.device["emulated"] = emulated;
    RowRecord measured = run.ok(0, kSymm);
    measured.blocks = {{.position = 0, .batch_us = {4, 4}}};
    for (const Json& record : run.add(measured).records()) table.append(record);
    CHECK(table_lines(out).at(1).ends_with("symm us  symm busbw  symm of_limit  status"));
    CHECK(table_fields(table_rows(out)[0]) == std::vector<std::string>{"16K", "1x8192", "bf16", "allreduce", "one_shot",
                                                                       "4.00", emulated ? "N/A" : "6.14", "N/A", "ok"});
  }
}

TEST_CASE("colour marks the status of a row and the verdict, and nothing else") {
  RunBuilder run(2);
  run.add(run.ok(0, kSymm)).add(run.ok(0, kTorch)).add(run.failed(1, 1, {kSymm, kTorch}));
  const auto shown = [&](bool colour) {
    std::ostringstream out;
    TableOf table(out, {.colour = colour});
    for (const Json& record : run.records()) table.append(record);
    table.finish(run.report());
    write_verdict(out, run.report(), {}, {.colour = colour});
    return out.str();
  };
  CHECK(shown(false).find('\033') == std::string::npos);
  CHECK(shown(true).find("  \033[32mok\033[0m\n") != std::string::npos);
  CHECK(shown(true).find("\033[1;31mFAILED\033[0m (exit code 1)") != std::string::npos);
  auto bare = shown(true);
  for (const std::string mark : {"\033[32m", "\033[1;31m", "\033[33m", "\033[0m"}) {
    for (auto at = bare.find(mark); at != std::string::npos; at = bare.find(mark)) bare.erase(at, mark.size());
  }
  CHECK(bare == shown(false));
}

TEST_CASE("a quiet run's one line has the reason with any verdict but passed") {
  const auto line = [](RunBuilder& run) {
    std::ostringstream out;
    write_verdict_line(out, run.report());
    return out.str();
  };
  RunBuilder whole(1), cut(1);
  CHECK(line(whole.add_all_ok()) == "PASSED (exit code 0)\n");
  cut.ended.reset();
  RunBuilder skipped(2);
  for (Json& row : skipped.started.planned_rows) row["skip"] = "handle posix_fd: does not travel between hosts";
  CHECK(line(skipped) ==
        "NO_VERDICT (exit code 3): nothing ran, 4 rows skipped: handle posix_fd: does not travel between hosts\n");
  CHECK(line(cut.add(cut.ok(0, kSymm))) == "NO_VERDICT (exit code 3): not complete: the run was cut off\n");
}
