#include "bench/probe_task.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/call_counts.hpp"
#include "bench/text_or_null.hpp"
#include "comm/fd_exchange.hpp"
#include "core/clock.hpp"
#include "journal/probe_items.hpp"
#include "journal/records.hpp"
#include "memory/allocators.hpp"
#include "memory/handle_trial.hpp"

namespace symmbench {
namespace {

// Large enough to fill the links of a GPU, small enough for 72 emulated ranks on two cores.
constexpr std::uint64_t kCopyBytes = 64ull << 20, kEmulatedCopyBytes = 64ull << 10;
constexpr int kWordReads = 5;
/// Word 0 of every block: the world rank of its owner.
constexpr std::uint32_t kOwner = 0x51B00000u, kOwnerBits = 0xFFFFFu;
/// What a rank leaves in the room that a peer keeps for it: by whom, and for whom, in world ranks.
constexpr std::uint32_t kLetter = 0x5C000000u, kLetterSign = 0xFF000000u;
constexpr int kLetterBits = 12;

std::uint32_t letter(int from, int to) {
  return kLetter | static_cast<std::uint32_t>(from) << kLetterBits | static_cast<std::uint32_t>(to);
}

Json failure_or_null(const std::optional<Failure>& failure) { return failure ? to_json(*failure) : Json(nullptr); }

template <class Step>
double timed(const Step& step) {
  const auto start = Clock::now();
  step();
  return microseconds_since(start);
}

/// Says of traced calls whose they are and in which phase, as long as it lives.
class TraceMarks final : public PhaseObserver {
 public:
  /// `trace` may be null: nobody asked.
  TraceMarks(TracedDriver* trace, AllocatorKind allocator) : trace_(trace) { mark(name_of(allocator), ""); }
  TraceMarks(const TraceMarks&) = delete;
  TraceMarks& operator=(const TraceMarks&) = delete;
  ~TraceMarks() override { mark("", ""); }

  void entered(Phase phase) override {
    if (trace_ != nullptr) trace_->made_in(name_of(phase));
  }
  void left(Phase, double, const std::optional<Failure>&) override {
    if (trace_ != nullptr) trace_->made_in("");
  }

 private:
  void mark(std::string_view allocator, std::string_view phase) {
    if (trace_ == nullptr) return;
    trace_->made_for(allocator);
    trace_->made_in(phase);
  }

