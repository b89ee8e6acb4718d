// --format nccl, as the harnesses that parse nccl-tests read it.
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <iterator>
#include <sstream>

#include "core/text.hpp"
#include "report/nccl_table.hpp"
#include "report/verdict.hpp"
#include "run_builder.hpp"

using namespace symmbench;
using Catch::Approx;

namespace {

std::string nccl(const RunBuilder& run) {
  std::ostringstream out;
  write_nccl(out, run.report());
  return out.str();
}

std::vector<std::string> nccl_fields(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), {}};
}

/// The first line that holds `needle`.
std::string line_with(const std::string& text, const std::string& needle) {
  for (const auto& line : split_list(text, '\n')) {
    if (line.find(needle) != std::string::npos) return line;
  }
  return "";
}

/// CloudAI's rule: a row starts with a digit and splits into 13 fields.
std::vector<std::vector<std::string>> rows(const std::string& text) {
  std::vector<std::vector<std::string>> found;
  for (const auto& line : split_list(text, '\n')) {
    const auto split = nccl_fields(line);
    if (!split.empty() && std::isdigit(static_cast<unsigned char>(split[0][0]))) found.push_back(split);
  }
  return found;
}

/// Two rows per case: out of place and in place.
RunBuilder both_places(int cases) {
  RunBuilder run(cases, {kSymm});
  const auto planned = run.started.planned_rows;
  run.add_all_ok();
  for (std::size_t i = 0; i < planned.size(); ++i) {
    Json in_place = planned[i];
    in_place["in_place"] = true;
    in_place["case_id"] = "in-" + std::to_string(i);
    run.started.planned_rows.push_back(in_place);
    RowRecord row = run.ok(static_cast<int>(i), kSymm, 20);
    row.case_id = in_place["case_id"];
    run.add(row);
  }
  return run;
}

}  // namespace

TEST_CASE("every line that is no comment has exactly 13 fields, all numbers where nccl-tests has numbers") {
  for (const bool emulated : {true, false}) {
    RunBuilder run(3);
    run.started.device["emulated"] = emulated;
    const auto text = nccl(run.add_all_ok());
    CHECK(rows(text).size() == 6);
    for (const auto& line : split_list(text, '\n')) {
      if (line.empty() || line[0] == '#') continue;
      CHECK(nccl_fields(line).size() == 13);
    }
    for (const auto& row : rows(text)) {
      for (const std::size_t numeric : {0, 1, 4, 5, 6, 7, 9, 10, 11}) CHECK_NOTHROW(std::stod(row[numeric]));
      CHECK(row[2] == "bfloat16");
      CHECK(row[3] == "sum");
      CHECK(row[4] == "-1");
      CHECK(row[8] == "0");
    }
  }
}

TEST_CASE("size is bytes, count is elements, bandwidths follow the time") {
  RunBuilder run(1, {kSymm});
  run.started.device = {{"kind", "cuda"}, {"emulated", false}};
  RowRecord measured = run.ok(0, kSymm);
  measured.blocks = {{.position = 0, .batch_us = {4, 4}}};
  const auto row = rows(nccl(run.add(measured))).at(0);
  CHECK(row[0] == "16384");
  CHECK(row[1] == "8192");
  CHECK(std::stod(row[5]) == Approx(4));
  CHECK(std::stod(row[6]) == Approx(4.10).margin(0.006));
  CHECK(std::stod(row[7]) == Approx(6.14).margin(0.006));
}

TEST_CASE("in place and out of place of one shape share a line; the missing half is zero and N/A") {
  const auto shared = rows(nccl(both_places(2)));
  REQUIRE(shared.size() == 2);
  CHECK(shared[0][5] == "10.02");
  CHECK(shared[0][9] == "20.04");
  CHECK(shared[0][12] == "0");
  RunBuilder alone(1, {kSymm});
  const auto row = rows(nccl(alone.add_all_ok())).at(0);
  CHECK(row[9] == "0.00");
  CHECK(row[12] == "N/A");
}

TEST_CASE("each allocator has a block of its own between starting and concluded") {
  const auto text = nccl(RunBuilder(1).add_all_ok());
  const auto at = [&](const std::string& needle) { return text.find(needle); };
  CHECK(at("# Collective test starting: symmbench/symm_device_memory") == 0);
  CHECK(at("# Collective test concluded: symmbench/symm_device_memory") <
        at("# Collective test starting: symmbench/torch_symm_mem"));
  CHECK(at("# Collective test concluded: symmbench/torch_symm_mem") != std::string::npos);
  std::size_t footers = 0;
  for (const auto& line : split_list(text, '\n')) footers += line.starts_with("# Avg bus bandwidth    : ") ? 1 : 0;
  CHECK(footers == 2);
}

TEST_CASE("both footers are there in the form that DCGM, GCM and Azure read") {
  RunBuilder run(2, {kSymm});
  run.started.device = {{"kind", "cuda"}, {"emulated", false}};
  const auto text = nccl(run.add_all_ok());
  CHECK(nccl_fields(line_with(text, "# Out of bounds values : ")) ==
        std::vector<std::string>{"#", "Out", "of", "bounds", "values", ":", "0", "OK"});
  const auto average = nccl_fields(line_with(text, "# Avg bus bandwidth    : "));
  REQUIRE(average.size() == 6);  // Azure reads the word at position 5
  double sum = 0;
  for (const auto& row : rows(text)) sum += std::stod(row[7]);
  CHECK(std::stod(average[5]) == Approx(sum / 2).margin(0.01));
}

