#pragma once
#include <memory>
#include <string>
#include <utility>

#include "comm/transport.hpp"

namespace symmbench {

/// MPI from first to last, on one thread. The collectives below are for start-up only: later one rank may be late or
/// dead, and a collective that was given up poisons the next.
/// The destructor does not finalize: a process that leaves because of an error must not wait for the others in there.
class MpiSession {
 public:
  /// MPI_Init_thread(FUNNELED) and an own communicator. @throws Error{comm, internal} naming the MPI call
  MpiSession();
  ~MpiSession();

  int rank() const;
  int size() const;

  /// Collective: rank 0's text on every rank; what others pass is ignored.
  std::string broadcast(const std::string& text);
  /// Collective: the largest value of any rank.
  int agree_max(int value);
  /// Collective: this rank's place among the ranks that share its memory (MPI_COMM_TYPE_SHARED), and how many they are.
  std::pair<int, int> local_rank_and_size();

  /// Collective, at the very end of a run in which every rank arrived; idempotent.
  void finalize();

  struct Impl;

 private:
  friend class MpiTransport;
  std::unique_ptr<Impl> impl_;
};

/// Transport over tagged MPI_Isend and MPI_Improbe/MPI_Imrecv. Every call @throws Error{comm, internal} when MPI
/// reports an error. Not owned: `session` must outlive it and must not be finalized before it is destroyed.
class MpiTransport final : public Transport {
 public:
  explicit MpiTransport(MpiSession& session);
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