  TracedDriver* trace_;
};

using Memory = std::pair<AllocatorKind, HandleType>;

/// Every type under every allocator: tried, or why not. Returns the first that symmetric memory can use. Not `told`: no
/// more than what finds that, and nothing is recorded.
std::optional<Memory> try_handles(WorkerContext& context, Driver& driver, TracedDriver* trace, bool told) {
  const int group = group_index(context.comm);
  const auto mine = tested_handle_facts(driver, context.comm.world_rank(context.comm.rank()));
  const auto facts = allgather_value(context.comm, "probe: facts for the handle types", mine);
  std::optional<Memory> best;
  for (const auto& mode : allocator_modes()) {
    const auto possible = handles_to_try("auto", mode.kind, facts);
    for (const HandleType type : row_of(kAllocators, mode.kind).handles) {
      if (!told && best) return best;
      HandleTrialRecord record{
          .group = group, .allocator = std::string(name_of(mode.kind)), .type = std::string(name_of(type))};
      if (std::find(possible.begin(), possible.end(), type) == possible.end()) {
        record.reason = decide_handle(name_of(type), mode.kind, facts, {}).reason;
      } else {
        TraceMarks marks(trace, mode.kind);
        const HandleTrial trial = trial_handle({.comm = context.comm, .observer = &marks}, driver, mode.kind, type);
        record.passed = trial.passed;
        record.failure = trial.failure;
        if (trial.passed && !best) best = {mode.kind, type};
      }
      if (told && context.comm.rank() == 0) context.records.append(to_json(record));
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
              {"owner_rank", nullptr},
              {"latency_us", nullptr},
              {"read_us", nullptr},
              {"write_us", nullptr},
              {"read_gbs", nullptr},
              {"write_gbs", nullptr},
              {"failure", nullptr}};
    try {
      look(pair, comm, peer, block);
    } catch (const Error& error) {
      pair["access"] = false;
      pair["failure"] = to_json(error.failure());
    }
    return pair;
  }

 private:
  void look(Json& pair, const Communicator& comm, int peer, DevicePtr block) {
    std::uint32_t word = 0;
    double least_us = 0;
    for (int i = 0; i < kWordReads; ++i) {
      const double us = timed([&] {
        stream_.copy(&word, to_pointer(block), sizeof(word));
        stream_.synchronize();
      });
      least_us = i == 0 ? us : std::min(least_us, us);
    }
    pair["access"] = word == (kOwner | static_cast<std::uint32_t>(comm.world_rank(peer)));
    if ((word & ~kOwnerBits) == kOwner) {
      const auto owner = static_cast<int>(word & kOwnerBits);
      pair["owner_rank"] = owner;
      const auto world_ranks = world_ranks_of(comm);
      const auto at = std::ranges::find(world_ranks, owner);
      if (at != world_ranks.end()) pair["owner"] = at - world_ranks.begin();
    }
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

/// A block of every rank in every rank's reach: the owner's word, room for the copies of one guest at a time, and a word for
/// the letter of each peer.
class ProbedBlocks {
 public:
  /// `trace` may be null.
  ProbedBlocks(WorkerContext& context, Backend& backend, Memory kind, TracedDriver* trace)
      : comm_(context.comm),
        marks_(trace, kind.first),
        phases_{.comm = context.comm, .observer = &marks_},
        bytes_(backend.emulated ? kEmulatedCopyBytes : kCopyBytes),
        maker_(backend.make_allocator(name_of(kind.first), MulticastUse::off)),
        memory_(maker_->allocate(phases_, *backend.driver, 2 * bytes_ + words() * sizeof(std::uint32_t), kind.second)),
        stream_((marks_.entered(Phase::use), backend.driver->make_stream())) {
    const DevicePtr own = memory_->data(comm_.rank());
    const auto owner = static_cast<std::uint32_t>(comm_.world_rank(comm_.rank()));
    stream_->fill(own, kOwner | owner, bytes_ / sizeof(std::uint32_t));
    stream_->fill(letters(own), 0, words());
    stream_->synchronize();
    peers_.emplace(*backend.driver, *stream_, bytes_, backend.emulated);
    barrier(comm_, "probe: every block is written");
  }

  Json look_at(int peer) { return peers_->at(comm_, peer, memory_->data(peer)); }

  /// Collective: every rank writes to every peer, and reads what came. What did not come as its peer should have sent it.
  Json exchange_letters() {
    const int own = comm_.rank();
    for (int peer = 0; peer < comm_.size(); ++peer) {
      try {
        stream_->fill(letters(memory_->data(peer)) + own * sizeof(std::uint32_t),
                      letter(comm_.world_rank(own), comm_.world_rank(peer)), 1);
        stream_->synchronize();
      } catch (const Error&) {
        // Its peer misses it, and says so.
      }
    }
    barrier(comm_, "probe: every rank has written");
    std::vector<std::uint32_t> came(words());
    stream_->copy(came.data(), to_pointer(letters(memory_->data(own))), came.size() * sizeof(std::uint32_t));
    stream_->synchronize();
    Json wrong = Json::array();
    for (int peer = 0; peer < comm_.size(); ++peer) {
      const std::uint32_t seen = came[static_cast<std::size_t>(peer)];
      if (seen == letter(comm_.world_rank(peer), comm_.world_rank(own))) continue;
      Json entry{{"from", comm_.world_rank(peer)}, {"writer_rank", nullptr}, {"meant_for_rank", nullptr}};
      if ((seen & kLetterSign) == kLetter) {
        constexpr std::uint32_t kMask = (1u << kLetterBits) - 1;
        entry["writer_rank"] = seen >> kLetterBits & kMask;
        entry["meant_for_rank"] = seen & kMask;
      }
      wrong.push_back(std::move(entry));
    }
    return wrong;
  }

  /// Collective.
  void close() {
    peers_.reset();
    memory_->close(phases_);
  }

 private:
  std::uint64_t words() const { return static_cast<std::uint64_t>(comm_.size()); }
  DevicePtr letters(DevicePtr block) const { return block + 2 * bytes_; }

  Communicator& comm_;
  TraceMarks marks_;
  PhaseContext phases_;
  std::uint64_t bytes_;
  std::unique_ptr<Allocator> maker_;
  std::unique_ptr<SharedMemory> memory_;
  std::unique_ptr<Stream> stream_;
  std::optional<PeerLook> peers_;
};

Json trace_json(const TracedDriver& trace) {
  Json calls = Json::array();
  for (const auto& call : trace.calls()) {
    calls.push_back({{"call", call.call},
                     {"allocator", text_or_null(call.allocator)},
                     {"phase", text_or_null(call.phase)},
                     {"bytes", call.bytes},
                     {"handle", text_or_null(call.handle)},
                     {"code", call.code},
                     {"us", call.us}});
  }
  return calls;
}

}  // namespace

std::vector<WorkItem> probe_items(int group_size) {
  std::vector<WorkItem> items{{.case_id = std::string(kItemOfHandles), .allocators = {}}};
  if (group_size < 2) return items;
  for (int turn = 1; turn < group_size; ++turn) {
    items.push_back({.case_id = fmt::format("{}{}", kItemsOfTurns, turn), .allocators = {}});
  }
  items.push_back({.case_id = std::string(kItemOfOrder), .allocators = {}});
  return items;
}

void run_probe(WorkerContext& context, Backend& backend, TracedDriver* trace) {
  Communicator& comm = context.comm;
  const int world_rank = comm.world_rank(comm.rank());
  const auto tell = [&](Json data) {
    context.records.append(to_json(ProbeRecord{.rank = world_rank, .data = std::move(data)}));
  };
  std::optional<Memory> best;
  std::optional<ProbedBlocks> blocks;
  for (std::size_t i = 0; i < context.request.items.size(); ++i) {
    const std::string& item = context.request.items[i].case_id;
    context.heartbeat.item(static_cast<int>(i));
    context.heartbeat.allow(context_s(context.request));
    if (item == kItemOfHandles) {
      best = try_handles(context, *backend.driver, trace, true);
      Json data{{"group", group_index(comm)}, {"group_rank", comm.rank()}, {"memory", nullptr}};
      data["descriptors"] = descriptor_test(comm);
      if (best && comm.size() > 1) {
        data["memory"] = {{"allocator", name_of(best->first)}, {"handle", name_of(best->second)}};
      }
      tell(std::move(data));
    } else {
      if (i == 0) best = try_handles(context, *backend.driver, trace, false);  // a worker before this one told of them
      if (!best) break;
      if (!blocks) blocks.emplace(context, backend, *best, trace);
      context.heartbeat.phase(Phase::use);
      if (const auto turn = probe_turn(item)) {
        // In each turn every rank looks at another peer, so that no memory has two guests.
        tell({{"pairs", Json::array({blocks->look_at((comm.rank() + *turn) % comm.size())})}});
      } else {
        tell({{"received", blocks->exchange_letters()}});
      }
    }
    barrier(comm, "probe: every rank has told");
    if (comm.rank() == 0) context.item_done(static_cast<int>(i));
  }
  context.heartbeat.item(-1);
  if (blocks) blocks->close();
  Json calls{{"driver_calls", to_json(std::span<const CallCount>(backend.driver->counts()))}};
  if (trace != nullptr) calls["trace"] = trace_json(*trace);
  tell(std::move(calls));
}

}  // namespace symmbench