TEST_CASE("the header has the words that SuperBench looks for") {
  const auto text = nccl(RunBuilder(1).add_all_ok());
  CHECK(nccl_fields(line_with(text, "out-of-place")) == std::vector<std::string>{"#", "out-of-place", "in-place"});
  CHECK(nccl_fields(line_with(text, "redop")) == std::vector<std::string>{"#", "size", "count", "type", "redop", "root",
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
  const auto text = nccl(run.add(row));
  CHECK(text.find("# Out of bounds values : 512 FAILED") != std::string::npos);
  CHECK(rows(text).empty());
  CHECK(text.find("# failed: case-0: verify/wrong_data: 512 wrong") != std::string::npos);
}

TEST_CASE("OK is said in no block of a run that has not passed, whatever the block itself holds") {
  RunBuilder run(1);
  RowRecord wrong = run.ok(0, kTorch);
  wrong.status = "failed";
  wrong.wrong_elements = 11994;
  wrong.failure = Failure{.layer = Layer::verify, .reason = Reason::wrong_data, .detail = "11994 wrong"};
  const auto text = nccl(run.add(run.ok(0, kSymm)).add(wrong));
  CHECK(text.find(": 0 OK") == std::string::npos);
  CHECK(text.find("# Test failure: the run's verdict is failed") <
        text.find("concluded: symmbench/symm_device_memory"));
  CHECK(text.find("# Out of bounds values : 11994 FAILED") != std::string::npos);

  RunBuilder cut(1);
  cut.add_all_ok().ended = RunEnded{"2026-01-31T23:59:59Z", false, "SIGTERM"};
  CHECK(nccl(cut).find(": 0 OK") == std::string::npos);
  CHECK(nccl(cut).find("# Test failure: the run's verdict is interrupted") != std::string::npos);
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
  const auto text = nccl(run.add(run.failed(0, 1, {kSymm})).add(hang));
  CHECK(text.find("Out of bounds") == std::string::npos);
  CHECK(text.find("# Test failure: ") != std::string::npos);
  CHECK(text.find("killed by signal 9") != std::string::npos);
  CHECK(text.find("# Avg bus bandwidth    : 0 ") != std::string::npos);
}

TEST_CASE("rows that did not run are comments and do not fail the footer beside rows that passed") {
  RunBuilder run(2, {kSymm});
  run.started.planned_rows[1]["skip"] = "too large";
  const auto text = nccl(run.add(run.ok(0, kSymm)));
  CHECK(rows(text).size() == 1);
  CHECK(text.find("# skipped: case-1: too large") != std::string::npos);
  CHECK(text.find("# Out of bounds values : 0 OK") != std::string::npos);
}

TEST_CASE("results that were not checked say N/A, as nccl-tests does with -c 0") {
  RunBuilder run(1, {kSymm});
  RowRecord row = run.ok(0, kSymm);
  row.checked_iterations = 0;
  CHECK(rows(nccl(run.add(row))).at(0)[8] == "N/A");
}

TEST_CASE("an emulated device is called so in every block and gives no bandwidth") {
  const auto text = nccl(RunBuilder(1).add_all_ok());
  CHECK(text.find("# EMULATED") != std::string::npos);
  for (const auto& line : split_list(text, '\n')) {
    if (line.starts_with("# EMULATED")) CHECK(line.find_first_of("0123456789") == std::string::npos);
  }
  for (const auto& row : rows(text)) {
    CHECK(row[6] == "0.00");
    CHECK(row[7] == "0.00");
  }
  RunBuilder real(1);
  real.started.device["emulated"] = false;
  CHECK(nccl(real.add_all_ok()).find("# EMULATED") == std::string::npos);
}

TEST_CASE("a pattern, algorithm or group that the columns cannot show is a comment above its rows") {
  RunBuilder run(2, {kSymm});
  run.started.planned_rows[1]["pattern"] = "residual_rmsnorm";
  const auto text = nccl(run.add_all_ok());
  CHECK(text.find("# trtllm_fusion, unicast, handle posix_fd, allreduce, one_shot, group 0 of 4 ranks") !=
        std::string::npos);
  CHECK(text.find("residual_rmsnorm, one_shot") != std::string::npos);
}

TEST_CASE("where NCCL itself is missing its rows are comments, and no footer calls that a failure") {
  RunBuilder run(1);
  Json planned = RunBuilder::planned(1, "nccl");
  planned["algorithm"] = "nccl";
  planned["skip"] = "nccl needs the cuda device";
  run.add_all_ok().started.planned_rows.push_back(planned);
  const auto text = nccl(run);
  CHECK(text.find("# skipped: case-1: nccl needs the cuda device") != std::string::npos);
  CHECK(text.find("symmbench/nccl") == std::string::npos);
  CHECK(text.find("FAILED") == std::string::npos);
  CHECK(text.find("Test failure") == std::string::npos);

  RunBuilder only(0);
  only.started.planned_rows.push_back(planned);
  CHECK(nccl(only).find("# Test failure: ") != std::string::npos);
}
