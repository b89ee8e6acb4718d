#include "bench/probe_task.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>

#include "bench/call_counts.hpp"
#include "comm/fd_exchange.hpp"
#include "core/clock.hpp"
#include "journal/records.hpp"
#include "memory/allocators.hpp"
#include "memory/handle_trial.hpp"

namespace symmbench {
namespace {

// Large enough to fill the links of a GPU, small enough for 72 emulated ranks on two cores.
constexpr std::uint64_t kCopyBytes = 64ull << 20, kEmulatedCopyBytes = 64ull << 10;
constexpr int kWordReads = 5;
/// Word 0 of every block: its owner.
constexpr std::uint32_t kOwner = 0x51B00000u;

Json failure_or_null(const std::optional<Failure>& failure) { return failure ? to_json(*failure) : Json(nullptr); }

template <class Step>
double timed(const Step& step) {
  const auto start = Clock::now();
  step();
  return microseconds_since(start);
}

/// Every type under every allocator: tried, or why not. Returns the first that symmetric memory can use.
std::optional<std::pair<AllocatorKind, HandleType>> try_handles(WorkerContext& context, Driver& driver) {
  const int group = group_index(context.comm);
  const auto mine = tested_handle_facts(driver, context.comm.world_rank(context.comm.rank()));
  const auto facts = allgather_value(context.comm, "probe: facts for the handle types", mine);
  std::optional<std::pair<AllocatorKind, HandleType>> best;
  for (const auto& mode : allocator_modes()) {
    const auto possible = handles_to_try("auto", mode.kind, facts);
    for (const HandleType type : row_of(kAllocators, mode.kind).handles) {
      HandleTrialRecord record{
          .group = group, .allocator = std::string(name_of(mode.kind)), .type = std::string(name_of(type))};
      if (std::find(possible.begin(), possible.end(), type) == possible.end()) {
        record.reason = decide_handle(name_of(type), mode.kind, facts, {}).reason;
      } else {
        const HandleTrial trial = trial_handle({.comm = context.comm}, driver, mode.kind, type);
        record.passed = trial.passed;
        record.failure = trial.failure;
        if (trial.passed && !best) best = {mode.kind, type};
      }
      if (context.comm.rank() == 0) context.records.append(to_json(record));
    }
  }
  return best;
}

Json descriptor_test(Communicator& comm) {
  Json result{{"passed", false}, {"us", nullptr}, {"failure", nullptr}};
  const UniqueFd mine(::memfd_create("symmbench-probe", MFD_CLOEXEC));
  std::optional<Failure> failure;
  double us = 0;
  try {
    us = timed([&] { FdExchange().exchange(comm, "probe: descriptors", mine); });
  } catch (const Error& error) {
    failure = error.failure();
  }
  barrier(comm, std::string("probe: descriptors") + std::string(kVoteSuffix));
  result["passed"] = !failure;
  if (!failure) result["us"] = us;
  result["failure"] = failure_or_null(failure);
  return result;
}

/// One rank's look at one peer's block.
class PeerLook {
 public:
  PeerLook(Driver& driver, Stream& stream, std::uint64_t bytes, bool emulated)
      : driver_(driver), stream_(stream), bytes_(bytes), emulated_(emulated), local_(driver.allocate_local(bytes)) {}
  PeerLook(const PeerLook&) = delete;
  PeerLook& operator=(const PeerLook&) = delete;
  ~PeerLook() {
    try {
      driver_.free_local(local_);
    } catch (const Error&) {
      // The device failed, which the pair says; the process ends with this task.
    }
  }

  /// `block` holds the owner's word and, from `bytes` on, room that `peer` lets this rank alone write.
  Json at(Communicator& comm, int peer, DevicePtr block) {
    Json pair{{"rank", comm.world_rank(comm.rank())},
              {"peer", comm.world_rank(peer)},
              {"access", false},
              {"owner", nullptr},
              {"latency_us", nullptr},
              {"read_us", nullptr},
              {"write_us", nullptr},
              {"read_gbs", nullptr},
              {"write_gbs", nullptr},
              {"failure", nullptr}};
    try {
      look(pair, peer, block);
    } catch (const Error& error) {
      pair["access"] = false;
      pair["failure"] = to_json(error.failure());
    }
    return pair;
  }

