#include "memory/handle_trial.hpp"

#include <fmt/format.h>

#include <vector>

#include "core/error.hpp"
#include "device/stream.hpp"
#include "memory/allocators.hpp"
#include "memory/rendezvous.hpp"
#include "memory/retry_not_ready.hpp"
#include "memory/vmm.hpp"

namespace symmbench {
namespace {

constexpr std::uint64_t kWordBytes = sizeof(std::uint32_t);

/// In every block: word 0 is its owner's mark, word 1 + r is what rank r stored there from afar.
std::uint32_t mark_of(int group_rank) { return 0x7A100000u + static_cast<std::uint32_t>(group_rank); }

std::vector<std::uint32_t> read_block(Stream& stream, DevicePtr block, std::uint64_t words) {
  std::vector<std::uint32_t> values(words);
  stream.copy(values.data(), to_pointer(block), words * kWordBytes);
  stream.synchronize();
  return values;
}

void require_mark(std::uint32_t got, int expected_rank, const std::string& where) {
  if (got == mark_of(expected_rank)) return;
  throw Error({.layer = Layer::memory,
               .reason = Reason::wrong_data,
               .detail = fmt::format("{}: expected {:#010x}, got {:#010x}", where, mark_of(expected_rank), got)});
}

/// Collective: every rank stores into and loads from every peer.
void prove_access(const PhaseContext& context, Driver& driver, const SharedMemory& memory) {
  auto& comm = context.comm;
  const int own = comm.rank();
  const auto words = 1 + static_cast<std::uint64_t>(comm.size());
  std::unique_ptr<Stream> stream;
  collective_phase(context, Phase::verify, [&] {
    stream = driver.make_stream();
    stream->fill(memory.data(own), mark_of(own), 1);
    for (int r = 0; r < comm.size(); ++r) {
      about_peer(comm, r, [&] { stream->fill(memory.data(r) + (1 + own) * kWordBytes, mark_of(own), 1); });
    }
    stream->synchronize();
  });
  collective_phase(context, Phase::verify, [&] {
    for (int r = 0; r < comm.size(); ++r) {
      about_peer(comm, r,
                 [&] { require_mark(read_block(*stream, memory.data(r), 1)[0], r, "the mark in a peer's block"); });
    }
    const auto block = read_block(*stream, memory.data(own), words);
    for (int r = 0; r < comm.size(); ++r) {
      about_peer(comm, r, [&] { require_mark(block[1 + r], r, "what a peer stored here"); });
    }
  });
}

/// A call that the system refused between ranks says nothing about the handle type: this attempt has failed.
bool cut_short(const Failure& failure) {
  return failure.layer == Layer::comm && failure.reason == Reason::io_error && failure.code.has_value();
}

}  // namespace

std::optional<Failure> self_test(Driver& driver, HandleType type) {
  try {
    const AllocationSpec spec{.handle = type};
    const auto bytes = driver.granularity(spec, Granularity::recommended);
    const auto memory = PhysicalMemory::create(driver, bytes, spec);
    PhysicalMemory::import_from(driver, bytes, memory.export_handle());
    return std::nullopt;
  } catch (const Error& error) {
    return error.failure();
  }
}

HandleFacts tested_handle_facts(Driver& driver, int world_rank) {
  HandleFacts facts = local_handle_facts(driver, world_rank);
  const auto failure = self_test(driver, HandleType::fabric);
  facts.fabric_self_test = !failure;
  if (failure) facts.self_test_failure = fact_text(describe(*failure));
  return facts;
}

HandleTrial trial_handle(const PhaseContext& context, Driver& driver, AllocatorKind allocator, HandleType type) {
  const auto maker = mode_of(allocator).make();
  std::unique_ptr<SharedMemory> memory;
  HandleTrial trial{.allocator = allocator, .type = type, .passed = true};
  const auto attempt = [&](const auto& step) {
    try {
      step();
    } catch (const PhaseFailed& failed) {
      if (cut_short(failed.failure())) throw;
      if (trial.passed) trial.failure = failed.failure();
      trial.passed = false;
    }
  };
  attempt([&] {
    const auto bytes = (1 + static_cast<std::uint64_t>(context.comm.size())) * kWordBytes;
    retry_not_ready(
        context, [&] { memory = maker->allocate(context, driver, bytes, type); },
        [&](const Failure& failure) { trial.retried.push_back(failure); });
    prove_access(context, driver, *memory);
  });
  if (memory) attempt([&] { memory->close(context); });
  return trial;
}

HandleDecision resolve_handle(const PhaseContext& context, Driver& driver, std::string_view asked,
                              AllocatorKind allocator, std::span<const AllocatorKind> compared, HandleFacts mine) {
  if (asked == "upstream" && !mine.fabric_self_test) {
    const auto failure = self_test(driver, HandleType::fabric);
    mine.fabric_self_test = !failure;
    if (failure) mine.self_test_failure = fact_text(describe(*failure));
  }
  const auto facts = allgather_value(context.comm, "create: facts for the handle type", mine);
  std::vector<HandleTrial> trials;
  for (const auto type : handles_to_try(asked, allocator, facts)) {
    trials.push_back(trial_handle(context, driver, allocator, type));
    if (!trials.back().passed) continue;
    if (asked == "auto") {
      for (const auto other : compared) {
        if (other == allocator || !can_travel_by(other, type)) continue;
        trials.push_back(trial_handle(context, driver, other, type));
      }
    }
    if (proved_for_all(type, allocator, trials)) break;
  }
  HandleDecision decision = decide_handle(asked, allocator, facts, trials);
  decision.trials = std::move(trials);
  return decision;
}

}  // namespace symmbench
