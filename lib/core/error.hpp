#pragma once
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/phase.hpp"

namespace symmbench {

/// The part of the tool, or of the system below it, that reported a failure.
enum class Layer { config, environment, comm, driver, memory, workspace, kernel, verify, worker, supervisor, report };

/// What kind of failure it was, in words that do not depend on the layer.
enum class Reason {
  invalid_argument,
  out_of_memory,
  not_supported,
  not_permitted,
  not_ready,
  invalid_handle,
  illegal_state,
  illegal_address,
  capacity_exceeded,
  disagreement,  ///< ranks hold different values where they must be equal
  timed_out,     ///< a wait reached its deadline; `peer` is whom it waited for
  peer_failed,   ///< this rank is well; `peer` is the one that failed
  wrong_data,
  corrupted,  ///< a canary, a guard or a pattern was overwritten
  crashed,    ///< killed by a signal; `code` is its number
  exited,     ///< left without being asked; `code` is the exit status
  interrupted,
  io_error,
  internal,
};

std::string_view name_of(Layer layer);
std::string_view name_of(Reason reason);
std::optional<Layer> layer_from(std::string_view name);
std::optional<Reason> reason_from(std::string_view name);

/// An error as data. Low code knows layer, reason, call and detail; only the phase knows phase and rank.
struct Failure {
  Layer layer = Layer::worker;
  Reason reason = Reason::internal;
  std::string call;  ///< the call that failed, as its own documentation spells it: "cuMemCreate", "mmap"; may be empty
  std::string detail;  ///< for a person: object, sizes, what was allowed
  std::optional<Phase> phase;
  std::optional<int> rank;      ///< world rank on which it happened
  std::optional<int> peer;      ///< world rank that was waited for or talked to
  std::optional<int> code;      ///< driver result code, errno, signal or exit status, by `reason`
  std::string allocator = {};   ///< whose work it was; empty: no single allocator's, or unknown
  std::optional<int> pid = {};  ///< of the process in which it happened
  std::string doing = {};  ///< what that process was doing: "item bf16/1048576, iteration 12, driver call cuMemMap"
  std::string host = {}, gpu = {};  ///< of `rank`: its host, its GPU's UUID; the report fills them in from facts
};

/// "rank 2 on node1, pid 4711, GPU-8f2c": as much of it as is known; empty without a rank.
std::string place_of(const Failure& failure);

/// One line: "rank 2, phase map: driver/out_of_memory in cuMemCreate (2): 64 MiB asked, 10 MiB free".
std::string describe(const Failure& failure);

/// The exception of every layer: carries a Failure. what() is describe(failure).
class Error : public std::runtime_error {
 public:
  explicit Error(Failure failure);
  const Failure& failure() const { return failure_; }

 private:
  Failure failure_;
};

/// Thrown on *every* rank when a collective phase failed on at least one (comm/collective_phase.hpp).
/// failure() is the root cause: the first failure in rank order that is not merely peer_failed.
class PhaseFailed : public Error {
 public:
  PhaseFailed(Phase phase, std::vector<Failure> failures);
  Phase phase() const { return phase_; }
  const std::vector<Failure>& failures() const { return failures_; }  ///< one per failing rank, in rank order

 private:
  Phase phase_;
  std::vector<Failure> failures_;
};

/// The failure to act on among those that several ranks reported: a crash or exit first, then a rank's own error, then
/// a wait (whose peer is the suspect), and only then a mere peer_failed. @pre failures is not empty
const Failure& root_cause(const std::vector<Failure>& failures);

}  // namespace symmbench
