#include "report/crossover.hpp"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <sstream>

#include "check_schema.hpp"
#include "contest_run.hpp"
#include "report/crossover_text.hpp"

using namespace symmbench;
using Catch::Approx;

namespace {

Json crossover_of(const ContestRun& run) { return checked_report(run.builder()).at("crossover"); }

std::string text_of(const ContestRun& run, bool commented = false) {
  std::ostringstream out;
  write_crossover(out, run.builder().report(), commented);
  return out.str();
}

/// one_shot to 32 KiB, two_shot above; auto takes one_shot.
ContestRun two_algorithms(const Json& changes = Json::object()) {
  ContestRun run;
  for (const std::uint64_t bytes : {16384, 32768, 65536}) run.row("two_shot", bytes, 25);
  run.row("one_shot", 65536, 30, 0.001, changes).row("one_shot", 32768, 20, 0.001, changes);
  run.row("one_shot", 16384, 10, 0.001, changes);
  return run;
}

const Json kAskedAuto{{"algorithm_asked", "auto"}};

Json range(const std::vector<std::string>& algorithms, std::uint64_t from, std::uint64_t to) {
  return {{"algorithm", algorithms.front()}, {"algorithms", algorithms}, {"from_bytes", from}, {"to_bytes", to}};
}

}  // namespace

TEST_CASE("the crossover says which algorithm is fastest at each size, by how much, and where that changes") {
  const Json crossover = crossover_of(two_algorithms());
  REQUIRE(crossover.size() == 1);
  const Json& entry = crossover[0];
  CHECK(entry["allocator"] == kSymm);
  CHECK(entry["handle_asked"] == "auto");
  CHECK(entry["handle_used"] == "posix_fd");
  CHECK(entry["hidden"].is_null());
  CHECK(entry["algorithms"] == Json::array({Json{{"algorithm", "two_shot"}, {"peer", false}},
                                            Json{{"algorithm", "one_shot"}, {"peer", false}}}));
  CHECK(entry["ranges"] == Json::array({range({"one_shot"}, 16384, 32768), range({"two_shot"}, 65536, 65536)}));
  REQUIRE(entry["sizes"].size() == 3);
  CHECK(entry["sizes"][0]["message_bytes"] == 16384);
  CHECK(entry["sizes"][0]["fastest"] == "one_shot");
  CHECK(entry["sizes"][0]["time_us"].get<double>() == Approx(10));
  CHECK(entry["sizes"][0]["runner_up"] == "two_shot");
  CHECK(entry["sizes"][0]["ratio"].get<double>() == Approx(2.5));
  CHECK(entry["sizes"][2]["fastest"] == "two_shot");
}

TEST_CASE("the crossover says what auto takes and what it loses, 1 where it is the fastest") {
  const Json sizes = crossover_of(two_algorithms())[0]["sizes"];
  CHECK(sizes[0]["auto"]["algorithm"] == "one_shot");
  CHECK(sizes[0]["auto"]["source"] == "computed");
  CHECK(sizes[0]["auto"]["loss"] == 1.0);
  CHECK(sizes[2]["auto"]["time_us"].get<double>() == Approx(30));
  CHECK(sizes[2]["auto"]["loss"].get<double>() == Approx(1.2));
}

TEST_CASE("where auto's pick was not measured its time and loss are unknown") {
  ContestRun run;
  const Json barrier{{"auto_algorithm", "two_shot_barrier"}, {"auto_source", "file"}};
  run.row("one_shot", 1024, 10, 0.001, barrier).row("two_shot", 1024, 12, 0.001, barrier);
  const Json pick = crossover_of(run)[0]["sizes"][0]["auto"];
  CHECK(pick["algorithm"] == "two_shot_barrier");
  CHECK(pick["source"] == "file");
  CHECK(pick["time_us"].is_null());
  CHECK(pick["loss"].is_null());
}

TEST_CASE("records of a version that did not know what auto takes have no auto in the crossover") {
  ContestRun run;
  const Json unknown{{"auto_algorithm", nullptr}, {"auto_source", nullptr}};
  run.row("one_shot", 1024, 10, 0.001, unknown).row("two_shot", 1024, 12, 0.001, unknown);
  CHECK(crossover_of(run)[0]["sizes"][0]["auto"].is_null());
}

