#include "comm/rounds.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "comm/wire.hpp"

using namespace symmbench;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

const Clock::time_point kStart{};

Blob blob(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return Blob(bytes.begin(), bytes.end());
}

/// A table for one attempt of three ranks, and its ranks' cursors.
struct Fixture {
  explicit Fixture(int size = 3) : table(10s) {
    for (int rank = 0; rank < size; ++rank) cursors.emplace_back(RoundScope{.size = static_cast<std::uint32_t>(size)});
    table.open_attempt(0, 0);
  }
  std::vector<Answer> come(int rank, const std::string& step, Clock::time_point now = kStart) {
    return table.contribute({.round = cursors[rank].next(step),
                             .rank = rank,
                             .step = step,
                             .payload = is_vote(step) ? Blob() : blob(std::to_string(rank))},
                            now);
  }
  RoundTable table;
  std::vector<RoundCursor> cursors;
};

const Failure& failure_of(const Answer& answer) { return std::get<Failure>(answer.outcome); }
const std::vector<Blob>& blobs_of(const Answer& answer) { return std::get<std::vector<Blob>>(answer.outcome); }
const Failure kCrash{.layer = Layer::worker, .reason = Reason::crashed, .detail = "killed", .code = 11};

}  // namespace

TEST_CASE("a round is answered when its last member comes, to all of them, in rank order") {
  Fixture fixture;
  CHECK(fixture.come(2, "a").empty());
  CHECK(fixture.come(0, "a").empty());
  const auto answers = fixture.come(1, "a");
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].to == std::vector<int>{0, 1, 2});
  CHECK(answers[0].missing.empty());
  CHECK(blobs_of(answers[0]) == std::vector<Blob>{blob("0"), blob("1"), blob("2")});
  CHECK_FALSE(fixture.table.next_deadline());
}

TEST_CASE("a second contribution of a rank to one round is ignored") {
  Fixture fixture;
  Contribution twice{.round = fixture.cursors[0].next("a"), .rank = 0, .step = "a", .payload = blob("first")};
  CHECK(fixture.table.contribute(twice, kStart).empty());
  twice.payload = blob("second");
  CHECK(fixture.table.contribute(twice, kStart).empty());
  fixture.come(1, "a");
  CHECK(blobs_of(fixture.come(2, "a").at(0))[0] == blob("first"));
}

TEST_CASE("a round whose time is up names the missing ranks, and late ranks are told the same") {
  Fixture fixture;
  fixture.come(1, "map", kStart + 5s);
  CHECK(fixture.table.next_deadline() == kStart + 15s);
  CHECK(fixture.table.expired(kStart + 14s).empty());
  const auto answers = fixture.table.expired(kStart + 15s);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].to == std::vector<int>{1});
  CHECK(answers[0].missing == std::vector<int>{0, 2});
  CHECK(failure_of(answers[0]).reason == Reason::timed_out);
  CHECK(failure_of(answers[0]).peer == 0);
  CHECK_THAT(failure_of(answers[0]).detail, ContainsSubstring("'map'") && ContainsSubstring("ranks 0, 2"));
  CHECK(fixture.table.expired(kStart + 99s).empty());
  const auto late = fixture.come(0, "map", kStart + 16s);
  REQUIRE(late.size() == 1);
  CHECK(late[0].to == std::vector<int>{0});
  CHECK(failure_of(late[0]).reason == Reason::timed_out);
}

TEST_CASE("a vote stays open twice as long as a step") {
  Fixture fixture;
  fixture.come(0, "map: vote", kStart);
  CHECK(fixture.table.next_deadline() == kStart + 20s);
}

TEST_CASE("many missing ranks are counted, not all listed") {
  Fixture fixture(72);
  fixture.come(71, "a");
  CHECK_THAT(failure_of(fixture.table.expired(kStart + 10s).at(0)).detail,
             ContainsSubstring("ranks 0, 1, 2, 3, 4, 5, 6, 7 and 63 more") && ContainsSubstring("1 of 72"));
}

TEST_CASE("different step names in one round are a disagreement for everybody, also for who comes later") {
  Fixture fixture;
  fixture.come(0, "map");
  const auto answers = fixture.come(2, "unmap");
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].to == std::vector<int>{0, 2});
  CHECK(failure_of(answers[0]).reason == Reason::disagreement);
  CHECK(failure_of(answers[0]).detail == "rank 0 is at step 'map', rank 2 at step 'unmap'");
  CHECK(failure_of(fixture.come(1, "map").at(0)).reason == Reason::disagreement);
}

