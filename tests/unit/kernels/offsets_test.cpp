// What larger memory than a test has would show: offsets beyond 2 GiB, and accesses that must never be made.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "kernels/host/host_blocks.hpp"
#include "support/contains.hpp"
#include "support/failures.hpp"
#include "support/flat_ranks.hpp"

using namespace symmbench;
using namespace symmbench::test;

namespace {

/// Offsets in the Lamport segment that a call used. One thread runs it.
struct Offsets {
  std::vector<std::uint64_t> sent, polled, cleared;
};

/// No Lamport segment is behind it: what is polled is there, and zero.
struct RecordsOffsets : HostOps {
  RecordsOffsets(const WorkspaceView& view, Offsets& to) : HostOps(view), offsets(to) {}
  void send(const Target& target, std::uint64_t slot_offset, const Packet&) {
    offsets.sent.push_back(target.offset + slot_offset);
  }
  template <class World>
  void send_to_all(const Targets<World>& targets, std::uint64_t slot_offset, const Packet&) {
    offsets.sent.push_back(targets.offset + slot_offset);
  }
  Packet poll(std::uint64_t offset) {
    offsets.polled.push_back(offset);
    return Packet{};
  }
  void clear(std::uint64_t offset) { offsets.cleared.push_back(offset); }

  Offsets& offsets;
};

/// A call of rank 1 of 8 in `slot`, after one that left 8 regions of 4 packets.
template <Algorithm kAlgorithm>
Offsets offsets_of(std::uint64_t slot_bytes, std::uint32_t slot) {
  const CallShape shape{.algorithm = kAlgorithm, .dtype = DType::bf16, .world_size = 8, .tokens = 1, .hidden = 256};
  ControlBlock control{};
  control.slot = slot;
  control.dirty = {8, 4};
  control.slot_bytes = slot_bytes;
  WorkspaceView view;
  view.rank = 1;
  view.world_size = 8;
  view.control = reinterpret_cast<std::uint64_t>(&control);
  view.slot_bytes = slot_bytes;
  DeviceBytes input(shape.message_bytes()), output(shape.message_bytes());
  AllreduceCall call{.shape = shape, .view = &view, .input = input.address()};
  call.outputs[OutputKind::allreduce] = output.address();
  Offsets offsets;
  RecordsOffsets ops(view, offsets);
  host::run_block<RecordsOffsets, Bf16, PatternCode<Pattern::allreduce>, kAlgorithm>(ops, AnyWorld{8}, call, view, 0,
                                                                                     1);
  return offsets;
}

bool all_within(const std::vector<std::uint64_t>& offsets, std::uint64_t first, std::uint64_t bytes) {
  return !offsets.empty() && std::all_of(offsets.begin(), offsets.end(), [&](std::uint64_t offset) {
    return first <= offset && offset + kPacketBytes <= first + bytes;
  });
}

}  // namespace

TEST_CASE("Slots that lie beyond 2 and 4 GiB are sent to, polled and cleared where they are") {
  // A message of 16384 x 7168 on 8 ranks, the largest slot, and one that no 32 bits can count.
  const std::uint64_t slot_bytes = GENERATE(1879048192ull, 2046ull << 20, 6ull << 30);
  const std::uint32_t slot = GENERATE(0u, 1u, 2u);
  const auto algorithm = GENERATE(Algorithm::one_shot, Algorithm::two_shot);
  CAPTURE(slot_bytes, slot, name_of(algorithm));
  const Offsets offsets = algorithm == Algorithm::one_shot ? offsets_of<Algorithm::one_shot>(slot_bytes, slot)
                                                           : offsets_of<Algorithm::two_shot>(slot_bytes, slot);
  CHECK(all_within(offsets.sent, slot * slot_bytes, slot_bytes));
  CHECK(all_within(offsets.polled, slot * slot_bytes, slot_bytes));
  CHECK(all_within(offsets.cleared, (slot + 2) % 3 * slot_bytes, slot_bytes));
  CHECK(offsets.cleared.size() == 7 * 4);
}

TEST_CASE("A call that lacks an output or a constant of its pattern is refused by its name before it is launched") {
  for (const PatternSpec& spec : pattern_specs()) {
    const CallShape shape{.pattern = spec.pattern, .world_size = 2, .tokens = 2, .hidden = 512};
    FlatRanks ranks(layout_for(shape));
    RankBatch batch(shape, InputKind::exact, 2, 1);
    const AllreduceCall whole = batch.call(shape, ranks.view(0), 0);
    const auto refusal = [&](const AllreduceCall& call) {
      return failure_of([&] { ranks.kernels().allreduce(ranks.stream(0), call); }).detail;
    };
    for (const OutputSpec& output : spec.outputs) {
      AllreduceCall call = whole;
      call.outputs[output.kind] = 0;
      CAPTURE(name_of(spec.pattern), output.name);
      CHECK(contains(refusal(call), std::string(output.name) + " at 0x0"));
    }
    for (const ConstantSpec& constant : spec.constants) {
      AllreduceCall call = whole;
      call.constants[constant.kind] = 8;
      CAPTURE(name_of(spec.pattern), constant.name);
      CHECK(contains(refusal(call), std::string(constant.name) + " at 0x8 is not aligned"));
    }
    AllreduceCall call = whole;
    call.input = 0;
    CHECK(contains(refusal(call), "input at 0x0"));
  }
}