TEST_CASE("rows with other buffers, or without programmatic dependent launch, are a series of their own") {
  ContestRun run;
  for (const auto buffers : {0, 5}) {
    const Json asked{{"buffers_asked", buffers}};
    run.row("one_shot", 1024, 10 - buffers, 0.001, asked).row("two_shot", 1024, 12 - buffers, 0.001, asked);
  }
  const Json crossover = crossover_of(run);
  REQUIRE(crossover.size() == 2);
  CHECK(crossover[0]["buffers_asked"] == 0);
  CHECK(crossover[0]["sizes"][0]["time_us"].get<double>() == Approx(10));
  CHECK(crossover[1]["buffers_asked"] == 5);
  CHECK(crossover[1]["sizes"][0]["time_us"].get<double>() == Approx(5));
  CHECK(text_of(run).find("bf16, --buffers 5: one_shot") != std::string::npos);
  CHECK(text_of(run).find("bf16, a buffer per iteration: one_shot") != std::string::npos);

  ContestRun overlap;
  for (const bool pdl : {true, false}) {
    overlap.row("one_shot", 1024, 10, 0.001, {{"pdl", pdl}}).row("two_shot", 1024, 12, 0.001, {{"pdl", pdl}});
  }
  REQUIRE(crossover_of(overlap).size() == 2);
  CHECK(text_of(overlap).find("bf16, no pdl: one_shot") != std::string::npos);

  ContestRun sums;
  for (const char* how : {"fp32", "storage"}) {
    sums.row("one_shot", 1024, 10, 0.001, {{"accumulate", how}})
        .row("two_shot", 1024, 12, 0.001, {{"accumulate", how}});
  }
  REQUIRE(crossover_of(sums).size() == 2);
  CHECK(text_of(sums).find("bf16, accumulate storage: one_shot") != std::string::npos);
}

TEST_CASE("rows that failed or were skipped count as not measured") {
  ContestRun run;
  run.row("one_shot", 1024, 10).row("two_shot", 1024, 12);
  run.row("one_shot", 2048, 20).failed("two_shot", 2048);
  run.skipped("one_shot", 4096).failed("two_shot", 4096);
  const Json crossover = crossover_of(run);
  REQUIRE(crossover.size() == 1);
  REQUIRE(crossover[0]["sizes"].size() == 2);
  CHECK(crossover[0]["sizes"][1]["runner_up"].is_null());
  CHECK(crossover[0]["sizes"][1]["ratio"].is_null());
  CHECK(crossover[0]["sizes"][1]["fastest"] == "one_shot");
}

TEST_CASE("what nothing decides between is a tie, and auto loses nothing by it") {
  ContestRun run;
  run.row("one_shot", 1024, 10, 0.001, kAskedAuto).row("two_shot", 1024, 10.2);   // within 3 %
  run.row("one_shot", 4096, 10, 0.3, kAskedAuto).row("two_shot", 4096, 12, 0.3);  // intervals meet
  run.row("one_shot", 16384, 10, 0.001, kAskedAuto).row("two_shot", 16384, 8);
  const Json entry = crossover_of(run)[0];
  CHECK(entry["sizes"][0]["tied_with"] == Json::array({"two_shot"}));
  CHECK(entry["sizes"][2]["tied_with"].empty());
  CHECK(entry["ranges"] ==
        Json::array({range({"one_shot", "two_shot"}, 1024, 4096), range({"two_shot"}, 16384, 16384)}));
  CHECK(text_of(run).find("one_shot or two_shot to 4 KiB, two_shot from 16 KiB; auto loses up to 1.25x") !=
        std::string::npos);

  ContestRun tied;
  tied.row("one_shot", 1024, 10.2, 0.001, kAskedAuto).row("two_shot", 1024, 10);
  CHECK(text_of(tied).find("one_shot or two_shot at every size; auto takes the fastest") != std::string::npos);
}

TEST_CASE("algorithms that ran in the same placements are ranked by what holds in all of them") {
  const auto tied_with = [](const std::vector<double>& two_shot_us) {
    ContestRun run;
    run.placed_row("one_shot", 1024, {10, 10.1, 9.9, 10, 10, 10}).placed_row("two_shot", 1024, two_shot_us);
    return crossover_of(run)[0]["sizes"][0]["tied_with"];
  };
  CHECK(tied_with({11, 11.1, 10.9, 11, 11.1, 11}).empty());
  CHECK(tied_with({10, 10.1, 10, 10, 10, 16}) == Json::array({"two_shot"}));
}

TEST_CASE("of many sizes each must be clearer: one that is so by chance is a tie") {
  const auto tied_with = [](int sizes) {
    ContestRun run;
    for (int i = 0; i < sizes; ++i) {
      const auto bytes = std::uint64_t{1024} << i;
      run.placed_row("one_shot", bytes, {10, 10, 10, 10, 10, 10});
      run.placed_row("two_shot", bytes, {10.4, 11.3, 10.5, 11.2, 10.6, 11.0});
    }
    return crossover_of(run)[0]["sizes"][0]["tied_with"];
  };
  CHECK(tied_with(1).empty());
  CHECK(tied_with(12) == Json::array({"two_shot"}));
}

TEST_CASE("nothing is ranked after a run that did not pass") {
  ContestRun run = two_algorithms();
  run.failed("one_shot", 131072);
  CHECK(text_of(run).empty());
  CHECK_FALSE(crossover_of(run).empty());
}

