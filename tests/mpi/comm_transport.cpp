// The control path of lib/comm under mpirun, without lib/supervise: every rank forks a worker before MPI starts, relays
// its rounds to a coordinator on rank 0 and back. Checks messages, rounds and the descriptor exchange, and prints how
// long a round takes. Usage: mpirun -n N mpi_comm_transport [rounds]
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <numeric>

#include "comm/collective_phase.hpp"
#include "comm/fd_exchange.hpp"
#include "comm/job_nonce.hpp"
#include "comm/message_kinds.hpp"
#include "comm/mpi_transport.hpp"
#include "comm/rounds.hpp"
#include "comm/supervised_communicator.hpp"
#include "comm/wire.hpp"
#include "support/descriptors.hpp"
#include "support/require.hpp"

using namespace symmbench;
using test::require;

namespace {
int g_yields = 0;
}  // namespace

/// MPI calls this one.
extern "C" int sched_yield() noexcept {
  ++g_yields;
  return static_cast<int>(::syscall(SYS_sched_yield));
}

namespace {

constexpr std::uint32_t kStart = kFirstSuperviseKind;  // supervisor -> worker: nonce, rank, size
constexpr std::uint32_t kDone = kFirstSuperviseKind + 1;
constexpr std::chrono::seconds kStepTimeout{60};

// ---- worker ---------------------------------------------------------------------------------------------------------

void measure_rounds(Communicator& comm, int rounds) {
  std::vector<double> times_us;
  for (int i = 0; i < rounds; ++i) {
    const auto start = Clock::now();
    barrier(comm, "latency");
    times_us.push_back(microseconds_since(start));
  }
  if (comm.rank() != 0 || rounds == 0) return;
  const double mean_us = std::accumulate(times_us.begin(), times_us.end(), 0.0) / rounds;
  std::sort(times_us.begin(), times_us.end());
  fmt::print("{} ranks: round of a worker: p50 {:.1f} us, mean {:.1f} us, p99 {:.1f} us over {} rounds\n", comm.size(),
             times_us[times_us.size() / 2], mean_us, times_us[times_us.size() * 99 / 100], rounds);
}

void check_phases(Communicator& comm) {
  const int failing = comm.size() - 1;
  for (int repeat = 0; repeat < 5; ++repeat) {
    bool failed = false;
    try {
      collective_phase({comm}, Phase::map, [&] {
        if (comm.rank() == failing) throw std::runtime_error("this rank fails");
        barrier(comm, "inside");
      });
    } catch (const PhaseFailed& error) {
      failed = error.failure().rank == failing;
    }
    require(failed, "the failing rank was not named");
    collective_phase({comm}, Phase::close, [&] { barrier(comm, "inside"); });
  }
}

void work(Communicator& comm, const std::string& nonce, int rounds) {
  for (int round = 0; round < 20; ++round) {
    // Payloads from nothing to a few KiB, different on every rank.
    const std::string mine(static_cast<std::size_t>(comm.rank() * 100 + round * 200), static_cast<char>('a' + round));
    const auto texts = allgather_text(comm, "texts", mine);
    for (int peer = 0; peer < comm.size(); ++peer) {
      require(texts[peer] ==
              std::string(static_cast<std::size_t>(peer * 100 + round * 200), static_cast<char>('a' + round)));
    }
  }
  check_phases(comm);
  const auto mine = test::file_with_text(fmt::format("rank {}", comm.rank()));
  const auto all = exchange_fds(comm, "handles", nonce, mine);
  for (int peer = 0; peer < comm.size(); ++peer) require(test::text_of_file(all[peer]) == fmt::format("rank {}", peer));
  if (comm.size() % 2 == 0) {
    const auto pair = comm.split(2);
    require(allgather_value(*pair, "pair", comm.rank())[1] == comm.rank() / 2 * 2 + 1);
  }
  measure_rounds(comm, rounds);
}

int worker(UniqueFd socket, int rounds) try {
  FrameChannel channel(std::move(socket), "the supervisor");
  const Frame start = channel.receive(Deadline::in(kStepTimeout));
  WireReader reader(start.payload, "start");
  const std::string nonce = reader.text();
  const int rank = reader.i32();
  const RoundScope scope{.size = reader.u32()};
  SupervisedCommunicator comm(channel, scope, rank, kStepTimeout);
  work(comm, nonce, rounds);
  channel.send(kDone, {}, Deadline::in(kStepTimeout));
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "worker: {}\n", error.what());
  return 1;
}

// ---- supervisor -----------------------------------------------------------------------------------------------------

/// {u32 kind, payload}
Blob with_kind(std::uint32_t kind, std::span<const std::byte> payload) {
  Blob bytes(sizeof kind + payload.size());
  std::memcpy(bytes.data(), &kind, sizeof kind);
  std::copy(payload.begin(), payload.end(), bytes.begin() + sizeof kind);
  return bytes;
}

class Relay {
 public:
  Relay(Transport& transport, FrameChannel& channel) : transport_(transport), channel_(channel), table_(kStepTimeout) {
    table_.open_attempt(0, 0);
  }

