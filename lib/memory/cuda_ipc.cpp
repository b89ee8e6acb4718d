#include "memory/cuda_ipc.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iterator>
#include <utility>
#include <variant>
#include <vector>

#include "core/round.hpp"
#include "memory/keep_going.hpp"
#include "memory/rendezvous.hpp"

namespace symmbench {
namespace {

constexpr Difference kIpcDifferences[] = {
    {"no check that the ranks asked for the same size", "the sizes are compared before a handle travels",
     "a rank that asked for less would be written beyond its end"},
    {"another host or OS image shows as a failure of cudaIpcOpenMemHandle",
     "it is known before anything is allocated, and both hosts are named",
     "the driver's answer, invalid value or invalid handle, names neither host nor reason"},
    {"handles travel over the process group or MPI, in waits as long as those allow", "one bounded exchange",
     "one rank that dies leaves the others waiting"},
    {"an error is an exception on the rank that met it", "each step ends in a vote; all ranks leave together",
     "the others would wait for the next collective"},
    {"FlashInfer frees the own buffer while peers have it open and never closes theirs; TensorRT-LLM closes them, then "
     "frees without asking the peers",
     "close() is collective: barrier, close the peers', free the own one when every rank has said that it closed it",
     "memory that is freed while it is open elsewhere is undefined behaviour of the driver"},
    {"TensorRT-LLM clears the buffer, FlashInfer does not", "not cleared",
     "the workspace writes its start patterns itself, whatever the allocator"},
};

/// The own block and what was opened of the peers'. Index = group rank.
class IpcMemory final : public SharedMemory {
 public:
  IpcMemory(Driver& driver, const Communicator& comm)
      : driver_(driver), own_(comm.rank()), world_rank_(comm.world_rank(comm.rank())), blocks_(comm.size()) {}
  IpcMemory(const IpcMemory&) = delete;
  IpcMemory& operator=(const IpcMemory&) = delete;
  ~IpcMemory() override;

  void allocate_own(SharedMemoryFacts facts) {
    blocks_[own_] = driver_.allocate_local(facts.allocated_bytes);
    facts_ = std::move(facts);
  }
  IpcBlob export_own() const { return driver_.export_ipc(blocks_[own_]); }
  /// From here on peers may have the own block open.
  void handle_leaves() { shared_ = true; }
  void open(int group_rank, const IpcBlob& handle) { blocks_[group_rank] = driver_.open_ipc(handle); }

  /// Collective, once every rank has met the same failure while this was built. Tells stderr what it cannot give back.
  void give_back_quietly(Communicator& comm) {
    try {
      give_back(&comm);
    } catch (const std::exception& error) {
      warn(error.what());
    }
  }

  DevicePtr data(int group_rank) const override {
    require_block(group_rank, static_cast<int>(blocks_.size()), closed_);
    return blocks_[group_rank];
  }
  const SharedMemoryFacts& facts() const override { return facts_; }
  /// Closes what is open of the peers' memory, then frees the own block if that can be open nowhere: it was never
  /// shared, or all ranks of `comm` say that they closed everything. Otherwise it stays until the process ends. What the
  /// driver refuses is tried once more.
  void give_back(Communicator* comm) override;
  bool closed() const override { return closed_; }

 private:
  void close_peers();
  int peers_open() const;
  void warn(const char* what) const { std::fprintf(stderr, "symmbench: warning: rank %d: %s\n", world_rank_, what); }

