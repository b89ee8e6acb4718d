// --format nccl, as the harnesses that parse nccl-tests read it: each has its own rules, which stand where they are used.
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <regex>

#include "nccl_text.hpp"
#include "report/nccl_table.hpp"
#include "report/verdict.hpp"

using namespace symmbench;
using Catch::Approx;

TEST_CASE("every line that is no comment has exactly 13 fields, with N/A for what was not measured and never a zero") {
  for (const bool emulated : {true, false}) {
    RunBuilder run(3);
    run.started.device["emulated"] = emulated;
    const auto text = nccl_text(run.add_all_ok());
    CHECK(nccl_rows(text).size() == 6);
    for (const auto& line : split_list(text, '\n')) {
      if (line.empty() || line[0] == '#') continue;
      CHECK(nccl_fields(line).size() == 13);
    }
    for (const auto& row : nccl_rows(text)) {
      for (const std::size_t numeric : {0, 1, 4, 5}) CHECK_NOTHROW(std::stod(row[numeric]));
      for (const std::size_t bandwidth : {6, 7}) CHECK((row[bandwidth] == "N/A") == emulated);
      for (const std::size_t in_place : {9, 10, 11, 12}) CHECK(row[in_place] == "N/A");
      CHECK(row[2] == "bfloat16");
      CHECK(row[3] == "sum");
      CHECK(row[4] == "-1");
      CHECK(row[8] == "0");
    }
    CHECK(text.find(" 0.00") == std::string::npos);
  }
}

TEST_CASE("header, rows and footers stand where nccl-tests 2.19 has them") {
  // What its printf formats give: "# %10s  %12s  %8s  %6s  %6s  %7s  %6s  %6s  %6s  %7s  %6s  %6s  %6s %*s", and of a row
  // "%12li  %12li  %8s  %6s  %6i" with "  %7s  %6s  %6s  %6g" for each half.
  const auto text = nccl_text(nccl_both_places(1));
  CHECK(text.find("#\n"
                  "#                                                              out-of-place                       "
                  "in-place          \n"
                  "#       size         count      type   redop    root     time   algbw   busbw  #wrong     time   "
                  "algbw   busbw  #wrong \n"
                  "#        (B)    (elements)                               (us)  (GB/s)  (GB/s)             (us)  "
                  "(GB/s)  (GB/s)         \n"
                  "       16384          8192  bfloat16     sum      -1    10.02     N/A     N/A       0    20.04     "
                  "N/A     N/A       0\n"
                  "# Out of bounds values : 0 OK\n"
                  "# Avg bus bandwidth    : N/A \n"
                  "#\n"
                  "# Collective test concluded: symmbench/symm_device_memory/allreduce/bf16/auto\n"
                  "#\n") != std::string::npos);
}

TEST_CASE("a time takes seven places and a bandwidth six, as many decimals as fit") {
  RunBuilder run(1, {kSymm});
  run.started.device = {{"kind", "cuda"}, {"emulated", false}};
  RowRecord row = run.ok(0, kSymm);
  row.blocks = {{.position = 0, .batch_us = {123456.78}}};
  CHECK(nccl_rows(nccl_text(run.add(row))).at(0)[5] == "123457");
  row.blocks = {{.position = 0, .batch_us = {0.000012}}};
  RunBuilder fast(1, {kSymm});
  fast.started.device = run.started.device;
  CHECK(nccl_rows(nccl_text(fast.add(row))).at(0)[6] == "1e+06");
}

TEST_CASE("size is bytes, count is elements, bandwidths follow the time") {
  RunBuilder run(1, {kSymm});
  run.started.device = {{"kind", "cuda"}, {"emulated", false}};
  RowRecord measured = run.ok(0, kSymm);
  measured.blocks = {{.position = 0, .batch_us = {4, 4}}};
  const auto row = nccl_rows(nccl_text(run.add(measured))).at(0);
  CHECK(row[0] == "16384");
  CHECK(row[1] == "8192");
  CHECK(std::stod(row[5]) == Approx(4));
  CHECK(std::stod(row[6]) == Approx(4.10).margin(0.006));
  CHECK(std::stod(row[7]) == Approx(6.14).margin(0.006));
}

TEST_CASE("in place and out of place of one shape share a line; the missing half is N/A") {
  const auto shared = nccl_rows(nccl_text(nccl_both_places(2)));
  REQUIRE(shared.size() == 2);
  CHECK(shared[0][5] == "10.02");
  CHECK(shared[0][9] == "20.04");
  CHECK(shared[0][12] == "0");
  RunBuilder alone(1, {kSymm});
  const auto row = nccl_rows(nccl_text(alone.add_all_ok())).at(0);
  for (const std::size_t missing : {9, 10, 11, 12}) CHECK(row[missing] == "N/A");
}