  void run() {
    bool told = false;
    while (done_ < transport_.size() || !transport_.all_sent()) {
      bool idle = true;
      while (auto frame = channel_.try_receive()) {
        idle = false;
        if (frame->kind == kDone) {
          for (int rank = 0; rank < transport_.size(); ++rank) transport_.send(rank, with_kind(kDone, {}));
          told = true;
        } else {
          transport_.send(0, with_kind(frame->kind, frame->payload));
        }
      }
      require(told || !channel_.closed(), "the worker died");
      while (auto message = transport_.receive()) {
        idle = false;
        handle(*message);
      }
      answer(table_.expired(Clock::now()));
      channel_.flush();
      if (idle) ::sched_yield();
    }
  }

 private:
  void handle(const PeerMessage& message) {
    std::uint32_t kind = 0;
    std::memcpy(&kind, message.bytes.data(), sizeof kind);
    const auto payload = std::span(message.bytes).subspan(sizeof kind);
    if (kind == kRoundContribute) answer(table_.contribute(decode_contribution(payload), Clock::now()));
    if (kind == kRoundResult) channel_.queue(kind, payload);
    if (kind == kDone) ++done_;
  }

  void answer(const std::vector<Answer>& answers) {
    for (const Answer& each : answers) {
      const Blob bytes = with_kind(kRoundResult, encode(RoundResult{each.round, each.outcome}));
      for (const int rank : each.to) transport_.send(rank, bytes);
    }
  }

  Transport& transport_;
  FrameChannel& channel_;
  RoundTable table_;
  int done_ = 0;
};

Blob pattern(int from, int to, int number) {
  constexpr std::size_t kSizes[] = {0, 1, 4095, 70'000, 1 << 20};
  return Blob(kSizes[number % 5], static_cast<std::byte>(from * 31 + to * 7 + number));
}

void check_messages(Transport& transport) {
  // Large ones take a path of their own through MPI; all of them between all of 72 ranks would be 11 GB.
  const int messages = transport.size() > 16 ? 3 : 10;
  for (int number = 0; number < messages; ++number) {
    for (int to = 0; to < transport.size(); ++to) transport.send(to, pattern(transport.rank(), to, number));
  }
  std::vector<int> next(static_cast<std::size_t>(transport.size()));
  int missing = messages * transport.size();
  const auto deadline = Deadline::in(kStepTimeout);
  while (missing > 0 || !transport.all_sent()) {
    require(!deadline.expired(), "messages were lost");
    while (auto message = transport.receive()) {
      require(message->bytes == pattern(message->from, transport.rank(), next[message->from]++), "content or order");
      --missing;
    }
  }
}

bool stands_still(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  const std::string stat{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return stat.find(") T ") != std::string::npos;
}

/// Whoever has sent much to a rank that stands still gives its core away no more often for that.
void check_that_a_rank_that_stands_still_holds_up_nobody(MpiSession& session, Transport& transport) {
  constexpr int kMessages = 300, kFew = 20;
  const auto pids = session.gather("pids", std::to_string(::getpid()));
  if (session.rank() == 1) {
    ::raise(SIGSTOP);
    const auto deadline = Deadline::in(kStepTimeout);
    for (int missing = kMessages; missing > 0; missing -= transport.receive().has_value()) {
      require(!deadline.expired(), "messages were lost");
    }
  }
  if (session.rank() != 0 || session.size() < 2) return;
  const pid_t still = std::stoi(pids[1]);
  while (!stands_still(still)) ::sched_yield();
  for (int i = 0; i < kMessages; ++i) transport.send(1, pattern(0, 1, 2));
  g_yields = 0;
  transport.progress();
  const int yields = g_yields;
  ::kill(still, SIGCONT);
  while (!transport.all_sent()) ::sched_yield();
  require(yields < kFew, fmt::format("the core was given away {} times", yields));
}

int supervisor(UniqueFd socket) {
  ::setenv("OMPI_MCA_mpi_yield_when_idle", "1", 1);
  MpiSession session;
  require(session.agree_max("largest", session.rank() == 0 ? 7 : 3) == 7);
  const std::string nonce = session.broadcast("nonce", session.rank() == 0 ? make_job_nonce() : "ignored");
  require(nonce.size() == 32);
  const auto [local_rank, local_size] = session.local_rank_and_size();
  require(local_rank == session.rank() && local_size == session.size(), "this test runs on one host");
  {
    MpiTransport transport(session);
    check_messages(transport);
    check_that_a_rank_that_stands_still_holds_up_nobody(session, transport);
    session.agree_max("counted", 0);  // nobody begins with rounds while another still counts messages
    FrameChannel channel(std::move(socket), "the worker");
    WireWriter start;
    start.text(nonce);
    start.i32(session.rank());
    start.u32(static_cast<std::uint32_t>(session.size()));
    channel.queue(kStart, start.take());
    Relay(transport, channel).run();
  }
  session.finalize();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 100;
  auto [ours, theirs] = make_channel_sockets();
  const pid_t child = ::fork();
  if (child == 0) {
    ours.reset();
    const int status = worker(std::move(theirs), rounds);
    std::fflush(nullptr);
    ::_exit(status);
  }
  theirs.reset();
  int result = 1;
  try {
    result = supervisor(std::move(ours));
  } catch (const std::exception& error) {
    fmt::print(stderr, "supervisor: {}\n", error.what());
    std::fflush(nullptr);
    ::_exit(1);  // without MPI_Finalize: mpirun ends the others
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || status != 0) result = 1;
  return result;
}
