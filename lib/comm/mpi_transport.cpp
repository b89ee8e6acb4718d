#include "comm/mpi_transport.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <list>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "comm/start_rounds.hpp"
#include "core/alarm.hpp"
#include "core/deadlines.hpp"
#include "core/error.hpp"

// The C interface only: the C++ bindings that MPI 3 removed would need a library of their own.
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

namespace symmbench {
namespace {

constexpr int kStartTag = 2;
constexpr double kMpiInitMargin_s = 15;

/// `rank`: this process's, once it is known; `peer`: whom the call is about.
void check(int code, const char* call, std::optional<int> rank = std::nullopt, std::optional<int> peer = std::nullopt) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) length = 0;
  throw Error({.layer = Layer::comm,
               .reason = Reason::internal,
               .call = call,
               .detail = std::string(text, static_cast<std::size_t>(length)),
               .rank = rank,
               .peer = peer,
               .code = code});
}

}  // namespace

struct MpiSession::Impl {
  MPI_Comm comm = MPI_COMM_NULL;
  int rank = 0;
  int size = 1;
  bool finalized = false;
  double widened_by = 1;
};

MpiLibrary mpi_library() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0, version = 0, subversion = 0;
  MpiLibrary library;
  if (MPI_Get_library_version(text.data(), &length) == MPI_SUCCESS) {
    // "Open MPI v4.1.4, package: ..."; "MPICH Version:      4.2.0\n..."
    std::istringstream words(std::string(text.data()).substr(0, std::string_view(text.data()).find_first_of(",\n")));
    for (std::string word; words >> word;) library.name += (library.name.empty() ? "" : " ") + word;
  }
  if (MPI_Get_version(&version, &subversion) == MPI_SUCCESS)
    library.standard = fmt::format("{}.{}", version, subversion);
  return library;
}

