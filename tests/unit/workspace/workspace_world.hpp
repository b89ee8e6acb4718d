#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "device/faulty/faulty_driver.hpp"
#include "device/host/host_driver.hpp"
#include "device/stream.hpp"
#include "kernels/host/host_kernels.hpp"
#include "memory/allocators.hpp"
#include "support/any_allocator.hpp"
#include "support/capacity_of.hpp"
#include "support/ledger_driver.hpp"
#include "support/thread_ranks.hpp"
#include "workspace/workspace.hpp"

namespace symmbench::test {

/// What one rank of a workspace test holds; tests may put decorators in front of `allocator` and `kernels`.
struct RankBench {
  Communicator& comm;
  Driver& driver;
  Stream& stream;
  KernelSet& kernels;
  Allocator& allocator;
  WorkspaceSpec spec;
  GiveUpRecord& give_up;
  PhaseContext context{comm};

  std::unique_ptr<Workspace> create() { return Workspace::create(context, allocator, driver, stream, kernels, spec); }
};

/// Runs `body` on `ranks` threads, each with its own emulated device, stream and kernels.
struct WorkspaceWorld {
  int ranks = 4;
  std::uint64_t message_bytes = 64 * 1024;
  DType dtype = DType::bf16;
  std::string allocator = "symm_device_memory";
  WorkspaceKind kind = WorkspaceKind::trtllm_fusion;
  std::optional<HandleType> handle;  ///< nullopt: one that every emulated device offers
  int faulty_rank = -1;
  std::vector<DriverFault> faults;
  std::vector<Ledger> ledgers;

  std::vector<std::optional<Failure>> run(const std::function<void(RankBench&)>& body) {
    ledgers.assign(ranks, {});
    return failures_of_ranks(ranks, [&](int rank, Communicator& comm) {
      auto host = std::make_unique<HostDriver>(HostDriverOptions{.fabric_supported = true});
      // Faults in front of the ledger: what they keep from the device is not held either.
      FaultyDriver driver(std::make_unique<LedgerDriver>(std::move(host), ledgers[rank]),
                          rank == faulty_rank ? faults : std::vector<DriverFault>{});
      const auto stream = driver.make_stream();
      const auto kernels = make_host_kernels();
      const auto made = make_allocator(allocator);
      GiveUpRecord give_up{};
      const WorkspaceSpec spec{
          .kind = kind,
          .capacity = capacity_of(ranks, message_bytes, dtype),
          .handle = handle.value_or(plain_handle(allocator)),
          .give_up = {.record = reinterpret_cast<DevicePtr>(&give_up), .wait_limit = std::chrono::seconds(30)}};
      RankBench bench{comm, driver, *stream, *kernels, *made, spec, give_up};
      body(bench);
    });
  }
  bool balanced() const {
    for (const auto& ledger : ledgers) {
      if (!ledger.balanced()) return false;
    }
    return true;
  }
};

inline std::uint32_t& word_at(DevicePtr address) { return *static_cast<std::uint32_t*>(to_pointer(address)); }

/// Passes every call on; tests override one to break it.
class KernelsDecorator : public KernelSet {
 public:
  explicit KernelsDecorator(KernelSet& inner) : inner_(inner) {}
  std::optional<std::string> unsupported(const CallShape& shape) const override { return inner_.unsupported(shape); }
  LaunchShape launch_shape(const CallShape& shape) const override { return inner_.launch_shape(shape); }
  void allreduce(Stream& stream, const AllreduceCall& call) override { inner_.allreduce(stream, call); }
  void device_barrier(Stream& stream, const RankView& view, const SegmentView& flags) override {
    inner_.device_barrier(stream, view, flags);
  }
  void fill_inputs(Stream& stream, const BatchView& batch, const CheckCall& call) override {
    inner_.fill_inputs(stream, batch, call);
  }
  void fill_constants(Stream& stream, const BatchView& batch, const CheckCall& call) override {
    inner_.fill_constants(stream, batch, call);
  }
  void check(Stream& stream, const BatchView& batch, const CheckCall& call, std::uint64_t advance) override {
    inner_.check(stream, batch, call, advance);
  }
  void scan(Stream& stream, DevicePtr data, std::uint64_t words, std::uint32_t pattern, DevicePtr count) override {
    inner_.scan(stream, data, words, pattern, count);
  }
  void write_word(Stream& stream, DevicePtr to, std::uint32_t value) override { inner_.write_word(stream, to, value); }
  void read_words(Stream& stream, std::span<const DevicePtr> from, DevicePtr to) override {
    inner_.read_words(stream, from, to);
  }

 private:
  KernelSet& inner_;
};

}  // namespace symmbench::test
