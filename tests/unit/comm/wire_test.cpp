#include "comm/wire.hpp"

#include <catch2/catch_test_macros.hpp>
#include <limits>

#include "comm/round_messages.hpp"

using namespace symmbench;

namespace {

const RoundId kId{.scope = {.group = 3, .attempt = 2, .lineage = 0x1234567890abcdef, .first_rank = 8, .size = 3},
                  .epoch = 17,
                  .index = kVoteIndex};
const Failure kFull{.layer = Layer::driver,
                    .reason = Reason::out_of_memory,
                    .call = "cuMemCreate",
                    .detail = std::string("bytes \xff\x00 that are no text", 25),
                    .phase = Phase::create,
                    .rank = 9,
                    .peer = 0,
                    .code = std::numeric_limits<int>::min()};

void check_same(const Failure& one, const Failure& other) {
  CHECK(one.layer == other.layer);
  CHECK(one.reason == other.reason);
  CHECK(one.call == other.call);
  CHECK(one.detail == other.detail);
  CHECK(one.phase == other.phase);
  CHECK(one.rank == other.rank);
  CHECK(one.peer == other.peer);
  CHECK(one.code == other.code);
}

/// Every proper prefix, and one byte too many, must be refused as corrupted.
template <class Decode>
void check_refuses_damage(const Blob& message, Decode decode) {
  const auto refuses = [&](std::span<const std::byte> damaged) {
    try {
      decode(damaged);
      return false;
    } catch (const Error& error) {
      return error.failure().reason == Reason::corrupted;
    }
  };
  int accepted = 0;
  for (std::size_t length = 0; length < message.size(); ++length) {
    accepted += !refuses(std::span(message).first(length));
  }
  CHECK(accepted == 0);
  Blob longer = message;
  longer.push_back(std::byte{0});
  CHECK(refuses(longer));
}

}  // namespace

TEST_CASE("a failure survives the wire, full and empty") {
  for (const Failure& failure : {kFull, Failure{}}) {
    const Blob ballot = encode_ballot(failure);
    const auto back = decode_ballot(ballot);
    REQUIRE(back);
    check_same(*back, failure);
  }
  CHECK(encode_ballot(std::nullopt).empty());
  CHECK_FALSE(decode_ballot({}));
}

TEST_CASE("contributions and results survive the wire") {
  const Contribution sent{.round = kId, .rank = 10, .step = "map: vote", .payload = Blob(5000, std::byte{7})};
  const auto contribution = decode_contribution(encode(sent));
  CHECK(contribution.round == kId);
  CHECK(contribution.rank == 10);
  CHECK(contribution.step == "map: vote");
  CHECK(contribution.payload == sent.payload);

  const std::vector<Blob> blobs{Blob(1, std::byte{1}), Blob(), Blob(3000, std::byte{3})};
  const auto complete = decode_result(encode(RoundResult{kId, blobs}));
  CHECK(complete.round == kId);
  CHECK(std::get<std::vector<Blob>>(complete.outcome) == blobs);
  check_same(std::get<Failure>(decode_result(encode(RoundResult{kId, kFull})).outcome), kFull);
}

TEST_CASE("a round of ranks that are no neighbours survives the wire, and one that lists too few is refused") {
  RoundId id = kId;
  id.scope.members = {8, 11, 30};
  const Contribution sent{.round = id, .rank = 30, .step = "map", .payload = {}};
  CHECK(decode_contribution(encode(sent)).round == id);
  CHECK_THROWS_AS(decode_contribution(encode(Contribution{.round = id, .rank = 9, .step = "s", .payload = {}})), Error);
  id.scope.members.pop_back();
  CHECK_THROWS_AS(decode_contribution(encode(Contribution{.round = id, .rank = 8, .step = "s", .payload = {}})), Error);
}

TEST_CASE("cut off and overlong messages are refused at every length") {
  // A ballot of no bytes is a valid one: all is well. So it is left out of the prefixes.
  const Blob ballot = encode_ballot(kFull);
  check_refuses_damage(ballot, [](auto bytes) {
    WireReader reader(bytes, "failure");
    read_failure(reader);
    reader.expect_end();
  });
  check_refuses_damage(encode(Contribution{.round = kId, .rank = 8, .step = "step", .payload = Blob(9)}),
                       [](auto bytes) { decode_contribution(bytes); });
  check_refuses_damage(encode(RoundResult{kId, std::vector<Blob>(3, Blob(4))}),
                       [](auto bytes) { decode_result(bytes); });
  check_refuses_damage(encode(RoundResult{kId, kFull}), [](auto bytes) { decode_result(bytes); });
}

TEST_CASE("a contribution of a rank outside its round is refused") {
  CHECK_THROWS_AS(decode_contribution(encode(Contribution{.round = kId, .rank = 11, .step = "s", .payload = {}})),
                  Error);
  CHECK_THROWS_AS(decode_contribution(encode(Contribution{.round = kId, .rank = 7, .step = "s", .payload = {}})),
                  Error);
  CHECK_THROWS_AS(decode_contribution(encode(Contribution{.round = kId, .rank = -1, .step = "s", .payload = {}})),
                  Error);
}

TEST_CASE("absurd sizes are refused before memory is asked for") {
  WireWriter writer;
  writer.u64(std::numeric_limits<std::uint64_t>::max());
  const Blob message = writer.take();
  WireReader reader(message, "text");
  CHECK_THROWS_AS(reader.text(), Error);

  RoundId absurd = kId;
  absurd.scope.size = std::numeric_limits<std::uint32_t>::max();
  absurd.scope.first_rank = 0;
  CHECK_THROWS_AS(decode_contribution(encode(Contribution{.round = absurd, .rank = 1, .step = "s", .payload = {}})),
                  Error);
}

TEST_CASE("an enumeration value without a name is refused") {
  Blob ballot = encode_ballot(kFull);
  ballot[0] = std::byte{200};
  CHECK_THROWS_AS(decode_ballot(ballot), Error);
}