MpiSession::MpiSession(double widened_by) : impl_(std::make_unique<Impl>()) {
  impl_->widened_by = widened_by;
  const Alarm alarm(deadline::kMpiInit_s * widened_by + kMpiInitMargin_s, deadline::kGivenUpStatus,
                    "symmbench: MPI_Init did not return in time: MPI waits for a rank that was started and has not "
                    "called it (another program, a hanging host, a network that is not reached)\n");
  int provided = 0;
  check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  // Errors come back as codes: the default ends the whole job, and with it the report.
  check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check(MPI_Comm_dup(MPI_COMM_WORLD, &impl_->comm), "MPI_Comm_dup");
  check(MPI_Comm_set_errhandler(impl_->comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check(MPI_Comm_rank(impl_->comm, &impl_->rank), "MPI_Comm_rank");
  check(MPI_Comm_size(impl_->comm, &impl_->size), "MPI_Comm_size");
  start_transport_ = std::make_unique<MpiTransport>(*this, kStartTag);
}

MpiSession::~MpiSession() = default;

int MpiSession::rank() const { return impl_->rank; }
int MpiSession::size() const { return impl_->size; }
double MpiSession::widened_by() const { return impl_->widened_by; }
void MpiSession::widen(double widened_by) { impl_->widened_by = std::max(impl_->widened_by, widened_by); }

std::vector<std::string> MpiSession::gather(std::string_view step, const std::string& mine) {
  return StartRounds(*start_transport_, deadline::kStartRound_s * impl_->widened_by).gather(step, mine);
}

std::string MpiSession::broadcast(std::string_view step, const std::string& text) {
  return gather(step, impl_->rank == 0 ? text : std::string()).front();
}

int MpiSession::agree_max(std::string_view step, int value) {
  int largest = value;
  for (const auto& text : gather(step, std::to_string(value))) largest = std::max(largest, std::stoi(text));
  return largest;
}

std::pair<int, int> MpiSession::local_rank_and_size() {
  const Alarm alarm(deadline::kStartRound_s * impl_->widened_by, deadline::kGivenUpStatus,
                    "symmbench: MPI_Comm_split_type did not return in time: a rank is gone\n");
  MPI_Comm local = MPI_COMM_NULL;
  int rank = 0;
  int size = 1;
  check(MPI_Comm_split_type(impl_->comm, MPI_COMM_TYPE_SHARED, impl_->rank, MPI_INFO_NULL, &local),
        "MPI_Comm_split_type");
  check(MPI_Comm_rank(local, &rank), "MPI_Comm_rank");
  check(MPI_Comm_size(local, &size), "MPI_Comm_size");
  check(MPI_Comm_free(&local), "MPI_Comm_free");
  return {rank, size};
}

void MpiSession::finalize() {
  if (std::exchange(impl_->finalized, true)) return;
  start_transport_.reset();
  check(MPI_Comm_free(&impl_->comm), "MPI_Comm_free");
  check(MPI_Finalize(), "MPI_Finalize");
}

struct MpiTransport::Impl {
  /// A transfer that MPI works on; the list keeps it where MPI knows it to be.
  struct Transfer {
    PeerMessage message;
    MPI_Request request = MPI_REQUEST_NULL;
  };

  Impl(MpiSession::Impl& mpi, int own_tag) : session(mpi), tag(own_tag) {}

  /// Starts to receive whatever has been announced. Not a blocking receive: a large message comes in several steps in
  /// which the sender takes part, and the sender may die between them.
  void receive_announced() {
    while (true) {
      int found = 0;
      MPI_Message announced = MPI_MESSAGE_NULL;
      MPI_Status status;
      check(MPI_Improbe(MPI_ANY_SOURCE, tag, session.comm, &found, &announced, &status), "MPI_Improbe", session.rank);
      if (!found) return;
      int bytes = 0;
      check(MPI_Get_count(&status, MPI_BYTE, &bytes), "MPI_Get_count", session.rank, status.MPI_SOURCE);
      Transfer& transfer = incoming.emplace_back();
      transfer.message.from = status.MPI_SOURCE;
      transfer.message.bytes.resize(static_cast<std::size_t>(bytes));
      check(MPI_Imrecv(transfer.message.bytes.data(), bytes, MPI_BYTE, &announced, &transfer.request), "MPI_Imrecv",
            session.rank, status.MPI_SOURCE);
    }
  }

  bool done(Transfer& transfer) const {
    int finished = 0;
    check(MPI_Test(&transfer.request, &finished, MPI_STATUS_IGNORE), "MPI_Test", session.rank);
    return finished != 0;
  }

  /// Delivers what is complete, never a later message of a rank before an earlier one.
  void deliver() {
    std::vector<int> unfinished_ranks;
    for (auto it = incoming.begin(); it != incoming.end();) {
      const int from = it->message.from;
      const bool must_wait =
          std::find(unfinished_ranks.begin(), unfinished_ranks.end(), from) != unfinished_ranks.end();
      if (must_wait || !done(*it)) {
        unfinished_ranks.push_back(from);
        ++it;
      } else {
        arrived.push_back(std::move(it->message));
        it = incoming.erase(it);
      }
    }
  }

  /// Drops what MPI has sent. One call for all: MPI gives the core away in each that finds nothing done, and what is sent to
  /// a rank that stands still piles up, until its sender stood still as well.
  void drop_sent() {
    if (outgoing.empty()) return;
    std::vector<MPI_Request> requests;
    for (const Transfer& transfer : outgoing) requests.push_back(transfer.request);
    std::vector<int> ended(requests.size());
    int count = 0;
    const int code =
        MPI_Testsome(static_cast<int>(requests.size()), requests.data(), &count, ended.data(), MPI_STATUSES_IGNORE);
    auto request = requests.begin();
    for (Transfer& transfer : outgoing) transfer.request = *request++;
    check(code, "MPI_Testsome", session.rank);
    std::erase_if(outgoing, [](const Transfer& transfer) { return transfer.request == MPI_REQUEST_NULL; });
  }

  MpiSession::Impl& session;
  int tag;
  std::list<Transfer> outgoing;
  std::list<Transfer> incoming;
  std::deque<PeerMessage> arrived;
};

MpiTransport::MpiTransport(MpiSession& session, int tag) : impl_(std::make_unique<Impl>(*session.impl_, tag)) {}

MpiTransport::~MpiTransport() {
  // MPI may still read from a buffer whose send cannot be cancelled, so such a list is left to the end of the process.
  for (auto& transfer : impl_->outgoing) {
    int finished = 0;
    if (MPI_Test(&transfer.request, &finished, MPI_STATUS_IGNORE) != MPI_SUCCESS || finished == 0) {
      static_cast<void>(impl_.release());
      return;
    }
  }
  if (!impl_->incoming.empty()) static_cast<void>(impl_.release());
}

int MpiTransport::rank() const { return impl_->session.rank; }
int MpiTransport::size() const { return impl_->session.size; }

void MpiTransport::send(int to, std::span<const std::byte> bytes) {
  Blob copy(bytes.begin(), bytes.end());
  if (to == rank()) {
    impl_->arrived.push_back({.from = to, .bytes = std::move(copy)});
    return;
  }
  Impl::Transfer& transfer = impl_->outgoing.emplace_back();
  transfer.message.bytes = std::move(copy);
  check(MPI_Isend(transfer.message.bytes.data(), static_cast<int>(transfer.message.bytes.size()), MPI_BYTE, to,
                  impl_->tag, impl_->session.comm, &transfer.request),
        "MPI_Isend", rank(), to);
}

std::optional<PeerMessage> MpiTransport::receive() {
  if (impl_->arrived.empty()) progress();
  if (impl_->arrived.empty()) return std::nullopt;
  PeerMessage message = std::move(impl_->arrived.front());
  impl_->arrived.pop_front();
  return message;
}

void MpiTransport::progress() {
  impl_->receive_announced();
  impl_->deliver();
  impl_->drop_sent();
}

bool MpiTransport::all_sent() {
  progress();
  return impl_->outgoing.empty();
}

}  // namespace symmbench
