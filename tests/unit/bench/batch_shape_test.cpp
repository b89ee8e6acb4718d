#include <catch2/catch_test_macros.hpp>

#include "bench/batch_ring.hpp"

using namespace symmbench;

namespace {

Case plain(std::uint64_t message_bytes) {
  Case bench_case;
  bench_case.shape = {.dtype = DType::bf16, .world_size = 4, .tokens = 1, .hidden = message_bytes / 2};
  return bench_case;
}

}  // namespace

TEST_CASE("every iteration of a batch has a slot of its own while the ring fits its budget") {
  const BatchShape shape = batch_shape(plain(1 << 20), false);
  CHECK(shape.iterations == 50);
  CHECK(shape.buffers == shape.iterations);
  CHECK(shape.checked_every() == 1);
}

TEST_CASE("a batch that would be too long is split in equal parts, with a slot of its own for each that fits") {
  Case asked = plain(16 << 20);
  asked.cudagraph = asked.iters.emplace(10000);
  const BatchShape whole = batch_shape(asked, true);
  CHECK(whole.iterations == 10000);
  const BatchShape part = batch_shape(asked, true, 1515);
  CHECK(part.iterations == 1429);
  CHECK(part.buffers == whole.buffers);
  const BatchShape few = batch_shape(asked, true, 3);
  CHECK(few.iterations == 3);
  CHECK(few.buffers == 3);
  CHECK(batch_shape(asked, true, 1).iterations == 1);
  CHECK(batch_shape(plain(1 << 20), false, 1'000'000).iterations == 50);
}

TEST_CASE("before anything is measured an iteration is assumed by its bytes, and for emulated ranks by their number") {
  CHECK(assumed_iteration_s(plain(1 << 24), true) > 10 * assumed_iteration_s(plain(1 << 10), true));
  CHECK(assumed_iteration_s(plain(1 << 10), true) > assumed_iteration_s(plain(1 << 10), false));
}

TEST_CASE("a shared ring is prime to the Lamport slots, so that a stale packet meets another input") {
  for (std::uint64_t message = 1 << 20; message <= (1 << 28); message += 1 << 20) {
    const BatchShape shape = batch_shape(plain(message), false);
    CHECK(shape.buffers >= 2);
    if (shape.buffers < shape.iterations) CHECK(shape.buffers % kLamportSlots != 0);
    CHECK(shape.checked_every() * shape.buffers >= shape.iterations);
  }
}

TEST_CASE(
    "a batch goes round as many buffers as were asked for, one fewer where that were a multiple of the Lamport slots") {
  Case bench_case = plain(1 << 20);
  const auto slots_with = [&](std::uint32_t buffers) {
    bench_case.buffers = buffers;
    const BatchShape shape = batch_shape(bench_case, false);
    CHECK(shape.iterations == 50);
    return shape.buffers;
  };
  CHECK(slots_with(5) == 5);
  CHECK(batch_shape(bench_case, false).checked_every() == 10);
  CHECK(slots_with(6) == 5);
  CHECK(slots_with(3) == 2);
  CHECK(slots_with(2) == 2);
  CHECK(slots_with(100) == 50);
}

TEST_CASE("buffers that were asked for do not make a ring larger than its budget") {
  Case bench_case = plain(1 << 26);
  const auto fitting = batch_shape(bench_case, false).buffers;
  bench_case.buffers = 100;
  CHECK(batch_shape(bench_case, false).buffers == fitting);
}

TEST_CASE("an in-place batch never uses a slot twice") {
  Case bench_case = plain(1 << 26);
  bench_case.shape.in_place = true;
  bench_case.cudagraph = 50;
  const BatchShape shape = batch_shape(bench_case, false);
  CHECK(shape.buffers == shape.iterations);
}

TEST_CASE("a batch is no longer than the iterations that were asked for") {
  Case bench_case = plain(1024);
  bench_case.iters = 3;
  CHECK(batch_shape(bench_case, false).iterations == 3);
}
