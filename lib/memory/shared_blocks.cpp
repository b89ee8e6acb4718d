#include "memory/shared_blocks.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <utility>

#include "core/error.hpp"
#include "device/stream.hpp"

namespace symmbench {
namespace {

/// Runs each step whatever the others did, and keeps the first failure.
class KeepGoing {
 public:
  template <class Step>
  void operator()(const Step& step) {
    try {
      step();
    } catch (const std::exception&) {
      if (!first_) first_ = std::current_exception();
    }
  }
  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::exception_ptr first_;
};

}  // namespace

SharedBlocks::SharedBlocks(Blocks blocks, SharedMemoryFacts facts, TeardownOrder order, int own, int world_rank)
    : blocks_(std::move(blocks)), facts_(std::move(facts)), order_(order), own_(own), world_rank_(world_rank) {}

SharedBlocks::~SharedBlocks() {
  if (closed_) return;
  std::fprintf(stderr, "symmbench: warning: rank %d: symmetric memory of %llu bytes destroyed without close()\n",
               world_rank_, static_cast<unsigned long long>(facts_.requested_bytes));
  try {
    tear_down();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "symmbench: warning: rank %d: %s\n", world_rank_, error.what());
  }
}

DevicePtr SharedBlocks::data(int group_rank) const {
  if (closed_ || group_rank < 0 || group_rank >= static_cast<int>(blocks_.mappings.size())) {
    throw Error({.layer = Layer::memory,
                 .reason = closed_ ? Reason::illegal_state : Reason::invalid_argument,
                 .detail = fmt::format("block of group rank {} asked from symmetric memory {} {} ranks", group_rank,
                                       closed_ ? "already closed, of" : "of", blocks_.mappings.size())});
  }
  return blocks_.mappings[group_rank].address() + facts_.data_offset;
}

void SharedBlocks::close(const PhaseContext& context) {
  if (closed_) return;
  closed_ = true;
  // Clean up even when a peer never came to the barrier: an import keeps the peer's view of these bytes alive.
  collective_phase(context, Phase::close, [&] {
    KeepGoing keep_going;
    keep_going([&] { barrier(context.comm, "close: nobody uses the memory any more"); });
    keep_going([&] { tear_down(); });
    keep_going.rethrow();
  });
}

void SharedBlocks::tear_down() {
  KeepGoing keep_going;
  const int ranks = static_cast<int>(blocks_.mappings.size());
  const auto give_back = [&](int r) {
    if (order_ == TeardownOrder::release_then_unmap) keep_going([&] { blocks_.memory[r].close(); });
    keep_going([&] { blocks_.mappings[r].close(); });
    if (order_ == TeardownOrder::unmap_then_release) keep_going([&] { blocks_.memory[r].close(); });
  };
  for (int r = 0; r < ranks; ++r) {
    if (order_ == TeardownOrder::release_then_unmap || r != own_) give_back(r);
  }
  if (order_ == TeardownOrder::unmap_then_release) give_back(own_);
  // A mapping that the driver would not unmap gets a second try here, so that its range can go as well.
  blocks_.mappings.clear();
  for (auto& range : blocks_.ranges) keep_going([&] { range.close(); });
  blocks_.memory.clear();
  blocks_.ranges.clear();
  keep_going.rethrow();
}

void require_possible(std::uint64_t requested_bytes) {
  constexpr std::uint64_t kMost = 1ull << 47;  // what a process can address
  if (requested_bytes > 0 && requested_bytes <= kMost) return;
  throw Error({.layer = Layer::memory,
               .reason = Reason::invalid_argument,
               .detail = fmt::format("symmetric memory of {} bytes: 1 to {} are possible", requested_bytes, kMost)});
}

void zero_memory(Driver& driver, DevicePtr address, std::uint64_t bytes) {
  const auto stream = driver.make_stream();
  stream->fill(address, 0, bytes / sizeof(std::uint32_t));
  stream->synchronize();
}

}  // namespace symmbench
