#include "report/next_step.hpp"

#include <fmt/format.h>

namespace symmbench {
namespace {

std::string advice_on_wrong_data(Shared shared) {
  switch (shared) {
    case Shared::by_some:
      return "do not use this allocator here: results[].blame names source rank and block; run again with another "
             "--handle";
    case Shared::by_all:
      return "all allocators fail alike: it is what they share, the fabric (nvidia-smi nvlink -e), the driver or the "
             "handle type (another --handle); results[].blame names source rank and block";
    case Shared::unknown:
      break;
  }
  return "results[].blame names source rank and block; run again with another --allocator and another --handle, which "
         "tells what it comes with";
}

}  // namespace

bool did_not_move(const Failure& failure) {
  return failure.layer == Layer::worker || failure.layer == Layer::supervisor;
}

std::string next_step(const Failure& failure, Shared shared) {
  const auto whom = did_not_move(failure) ? failure.rank : failure.peer;
  const auto suspect = whom ? fmt::format("rank {}", *whom) : std::string("the rank it waited for");
  switch (failure.reason) {
    case Reason::timed_out:
      return fmt::format("look at {}: its host, its log, its GPU; then run again with only its host's ranks", suspect);
    case Reason::peer_failed:
      return fmt::format("look at {}: this rank only noticed", suspect);
    case Reason::crashed:
      if (failure.layer == Layer::supervisor) {
        return fmt::format("look at {}'s host: its kernel log (out of memory?) and the launcher's messages", suspect);
      }
      return "read that rank's stderr (in mpirun's output) and its host's kernel log; run again with --isolation none "
             "in a "
             "debugger";
    case Reason::exited:
      return "read that rank's stderr (in mpirun's output): the worker left by itself";
    case Reason::wrong_data:
      return advice_on_wrong_data(shared);
    case Reason::corrupted:
      return "memory was overwritten: run the case by itself, then with each other allocator, to see who writes";
    case Reason::not_permitted:
      return "fabric handles need an IMEX channel (/dev/nvidia-caps-imex-channels) and its daemon; or use --handle "
             "posix_fd";
    case Reason::not_ready:
      return "the fabric is not up: check the fabric manager service and `nvidia-smi -q` (Fabric: State, Status)";
    case Reason::not_supported:
      return "this machine lacks the feature: ranks[] lists what it has; choose another --handle or --device";
    case Reason::out_of_memory:
      return "free memory, or lower --maxbytes: `symmbench plan` prints what the run needs";
    case Reason::disagreement:
      return "ranks differ: compare host, driver and environment of the ranks in ranks[]";
    case Reason::invalid_handle:
    case Reason::illegal_state:
    case Reason::invalid_argument:
      if (shared == Shared::by_all) {
        return "all allocators fail alike: it is what they share, the driver, the fabric (nvidia-smi -q) or the handle "
               "type (another --handle)";
      }
      return "compare stability[].driver_calls of the allocators: one of them makes a call that this driver refuses";
    case Reason::illegal_address:
      return "a kernel left its memory: run the case by itself; check the GPU's Xid errors in the kernel log";
    case Reason::capacity_exceeded:
      return "the workspace is too small for the case: lower --maxbytes or choose another --algorithm";
    case Reason::interrupted:
      return "run again; results[] holds what was measured before";
    case Reason::io_error:
      return "check disk space, permissions and descriptor limits (ulimit -n) on that host";
    case Reason::internal:
      break;
  }
  return "a fault of symmbench itself: keep the report and its journal for a bug report";
}

}  // namespace symmbench
