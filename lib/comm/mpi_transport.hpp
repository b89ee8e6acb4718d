#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "comm/transport.hpp"

namespace symmbench {

/// The MPI library that this process has.
struct MpiLibrary {
  std::string name;      ///< by its own word: "Open MPI v4.1.4"; empty: it has none
  std::string standard;  ///< that it keeps: "3.1"
};
/// May be called before MPI_Init. Without what comes after the version, where and by whom it was built.
MpiLibrary mpi_library();

class MpiTransport;

/// MPI from first to last, on one thread. What is collective here is for start-up only: later one rank may be late or
/// dead. Everything is bounded (core/deadlines.hpp), on busy machines by more; calls that MPI has to complete by itself,
/// MPI_Init among them, end the process with exit code 3 and a line on stderr when they do not return in time.
/// The destructor does not finalize: a process that leaves because of an error must not wait for the others in there.
class MpiSession {
 public:
  /// MPI_Init_thread(FUNNELED) and an own communicator. Every bound is `widened_by` times as long as in namespace deadline;
  /// that of MPI_Init is longer still, so that whoever knows for whom it waits speaks first.
  /// @throws Error{comm, internal} naming the MPI call
  explicit MpiSession(double widened_by = 1);
  ~MpiSession();

  int rank() const;
  int size() const;
  double widened_by() const;
  /// From now on; never less than before.
  void widen(double widened_by);

  /// Collective: every rank's text, by rank. `step` names what is agreed on, for the failure of a rank that is elsewhere.
  /// @throws Error as StartRounds::gather()
  std::vector<std::string> gather(std::string_view step, const std::string& mine);
  /// Collective: rank 0's text on every rank; what others pass is ignored. @throws the same
  std::string broadcast(std::string_view step, const std::string& text);
  /// Collective: the largest value of any rank. @throws the same
  int agree_max(std::string_view step, int value);
  /// Collective: this rank's place among the ranks that share its memory (MPI_COMM_TYPE_SHARED), and how many they are.
  std::pair<int, int> local_rank_and_size();

  /// Collective, at the very end of a run in which every rank arrived; idempotent. Not bounded.
  void finalize();

  struct Impl;

 private:
  friend class MpiTransport;
  std::unique_ptr<Impl> impl_;
  std::unique_ptr<MpiTransport> start_transport_;
};

/// Transport over tagged MPI_Isend and MPI_Improbe/MPI_Imrecv. Every call @throws Error{comm, internal} when MPI
/// reports an error. Not owned: `session` must outlive it and must not be finalized before it is destroyed.
class MpiTransport final : public Transport {
 public:
  /// Its messages are apart from those of transports with another `tag`.
  explicit MpiTransport(MpiSession& session, int tag = 1);
  /// Transfers still under way are abandoned: their buffers stay until the process ends, and nothing waits for them.
  ~MpiTransport() override;

  int rank() const override;
  int size() const override;
  void send(int to, std::span<const std::byte> bytes) override;
  std::optional<PeerMessage> receive() override;
  void progress() override;
  bool all_sent() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace symmbench
