#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "device/faulty/faulty_driver.hpp"
#include "device/host/host_driver.hpp"
#include "device/stream.hpp"
#include "memory/allocators.hpp"
#include "support/ledger_driver.hpp"
#include "support/thread_ranks.hpp"

namespace symmbench::test {

/// What one rank of an allocator test holds.
struct RankBench {
  Communicator& comm;
  FaultyDriver& driver;
  Ledger& ledger;
  PhaseContext context{comm};
};

/// Runs `body` on `ranks` threads, each with an emulated device of its own; `faulty_rank`'s driver fails as told.
/// The ledgers say afterwards what was not given back.
struct AllocatorWorld {
  int ranks = 4;
  HostDriverOptions options{.fabric_supported = true};
  std::function<HostDriverOptions(int rank)> options_of = {};  ///< where ranks differ
  int faulty_rank = -1;
  std::vector<DriverFault> faults;
  std::vector<Ledger> ledgers;
  std::vector<std::uint64_t> injected;

  std::vector<std::optional<Failure>> run(const std::function<void(RankBench&)>& body) {
    ledgers.assign(ranks, {});
    injected.assign(ranks, 0);
    return failures_of_ranks(ranks, [&](int rank, Communicator& comm) {
      FaultyDriver driver(std::make_unique<LedgerDriver>(
                              std::make_unique<HostDriver>(options_of ? options_of(rank) : options), ledgers[rank]),
                          rank == faulty_rank ? faults : std::vector<DriverFault>{});
      RankBench bench{comm, driver, ledgers[rank]};
      try {
        body(bench);
      } catch (...) {
        injected[rank] = driver.injected();
        throw;
      }
      injected[rank] = driver.injected();
    });
  }
  bool balanced() const {
    for (const auto& ledger : ledgers) {
      if (!ledger.balanced()) return false;
    }
    return true;
  }
};

/// Notes in the ledger when this rank meets the others.
class NotingCommunicator final : public Communicator {
 public:
  NotingCommunicator(Communicator& inner, Ledger& ledger) : inner_(inner), ledger_(ledger) {}
  int rank() const override { return inner_.rank(); }
  int size() const override { return inner_.size(); }
  int world_rank(int group_rank) const override { return inner_.world_rank(group_rank); }
  std::vector<Blob> allgather(std::string_view step, std::span<const std::byte> mine) override {
    ledger_.calls.emplace_back("allgather");
    return inner_.allgather(step, mine);
  }
  std::unique_ptr<Communicator> split(int group_size) override { return inner_.split(group_size); }
  std::unique_ptr<Communicator> among(std::span<const int> group_ranks, std::uint64_t which) override {
    return inner_.among(group_ranks, which);
  }
  std::chrono::nanoseconds step_timeout() const override { return inner_.step_timeout(); }

 private:
  Communicator& inner_;
  Ledger& ledger_;
};

inline std::uint32_t& word_at(DevicePtr address) { return *static_cast<std::uint32_t*>(to_pointer(address)); }

}  // namespace symmbench::test