TEST_CASE("the algorithms that auto takes at different sizes are no contest") {
  ContestRun run;
  run.row("one_shot", 1024, 10, 0.001, kAskedAuto).row("two_shot", 65536, 20, 0.001, kAskedAuto);
  CHECK(crossover_of(run).empty());
  CHECK(text_of(run).empty());
}

TEST_CASE("one algorithm alone has no crossover, in the report or in the text") {
  CHECK(checked_report(RunBuilder().add_all_ok())["crossover"].empty());
  ContestRun run;
  run.row("one_shot", 1024, 10).failed("two_shot", 1024);
  CHECK(crossover_of(run).empty());
  CHECK(text_of(run).empty());
}

TEST_CASE("NCCL stands in every series that ran its size, and auto is not blamed for what it cannot take") {
  ContestRun run({kSymm, kTorch, "nccl"});
  const Json library{{"allocator", "nccl"}, {"workspace", "nccl"}};
  run.row("nccl", 1024, 5, 0.001, library).row("nccl", 4096, 5, 0.001, library);
  for (const auto& allocator : {kSymm, kTorch}) {
    const Json own{{"allocator", allocator}};
    run.row("one_shot", 1024, 10, 0.001, own).row("two_shot", 1024, 12, 0.001, own);
  }
  run.row("nccl", 1024, 4, 0.001, {{"allocator", "nccl"}, {"workspace", "nccl"}, {"dtype", "fp16"}});
  const Json crossover = crossover_of(run);
  REQUIRE(crossover.size() == 2);
  for (const Json& entry : crossover) {
    CHECK(entry["workspace"] != "nccl");
    CHECK(entry["algorithms"][2] == Json{{"algorithm", "nccl"}, {"peer", true}});
    REQUIRE(entry["sizes"].size() == 1);  // nobody else ran 4 KiB
    CHECK(entry["sizes"][0]["fastest"] == "nccl");
    CHECK(entry["sizes"][0]["time_us"].get<double>() == Approx(5));
    CHECK(entry["sizes"][0]["runner_up"] == "one_shot");
    CHECK(entry["sizes"][0]["auto"]["loss"] == 1.0);
  }
}

TEST_CASE("series differ by allocator, handle, group, dtype, place and, when fused, hidden") {
  ContestRun run({kSymm, kTorch});
  const Json changes[] = {Json::object(),
                          {{"allocator", kTorch}},
                          {{"handle_asked", "fabric"}},
                          {{"group", 1}},
                          {{"dtype", "fp16"}},
                          {{"in_place", true}},
                          {{"pattern", "residual_rmsnorm"}},
                          {{"pattern", "residual_rmsnorm"}, {"hidden", 256}}};
  for (const auto& change : changes)
    run.row("one_shot", 1024, 10, 0.001, change).row("two_shot", 1024, 9, 0.001, change);
  // Plain allreduce knows only bytes: another hidden is no series of its own.
  run.row("one_shot", 1024, 8, 0.001, {{"hidden", 256}, {"tokens", 2}});
  // The fake record says "auto" for the handle asked, whatever was planned: that one joins the first.
  const Json crossover = crossover_of(run);
  CHECK(crossover.size() == std::size(changes) - 1);
  CHECK(crossover[0]["sizes"][0]["fastest"] == "one_shot");
}

TEST_CASE("the text tells each series in a line: ranges, and the most that auto loses") {
  CHECK(text_of(two_algorithms(kAskedAuto)) ==
        "\nFastest algorithm by size\n"
        "  allreduce bf16: one_shot to 32 KiB, two_shot from 64 KiB; auto loses up to 1.20x (one_shot at 64 KiB)\n");
  CHECK(text_of(two_algorithms()) ==
        "\nFastest algorithm by size\n"
        "  allreduce bf16: one_shot to 32 KiB, two_shot from 64 KiB\n");
  ContestRun run({kSymm, kTorch});
  for (const auto& allocator : {kSymm, kTorch}) {
    run.row("one_shot", 1024, 10, 0.001, {{"allocator", allocator}});
    run.row("two_shot", 1024, 12, 0.001, {{"allocator", allocator}});
  }
  CHECK(text_of(run, true) ==
        "#\n# Fastest algorithm by size\n"
        "#   allreduce bf16, symm: one_shot at every size\n"
        "#   allreduce bf16, torch: one_shot at every size\n");
}

TEST_CASE("the text ends after twelve series and says how many more there are") {
  ContestRun run;
  for (int hidden = 16; hidden < 16 + 15; ++hidden) {
    const Json change{{"pattern", "residual_rmsnorm"}, {"hidden", hidden}};
    run.row("one_shot", 1024, 10, 0.001, change).row("two_shot", 1024, 12, 0.001, change);
  }
  const auto text = text_of(run);
  CHECK(std::count(text.begin(), text.end(), '\n') == 2 + 12 + 1);
  CHECK(text.ends_with("  and 3 more series: see crossover[]\n"));
}