  Driver& driver_;
  int own_;
  int world_rank_;
  SharedMemoryFacts facts_;
  std::vector<DevicePtr> blocks_;  ///< 0: not there
  bool shared_ = false;
  bool closed_ = false;
};

IpcMemory::~IpcMemory() {
  if (closed_ || (blocks_[own_] == 0 && peers_open() == 0)) return;
  // On the way out of a failure nobody can close together any more, and that failure is what is told.
  if (std::uncaught_exceptions() == 0) warn("symmetric memory destroyed without close()");
  try {
    give_back(nullptr);
  } catch (const std::exception& error) {
    warn(error.what());
  }
}

void IpcMemory::give_back(Communicator* comm) {
  if (closed_) return;
  closed_ = true;
  KeepGoing keep_going;
  keep_going([&] { close_peers(); });
  bool unused = !shared_;
  if (shared_ && comm != nullptr) {
    keep_going([&] {
      const auto all = allgather_value(*comm, "close: blocks of peers still open", peers_open());
      unused = std::all_of(all.begin(), all.end(), [](int open) { return open == 0; });
    });
  }
  for (int attempt = 0; attempt < 2 && unused && blocks_[own_] != 0; ++attempt) {
    keep_going([&] {
      driver_.free_local(blocks_[own_]);
      blocks_[own_] = 0;
    });
  }
  if (blocks_[own_] != 0) warn("its own block stays allocated, for a peer may have it open");
  keep_going.rethrow();
}

void IpcMemory::close_peers() {
  KeepGoing keep_going;
  for (int attempt = 0; attempt < 2 && peers_open() > 0; ++attempt) {
    for (int r = 0; r < static_cast<int>(blocks_.size()); ++r) {
      if (r == own_ || blocks_[r] == 0) continue;
      keep_going([&] {
        driver_.close_ipc(blocks_[r]);
        blocks_[r] = 0;
      });
    }
  }
  keep_going.rethrow();
}

int IpcMemory::peers_open() const {
  int open = 0;
  for (int r = 0; r < static_cast<int>(blocks_.size()); ++r) open += r != own_ && blocks_[r] != 0 ? 1 : 0;
  return open;
}

SharedMemoryFacts ipc_layout(std::uint64_t bytes, std::uint64_t block_bytes, int ranks) {
  SharedMemoryFacts facts;
  facts.requested_bytes = bytes;
  facts.granularity_bytes = block_bytes;
  facts.allocated_bytes = round_up(bytes, block_bytes);
  facts.va_layout = "per_peer";
  facts.va_bytes = facts.allocated_bytes * ranks;
  return facts;
}

}  // namespace

HandleChoice CudaIpc::upstream_rule(const HandleFacts&) { return {HandleType::cuda_ipc, "no other way"}; }

std::span<const Difference> CudaIpc::differences() const { return kIpcDifferences; }

std::uint64_t CudaIpc::allocated_bytes(std::uint64_t requested_bytes, std::uint64_t) const {
  return round_up(requested_bytes, kBlockBytes);
}

std::vector<std::unique_ptr<SharedMemory>> CudaIpc::allocate_all(const PhaseContext& context, Driver& driver,
                                                                 std::span<const MemoryRequest> requests,
                                                                 HandleType handle) {
  auto& comm = context.comm;
  std::vector<std::unique_ptr<IpcMemory>> memory;
  for (std::size_t i = 0; i < requests.size(); ++i) memory.push_back(std::make_unique<IpcMemory>(driver, comm));
  try {
    std::vector<RendezvousRequest> rendezvous;
    collective_phase(context, Phase::create, [&] {
      for (std::size_t i = 0; i < requests.size(); ++i) {
        requests[i].about([&] {
          require_possible(kind(), requests[i].bytes, handle);
          memory[i]->allocate_own(ipc_layout(requests[i].bytes, kBlockBytes, comm.size()));
          rendezvous.push_back(request_of(memory[i]->facts(), handle));
        });
      }
    });
    std::vector<ShareableHandle> mine;
    collective_phase(context, Phase::export_handle, [&] {
      for (std::size_t i = 0; i < requests.size(); ++i) {
        requests[i].about([&] { mine.emplace_back(memory[i]->export_own()); });
      }
    });
    for (const auto& each : memory) each->handle_leaves();
    const auto handles = exchange_handles(context, rendezvous, requests, std::move(mine));
    collective_phase(context, Phase::import_handle, [&] {
      for (std::size_t i = 0; i < requests.size(); ++i) {
        for (int r = 0; r < comm.size(); ++r) {
          if (r == comm.rank()) continue;
          requests[i].about(
              [&] { about_peer(comm, r, [&] { memory[i]->open(r, std::get<IpcBlob>(handles[r][i])); }); });
        }
      }
    });
  } catch (const PhaseFailed&) {
    for (const auto& each : memory) each->give_back_quietly(comm);
    throw;
  }
  return {std::make_move_iterator(memory.begin()), std::make_move_iterator(memory.end())};
}

}  // namespace symmbench
