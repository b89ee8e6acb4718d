#pragma once
#include <functional>

#include "comm/mpi_transport.hpp"
#include "selftest/selftest_report.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// What a rank needs for its part in a self test. The same on every rank, but for `tell`.
struct SelftestJob {
  SelftestHead head;  ///< tool, command, and when it began; the rest is filled in
  SelftestPlan plan;
  WorkerTask task;                               ///< what workers do
  std::function<void(const TestedFault&)> tell;  ///< rank 0: hears of each fault when its run is judged
};

/// What all of them came to.
struct SelftestResult {
  int exit_code = 0;
  Json document = nullptr;  ///< rank 0: selftest_json()
  bool orderly = true;      ///< every rank is still there, so that something collective may follow
};

/// Collective. Provokes fault after fault, each in a job of its own among the ranks of this launch: other supervisors'
/// state, other sockets, other tags, fresh workers. Ends early when it is interrupted or a rank is lost.
/// @throws Error{config, ...} as scenarios_of(); Error{comm, ...} when a rank does not come
SelftestResult run_selftest(MpiSession& mpi, const SelftestJob& job);

}  // namespace symmbench