TEST_CASE("a dead rank fails the round that waits for it and every later one") {
  Fixture fixture;
  fixture.come(0, "a");
  const auto answers = fixture.table.fail(0, 0, 1, kCrash);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].to == std::vector<int>{0});
  CHECK(failure_of(answers[0]).reason == Reason::peer_failed);
  CHECK(failure_of(answers[0]).peer == 1);
  CHECK_THAT(failure_of(answers[0]).detail, ContainsSubstring("crashed"));
  CHECK(failure_of(fixture.come(2, "a").at(0)).peer == 1);
  CHECK(failure_of(fixture.come(2, "b").at(0)).peer == 1);
  CHECK(failure_of(fixture.come(0, "b").at(0)).peer == 1);
  CHECK(fixture.table.fail(0, 0, 1, kCrash).empty());
}

TEST_CASE("a round in which the dead rank had already taken part still completes") {
  Fixture fixture;
  fixture.come(1, "a");
  fixture.come(0, "a");
  CHECK(fixture.table.fail(0, 0, 1, kCrash).empty());
  const auto answers = fixture.come(2, "a");
  REQUIRE(answers.size() == 1);
  CHECK(blobs_of(answers[0]).size() == 3);
  CHECK(answers[0].to == std::vector<int>{0, 2});
}

TEST_CASE("a dead rank's ballot is cast for it, in the open vote and in later ones") {
  Fixture fixture;
  fixture.come(0, "map: vote");
  CHECK(fixture.table.fail(0, 0, 1, kCrash).empty());
  for (const std::string step : {"map: vote", "close: vote"}) {
    if (step != "map: vote") fixture.come(0, step);
    const auto answers = fixture.come(2, step);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].to == std::vector<int>{0, 2});
    const auto ballot = decode_ballot(blobs_of(answers[0])[1]);
    REQUIRE(ballot);
    CHECK(ballot->reason == Reason::crashed);
    CHECK(ballot->rank == 1);
    CHECK_FALSE(decode_ballot(blobs_of(answers[0])[0]));
  }
}

TEST_CASE("the death of the last missing rank completes a vote") {
  Fixture fixture;
  fixture.come(0, "map: vote");
  fixture.come(2, "map: vote");
  const auto answers = fixture.table.fail(0, 0, 1, kCrash);
  REQUIRE(answers.size() == 1);
  CHECK(blobs_of(answers[0]).size() == 3);
}

TEST_CASE("a rank that was given up and comes back is told so at once") {
  Fixture fixture;
  fixture.table.fail(0, 0, 1, kCrash);
  const auto answers = fixture.come(1, "a");
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].to == std::vector<int>{1});
  CHECK_THAT(failure_of(answers[0]).detail, ContainsSubstring("rank 1 was given up"));
}

TEST_CASE("a rank that goes straight to the vote releases those who wait in the phase") {
  Fixture fixture;
  fixture.come(0, "names");
  fixture.come(2, "names");
  const auto answers = fixture.come(1, "exchange: vote");
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].to == std::vector<int>{0, 2});
  CHECK(failure_of(answers[0]).reason == Reason::peer_failed);
  CHECK(failure_of(answers[0]).peer == 1);
  CHECK_THAT(failure_of(answers[0]).detail, ContainsSubstring("went on to 'exchange: vote'"));
  CHECK(fixture.come(0, "exchange: vote").empty());
  const auto vote = fixture.come(2, "exchange: vote");
  REQUIRE(vote.size() == 1);
  CHECK(blobs_of(vote[0]).size() == 3);
}

TEST_CASE("a rank that comes to a round after another went to the vote is released at once") {
  Fixture fixture;
  fixture.come(1, "exchange: vote");
  CHECK(failure_of(fixture.come(0, "names").at(0)).peer == 1);
  CHECK(failure_of(fixture.come(2, "names").at(0)).peer == 1);
  fixture.come(0, "exchange: vote");
  CHECK(blobs_of(fixture.come(2, "exchange: vote").at(0)).size() == 3);
  // And the next epoch begins even for all.
  fixture.come(0, "next");
  fixture.come(1, "next");
  CHECK(blobs_of(fixture.come(2, "next").at(0)).size() == 3);
}

