#include "report/stability_comparison.hpp"

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>

#include "check_schema.hpp"

using namespace symmbench;
using Catch::Approx;

namespace {

struct Rounds {
  int planned = 300;
  int failed = 0;        ///< the last ones
  double scale = 1;      ///< of their times
  int handles_left = 0;  ///< by each
};

void add_rounds(RunBuilder& run, const std::string& allocator, const Rounds& rounds) {
  run.started.planned_lifecycles.push_back({{"label", "lifecycle/" + allocator},
                                            {"workspace", "trtllm_fusion"},
                                            {"transport", "unicast"},
                                            {"allocator", allocator},
                                            {"handle_asked", "auto"},
                                            {"group", 0},
                                            {"lifecycles", rounds.planned}});
  for (int i = 0; i < rounds.planned; ++i) {
    LifecycleRecord record{.workspace = "trtllm_fusion", .transport = "unicast", .allocator = allocator};
    record.handle = {{"asked", "auto"}, {"used", "posix_fd"}, {"reason", "a trial passed"}};
    record.iteration = static_cast<std::uint64_t>(i);
    record.leaks = {{"handles", rounds.handles_left}};
    for (const char* phase : {"create", "map"}) {
      record.phase_us.emplace_back(phase, rounds.scale * (100 + i * 7 % 5));
    }
    if (i >= rounds.planned - rounds.failed) {
      record.failure = Failure{.layer = Layer::driver, .reason = Reason::not_ready, .phase = Phase::map, .rank = 1};
    }
    run.add(record);
  }
}

Json compared(const Rounds& a, const Rounds& b) {
  RunBuilder run(1, {kSymm, kTorch});
  run.add_all_ok();
  add_rounds(run, kSymm, a);
  add_rounds(run, kTorch, b);
  const Json list = checked_report(run).at("stability_comparison");
  REQUIRE(list.size() == 1);
  return list[0];
}

}  // namespace

TEST_CASE("allocators that neither fail nor leak in enough lifecycles are equally stable") {
  const Json entry = compared({}, {});
  CHECK(entry["verdict"] == "same");
  CHECK(entry["reason"] == "neither failed nor leaked: below 12.6 failures in 1000 lifecycles");
  CHECK(entry["failures_a"]["per_1000"] == 0);
  CHECK(entry["failures_a"]["high"].get<double>() == Approx(12.64).epsilon(1e-3));
}

TEST_CASE("too few lifecycles decide nothing, and it is said how many would") {
  const Json entry = compared({.planned = 20}, {.planned = 300});
  CHECK(entry["verdict"] == "unknown");
  CHECK(entry["reason"] ==
        "no failure in 20 lifecycles shows only that there are fewer than 161 in 1000; 300 lifecycles decide");
}

TEST_CASE("one lifecycle is one, not 1 lifecycles") {
  CHECK(compared({.planned = 1}, {})["reason"].get<std::string>().starts_with("no failure in 1 lifecycle shows only"));
}

TEST_CASE("the one that fails more often than chance explains is less stable, whichever is first") {
  CHECK(compared({}, {.failed = 10})["stabler"] == kSymm);
  const Json entry = compared({.failed = 10}, {});
  CHECK(entry["verdict"] == "stabler");
  CHECK(entry["stabler"] == kTorch);
  CHECK(entry["failures_a"]["per_1000"].get<double>() == Approx(33.33).epsilon(1e-3));
  const Json chance = compared({.failed = 1}, {});
  CHECK(chance["verdict"] == "unknown");
  CHECK(chance["stabler"].is_null());
}

TEST_CASE("one that leaks is less stable; one that fails less but leaks is not called stabler") {
  CHECK(compared({.handles_left = 1}, {})["stabler"] == kTorch);
  CHECK(compared({.handles_left = 1}, {.handles_left = 1})["verdict"] == "unknown");
  CHECK(compared({.handles_left = 1}, {.failed = 30})["verdict"] == "unknown");
}

TEST_CASE("phases are judged as times are: a phase that takes longer is slower, an equal one the same") {
  const auto total = [](const Json& entry) { return entry["phases"].back(); };
  const Json same = total(compared({}, {}));
  CHECK(same["phase"] == "total");
  CHECK(same["verdict"] == "same");
  const Json slow = total(compared({.scale = 1.5}, {}));
  CHECK(slow["verdict"] == "slower");
  CHECK(slow["ratio"].get<double>() == Approx(1.5).epsilon(1e-6));
  CHECK(slow["a_parts_us"].get<double>() / slow["b_parts_us"].get<double>() == Approx(1.5));
  const Json few = total(compared({.planned = 3, .scale = 1.5}, {.planned = 3}));
  CHECK(few["verdict"] == "ambiguous");
  CHECK(few["reason"] == "3 lifecycles, 6 are needed");
}