TEST_CASE("parsers of nccl-tests' text read one allocator and algorithm per table, out of place and in place") {
  RunBuilder run = nccl_both_places(2);
  run.started.device = {{"kind", "cuda"}, {"emulated", false}};
  const auto text = nccl_text(run);
  // A row by its types, as several tools have it.
  const std::regex data(
      R"(^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\S+)\s+(-?\d+)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+(\S+)\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+(\S+)\s*$)");
  const std::regex titles(
      R"(^#\s+size\s+count\s+type\s+redop\s+root\s+time\s+algbw\s+busbw\s+#wrong\s+time\s+algbw\s+busbw\s+#wrong\s*$)");
  const std::regex bounds(R"(^# Out of bounds values\s*:\s*([0-9]+)\s+(OK|FAILED)\s*$)");
  const std::regex average(R"(Avg bus bandwidth\s*:\s*(\d+(?:\.\d+)?))");
  std::size_t data_lines = 0, title_lines = 0, bounds_lines = 0, average_lines = 0;
  std::smatch found;
  for (const auto& line : split_list(text, '\n')) {
    if (std::regex_match(line, found, data)) {
      ++data_lines;
      CHECK(std::stod(found[6]) == Approx(10.02));
      CHECK(std::stod(found[10]) == Approx(20.04));
    }
    title_lines += std::regex_match(line, titles) ? 1 : 0;
    bounds_lines += std::regex_match(line, bounds) ? 1 : 0;
    average_lines += std::regex_search(line, average) ? 1 : 0;
  }
  CHECK(data_lines == 2);
  CHECK(title_lines == 1);
  CHECK(bounds_lines == 1);
  CHECK(average_lines == 1);
  // Columns by the place of the first such title from the end of the line, between the header and the first footer.
  const auto header = nccl_fields(nccl_line(text, "redop"));
  const auto time_from_end = header.end() - std::find(header.begin(), header.end(), "time");
  const auto row = nccl_rows(text).at(0);
  CHECK(*(row.end() - time_from_end) == "10.02");
}

TEST_CASE("both footers are there in the form that DCGM, GCM and Azure read") {
  RunBuilder run(2, {kSymm});
  run.started.device = {{"kind", "cuda"}, {"emulated", false}};
  const auto text = nccl_text(run.add_all_ok());
  CHECK(nccl_fields(nccl_line(text, "# Out of bounds values : ")) ==
        std::vector<std::string>{"#", "Out", "of", "bounds", "values", ":", "0", "OK"});
  const auto average = nccl_fields(nccl_line(text, "# Avg bus bandwidth    : "));
  REQUIRE(average.size() == 6);  // Azure reads the word at position 5
  double sum = 0;
  for (const auto& row : nccl_rows(text)) sum += std::stod(row[7]);
  CHECK(std::stod(average[5]) == Approx(sum / 2).margin(0.01));
}

TEST_CASE("the header has the words that SuperBench looks for") {
  const auto text = nccl_text(RunBuilder(1).add_all_ok());
  CHECK(nccl_fields(nccl_line(text, "out-of-place")) == std::vector<std::string>{"#", "out-of-place", "in-place"});
  CHECK(nccl_fields(nccl_line(text, "redop")) == std::vector<std::string>{"#", "size", "count", "type", "redop", "root",
                                                                          "time", "algbw", "busbw", "#wrong", "time",
                                                                          "algbw", "busbw", "#wrong"});
  CHECK(text.find("out-of-place") < text.find("Out of bounds values"));
}

TEST_CASE("wrong data shows in the column and fails the first footer") {
  RunBuilder run(1, {kSymm});
  RowRecord row = run.ok(0, kSymm);
  row.status = "failed";
  row.wrong_elements = 512;
  row.failure = Failure{.layer = Layer::verify, .reason = Reason::wrong_data, .detail = "512 wrong"};
  const auto text = nccl_text(run.add(row));
  CHECK(text.find("# Out of bounds values : 512 FAILED") != std::string::npos);
  REQUIRE(nccl_rows(text).size() == 1);
  CHECK(nccl_rows(text)[0][5] == "N/A");
  CHECK(nccl_rows(text)[0][8] == "512");
  CHECK(text.find("# failed: case-0: verify/wrong_data: 512 wrong") != std::string::npos);
}

