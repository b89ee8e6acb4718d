#include "journal/lifecycle_spans.hpp"

#include <catch2/catch_test_macros.hpp>

#include "journal/records.hpp"
#include "support/failures.hpp"

using namespace symmbench;

namespace {

LifecycleRecord round_of(std::uint64_t iteration, const std::string& allocator = "torch_symm_mem", int attempt = 1) {
  LifecycleRecord record{.workspace = "w", .transport = "t", .allocator = allocator};
  record.handle = {{"asked", "auto"}};
  record.iteration = iteration;
  record.attempt = attempt;
  record.phase_us = {{"create", 10.0}, {"map", 20.0 + static_cast<double>(iteration % 7)}};
  record.total_us = 30;
  record.operation_us = 5;
  record.leaks = {{"fds", 1}, {"threads", nullptr}};
  record.started_at = "2026-01-01T00:00:00Z";
  record.ended_at = "2026-01-01T00:00:01Z";
  record.passed_s = static_cast<double>(iteration);
  return record;
}

struct Kept {
  std::vector<Json> records;
  LifecycleSpans spans{[this](const Json& record) { records.push_back(record); }};

  std::vector<LifecycleRecord> lifecycles() const {
    std::vector<LifecycleRecord> list;
    for (const Json& record : records) list.push_back(lifecycle_from(record));
    return list;
  }
};

}  // namespace

TEST_CASE("the first lifecycles are a record each, and what is not a lifecycle passes at once") {
  Kept kept;
  const Json event = to_json(EventRecord{.what = "x", .detail = "y", .data = nullptr});
  for (std::uint64_t i = 0; i < 20; ++i) kept.spans.take(to_json(round_of(i)));
  CHECK(kept.records.size() == 20);
  kept.spans.take(event);
  CHECK(kept.records.back() == event);
  CHECK(kept.records[3] == to_json(round_of(3)));
}

TEST_CASE("twenty thousand lifecycles are a few hundred records that hold every one of them, in bounded space") {
  Kept kept;
  constexpr std::uint64_t kRounds = 20'000;
  for (std::uint64_t i = 0; i < kRounds; ++i) kept.spans.take(to_json(round_of(i)));
  kept.spans.flush();
  CHECK(kept.records.size() < 450);
  std::uint64_t next = 0;
  std::int64_t fds = 0;
  std::size_t bytes = 0;
  for (const auto& span : kept.lifecycles()) {
    CHECK(span.iteration == next);
    CHECK(span.total_us.count() == span.count);
    CHECK(span.phase_us[1].second.count() == span.count);
    next += span.count;
    fds += span.leaks.at("fds").get<std::int64_t>();
    bytes += to_json(span).dump().size();
  }
  CHECK(next == kRounds);
  CHECK(fds == static_cast<std::int64_t>(kRounds));
  CHECK(kept.lifecycles().back().leaks.at("threads").is_null());
  CHECK(kept.lifecycles().back().passed_s == kRounds - 1);
  CHECK(bytes < LifecycleSpans::kMostBytes);
}

TEST_CASE("rounds that were refused their memory in turn with others are in the same few records") {
  Kept kept;
  constexpr std::uint64_t kRounds = 20'000;
  for (std::uint64_t i = 0; i < kRounds; ++i) {
    LifecycleRecord round = round_of(i);
    if (i % 2 == 1) {
      round.phase_us = {{"create", 10.0}};
      round.total_us = {};
      round.refused = 1;
    }
    kept.spans.take(to_json(round));
  }
  kept.spans.flush();
  CHECK(kept.records.size() < 450);
  std::uint64_t all = 0, refused = 0, created = 0, mapped = 0;
  for (const auto& span : kept.lifecycles()) {
    all += span.count;
    refused += span.refused;
    created += span.phase_us[0].second.count();
    if (span.phase_us.size() > 1) mapped += span.phase_us[1].second.count();
  }
  CHECK(all == kRounds);
  CHECK(refused == kRounds / 2);
  CHECK(created == kRounds);
  CHECK(mapped == kRounds / 2);
}

TEST_CASE(
    "a lifecycle that failed and the first of a worker are never part of a span, and a new allocator begins anew") {
  Kept kept;
  for (std::uint64_t i = 0; i < 200; ++i) kept.spans.take(to_json(round_of(i)));
  LifecycleRecord failed = round_of(200);
  failed.failure = Failure{.layer = Layer::driver, .reason = Reason::not_ready, .phase = Phase::map};
  kept.spans.take(to_json(failed));
  CHECK(kept.lifecycles().back().failure);
  kept.spans.take(to_json(round_of(201, "torch_symm_mem", 2)));
  const auto list = kept.lifecycles();
  CHECK(list.back().count == 1);
  CHECK(list.back().iteration == 201);
  std::uint64_t all = 0;
  for (const auto& span : list) all += span.count;
  CHECK(all == 202);
  const auto before = kept.records.size();
  for (std::uint64_t i = 0; i < 30; ++i) kept.spans.take(to_json(round_of(i, "cuda_ipc", 3)));
  CHECK(kept.records.size() == before + 30);
}

TEST_CASE("a lifecycle that cannot be read is passed on for the report to tell") {
  Kept kept;
  Json record = to_json(round_of(0));
  record["phases"] = 7;
  kept.spans.take(record);
  REQUIRE(kept.records.size() == 1);
  CHECK(kept.records[0] == record);
}
