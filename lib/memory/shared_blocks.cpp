#include "memory/shared_blocks.hpp"

#include <cstdio>
#include <exception>
#include <iterator>
#include <utility>

#include "device/stream.hpp"
#include "memory/keep_going.hpp"

namespace symmbench {

SharedBlocks::SharedBlocks(Blocks blocks, SharedMemoryFacts facts, TeardownOrder order, int own, int world_rank)
    : blocks_(std::move(blocks)), facts_(std::move(facts)), order_(order), own_(own), world_rank_(world_rank) {}

SharedBlocks::~SharedBlocks() {
  if (closed_) return;
  // On the way out of a failure nobody can close together any more, and that failure is what is told.
  if (std::uncaught_exceptions() == 0) {
    std::fprintf(stderr, "symmbench: warning: rank %d: symmetric memory of %llu bytes destroyed without close()\n",
                 world_rank_, static_cast<unsigned long long>(facts_.requested_bytes));
  }
  try {
    give_back(nullptr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "symmbench: warning: rank %d: %s\n", world_rank_, error.what());
  }
}

DevicePtr SharedBlocks::data(int group_rank) const {
  require_block(group_rank, static_cast<int>(blocks_.mappings.size()), closed_);
  return blocks_.mappings[group_rank].address() + facts_.data_offset;
}

std::optional<DevicePtr> SharedBlocks::multicast() const {
  if (blocks_.multicast.address() == 0) return std::nullopt;
  return blocks_.multicast.address() + facts_.data_offset;
}

void SharedBlocks::give_back(Communicator*) {
  if (closed_) return;
  KeepGoing keep_going;
  std::vector<AddressRange> ranges;
  keep_going([&] { ranges = detach(); });
  ranges.insert(ranges.end(), std::make_move_iterator(blocks_.ranges.begin()),
                std::make_move_iterator(blocks_.ranges.end()));
  blocks_.ranges.clear();
  for (auto& range : ranges) keep_going([&] { range.close(); });
  keep_going.rethrow();
}

std::vector<AddressRange> SharedBlocks::detach() {
  closed_ = true;
  KeepGoing keep_going;
  const int ranks = static_cast<int>(blocks_.mappings.size());
  // First: unbinding after the memory was released fails on some GPUs.
  keep_going([&] { blocks_.multicast.close(); });
  const auto give_back_of = [&](int r) {
    if (order_ == TeardownOrder::release_then_unmap) keep_going([&] { blocks_.memory[r].close(); });
    keep_going([&] { blocks_.mappings[r].close(); });
    if (order_ == TeardownOrder::unmap_then_release) keep_going([&] { blocks_.memory[r].close(); });
  };
  for (int r = 0; r < ranks; ++r) {
    if (order_ == TeardownOrder::release_then_unmap || r != own_) give_back_of(r);
  }
  if (order_ == TeardownOrder::unmap_then_release) give_back_of(own_);
  // A mapping that the driver would not unmap gets a second try here, so that its range can go as well.
  blocks_.mappings.clear();
  blocks_.memory.clear();
  keep_going.rethrow();
  return std::move(blocks_.ranges);
}

void zero_memory(Driver& driver, std::span<const ZeroZone> zones) {
  const auto stream = driver.make_stream();
  for (const auto& [address, bytes] : zones) stream->fill(address, 0, bytes / sizeof(std::uint32_t));
  stream->synchronize();
}

}  // namespace symmbench