 private:
  void look(Json& pair, int peer, DevicePtr block) {
    std::uint32_t word = 0;
    double least_us = 0;
    for (int i = 0; i < kWordReads; ++i) {
      const double us = timed([&] {
        stream_.copy(&word, to_pointer(block), sizeof(word));
        stream_.synchronize();
      });
      least_us = i == 0 ? us : std::min(least_us, us);
    }
    pair["access"] = word == (kOwner | static_cast<std::uint32_t>(peer));
    if ((word & 0xFFF00000u) == kOwner) pair["owner"] = word & 0xFFFFFu;
    pair["latency_us"] = least_us;
    const double read_us = copy_us(to_pointer(local_), to_pointer(block));
    const double write_us = copy_us(to_pointer(block + bytes_), to_pointer(local_));
    pair["read_us"] = read_us;
    pair["write_us"] = write_us;
    if (emulated_) return;
    pair["read_gbs"] = static_cast<double>(bytes_) / read_us / 1e3;
    pair["write_gbs"] = static_cast<double>(bytes_) / write_us / 1e3;
  }

  double copy_us(void* to, const void* from) {
    return timed([&] {
      stream_.copy(to, from, bytes_);
      stream_.synchronize();
    });
  }

  Driver& driver_;
  Stream& stream_;
  std::uint64_t bytes_;
  bool emulated_;
  DevicePtr local_;
};

/// In each turn every rank looks at another peer, so that no memory has two guests.
Json look_at_peers(WorkerContext& context, Backend& backend, AllocatorKind kind, HandleType type) {
  auto& comm = context.comm;
  const std::uint64_t bytes = backend.emulated ? kEmulatedCopyBytes : kCopyBytes;
  const PhaseContext phases{.comm = comm};
  const auto maker = mode_of(kind).make();
  const auto memory = maker->allocate(phases, *backend.driver, 2 * bytes, type);
  const auto stream = backend.driver->make_stream();
  stream->fill(memory->data(comm.rank()), kOwner | static_cast<std::uint32_t>(comm.rank()),
               bytes / sizeof(std::uint32_t));
  stream->synchronize();
  Json pairs = Json::array();
  {
    PeerLook peers(*backend.driver, *stream, bytes, backend.emulated);
    barrier(comm, "probe: every block is written");
    for (int turn = 1; turn < comm.size(); ++turn) {
      const int peer = (comm.rank() + turn) % comm.size();
      context.heartbeat.allow(context_s(context.request));
      pairs.push_back(peers.at(comm, peer, memory->data(peer)));
      barrier(comm, "probe: every rank has looked");
    }
  }
  memory->close(phases);
  return pairs;
}

Json trace_json(const TracedDriver& trace) {
  Json calls = Json::array();
  for (const auto& call : trace.calls()) {
    calls.push_back({{"call", call.call},
                     {"bytes", call.bytes},
                     {"handle", call.handle.empty() ? Json(nullptr) : Json(call.handle)},
                     {"code", call.code},
                     {"us", call.us}});
  }
  return calls;
}

}  // namespace

void run_probe(WorkerContext& context, Backend& backend, const TracedDriver* trace) {
  const int world_rank = context.comm.world_rank(context.comm.rank());
  Json data{{"group", group_index(context.comm)},
            {"group_rank", context.comm.rank()},
            {"memory", nullptr},
            {"pairs", Json::array()}};
  const auto best = try_handles(context, *backend.driver);
  data["descriptors"] = descriptor_test(context.comm);
  if (best && context.comm.size() > 1) {
    data["memory"] = {{"allocator", name_of(best->first)}, {"handle", name_of(best->second)}};
    data["pairs"] = look_at_peers(context, backend, best->first, best->second);
  }
  data["driver_calls"] = to_json(std::span<const CallCount>(backend.driver->counts()));
  if (trace != nullptr) data["trace"] = trace_json(*trace);
  context.records.append(to_json(ProbeRecord{.rank = world_rank, .data = std::move(data)}));
}

}  // namespace symmbench