TEST_CASE("a rank that comes to a phase whose vote was given up does not wait again") {
  Fixture fixture;
  fixture.come(0, "map: vote");
  fixture.come(1, "map: vote");
  CHECK(fixture.table.expired(kStart + 20s).size() == 1);
  CHECK(failure_of(fixture.come(2, "inside", kStart + 21s).at(0)).reason == Reason::peer_failed);
  CHECK(failure_of(fixture.come(2, "map: vote", kStart + 21s).at(0)).reason == Reason::timed_out);
}

TEST_CASE("attempts that are not open are not served, and a new one starts clean") {
  Fixture fixture;
  fixture.come(0, "a");
  fixture.table.fail(0, 0, 1, kCrash);
  fixture.table.open_attempt(0, 1);
  CHECK_FALSE(fixture.table.next_deadline());
  CHECK(fixture.come(2, "a").empty());                 // a late message of the old attempt
  CHECK(fixture.table.fail(0, 0, 0, kCrash).empty());  // and a late death
  RoundCursor cursor(RoundScope{.attempt = 1, .size = 2});
  const RoundId id = cursor.next("a");
  CHECK(fixture.table.contribute({.round = id, .rank = 0, .step = "a", .payload = {}}, kStart).empty());
  CHECK(fixture.table.contribute({.round = id, .rank = 1, .step = "a", .payload = {}}, kStart).size() == 1);
  fixture.table.close_attempt(0);
  CHECK(fixture.table.contribute({.round = cursor.next("b"), .rank = 0, .step = "b", .payload = {}}, kStart).empty());
  CHECK_FALSE(fixture.table.next_deadline());
}

TEST_CASE("groups are independent: another group's dead rank and time do not matter") {
  RoundTable table(10s);
  table.open_attempt(0, 3);
  table.open_attempt(1, 7);
  RoundCursor low(RoundScope{.group = 0, .attempt = 3, .first_rank = 0, .size = 2});
  RoundCursor high(RoundScope{.group = 1, .attempt = 7, .first_rank = 2, .size = 2});
  const RoundId low_id = low.next("a");
  const RoundId high_id = high.next("a");
  table.contribute({.round = low_id, .rank = 0, .step = "a", .payload = {}}, kStart);
  table.contribute({.round = high_id, .rank = 3, .step = "a", .payload = {}}, kStart + 1s);
  CHECK(table.fail(1, 7, 2, kCrash).at(0).to == std::vector<int>{3});
  CHECK(table.contribute({.round = low_id, .rank = 1, .step = "a", .payload = {}}, kStart).at(0).to ==
        std::vector<int>{0, 1});
}

TEST_CASE("a dead rank fails rounds of every communicator it was a member of, and of no other") {
  Fixture fixture(4);
  std::vector<RoundCursor> halves;
  for (int rank = 0; rank < 4; ++rank) halves.emplace_back(fixture.cursors[rank].split(rank, 2));
  CHECK(halves[1].scope() == halves[0].scope());
  CHECK(halves[2].scope().first_rank == 2);
  const auto come_half = [&](int rank) {
    return fixture.table.contribute({.round = halves[rank].next("half"), .rank = rank, .step = "half", .payload = {}},
                                    kStart);
  };
  come_half(0);
  come_half(2);
  const auto answers = fixture.table.fail(0, 0, 1, kCrash);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].to == std::vector<int>{0});
  CHECK(blobs_of(come_half(3).at(0)).size() == 2);
}

TEST_CASE("a contribution of a rank outside its own round is dropped") {
  Fixture fixture;
  CHECK(fixture.table.contribute({.round = fixture.cursors[0].next("a"), .rank = 9, .step = "a", .payload = {}}, kStart)
            .empty());
  CHECK_FALSE(fixture.table.next_deadline());
}

TEST_CASE("the table does not grow with the rounds that were held") {
  Fixture fixture;
  for (int i = 0; i < 1000; ++i) {
    const std::string step = i % 3 == 2 ? "map: vote" : "a";
    fixture.come(0, step);
    fixture.come(1, step);
    CHECK(fixture.come(2, step).size() == 1);
  }
  CHECK_FALSE(fixture.table.next_deadline());
}