TEST_CASE("OK is said in no table of a run that has not passed, whatever the table itself holds") {
  RunBuilder run(1);
  RowRecord wrong = run.ok(0, kTorch);
  wrong.status = "failed";
  wrong.wrong_elements = 11994;
  wrong.failure = Failure{.layer = Layer::verify, .reason = Reason::wrong_data, .detail = "11994 wrong"};
  const auto text = nccl_text(run.add(run.ok(0, kSymm)).add(wrong));
  CHECK(text.find(": 0 OK") == std::string::npos);
  CHECK(text.find("# Test failure: the run's verdict is failed") <
        text.find("concluded: symmbench/symm_device_memory"));
  CHECK(text.find("# Out of bounds values : 11994 FAILED") != std::string::npos);

  RunBuilder cut(1);
  cut.add_all_ok().ended = RunEnded{"2026-01-31T23:59:59Z", false, "SIGTERM"};
  CHECK(nccl_text(cut).find(": 0 OK") == std::string::npos);
  CHECK(nccl_text(cut).find("# Test failure: the run's verdict is interrupted") != std::string::npos);
}

TEST_CASE("a report that could not be written takes the OK away") {
  RunBuilder run(1);
  Json report = run.add_all_ok().report();
  downgrade(report, "report.json: No space left on device");
  std::ostringstream out;
  write_nccl(out, report);
  CHECK(out.str().find(": 0 OK") == std::string::npos);
}

TEST_CASE("a crash or hang is a test failure with its reason, and no number of values") {
  RunBuilder run(2, {kSymm});
  FailureRecord hang = run.failed(1, 2, {kSymm});
  hang.status = "hung";
  const auto text = nccl_text(run.add(run.failed(0, 1, {kSymm})).add(hang));
  CHECK(text.find("Out of bounds") == std::string::npos);
  CHECK(text.find("# Test failure: ") != std::string::npos);
  CHECK(text.find("killed by signal 9") != std::string::npos);
  CHECK(text.find("# Avg bus bandwidth    : N/A ") != std::string::npos);
}

TEST_CASE("rows that did not run are comments and do not fail the footer beside rows that passed") {
  RunBuilder run(2, {kSymm});
  run.started.planned_rows[1]["skip"] = "too large";
  const auto text = nccl_text(run.add(run.ok(0, kSymm)));
  CHECK(nccl_rows(text).size() == 1);
  CHECK(text.find("# skipped: case-1: too large") != std::string::npos);
  CHECK(text.find("# Out of bounds values : 0 OK") != std::string::npos);
}

TEST_CASE("results that were not checked say N/A, as nccl-tests does with -c 0") {
  RunBuilder run(1, {kSymm});
  RowRecord row = run.ok(0, kSymm);
  row.checked_iterations = 0;
  CHECK(nccl_rows(nccl_text(run.add(row))).at(0)[8] == "N/A");
}

TEST_CASE("an emulated device is called so in every table, in a line without digits") {
  const auto text = nccl_text(RunBuilder(1).add_all_ok());
  CHECK(text.find("# EMULATED") != std::string::npos);
  for (const auto& line : split_list(text, '\n')) {
    if (line.starts_with("# EMULATED")) CHECK(line.find_first_of("0123456789") == std::string::npos);
  }
  RunBuilder real(1);
  real.started.device["emulated"] = false;
  CHECK(nccl_text(real.add_all_ok()).find("# EMULATED") == std::string::npos);
}

TEST_CASE("where NCCL itself is missing its rows are comments, and no footer calls that a failure") {
  RunBuilder run(1);
  Json planned = RunBuilder::planned(1, "nccl");
  planned["algorithm"] = "nccl";
  planned["skip"] = "nccl needs the cuda device";
  run.add_all_ok().started.planned_rows.push_back(planned);
  const auto text = nccl_text(run);
  CHECK(text.find("# skipped: case-1: nccl needs the cuda device") != std::string::npos);
  CHECK(text.find("symmbench/nccl") == std::string::npos);
  CHECK(text.find("FAILED") == std::string::npos);
  CHECK(text.find("Test failure") == std::string::npos);

  RunBuilder only(0);
  only.started.planned_rows.push_back(planned);
  CHECK(nccl_text(only).find("# Test failure: ") != std::string::npos);
}

TEST_CASE("the average says OK or FAILED where a gate was set, and OK of the values only where it was met") {
  const auto text_with = [](double gate) {
    RunBuilder run(1, {kSymm});
    run.started.device = {{"kind", "cuda"}, {"emulated", false}};
    run.started.run["config"] = {{"min_busbw", gate}};
    RowRecord row = run.ok(0, kSymm);
    row.blocks = {{.position = 0, .batch_us = {4, 4}}};
    return nccl_text(run.add(row));
  };
  CHECK(text_with(0).find("# Avg bus bandwidth    : 6.144 \n") != std::string::npos);
  CHECK(text_with(6).find("# Avg bus bandwidth    : 6.144 OK\n") != std::string::npos);
  CHECK(text_with(7).find("# Avg bus bandwidth    : 6.144 FAILED\n") != std::string::npos);
  CHECK(text_with(7).find(": 0 OK") == std::string::npos);
}
