#pragma once
#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace symmbench {

/// What a launcher tells each process that it starts, before that process knows of MPI.
struct LaunchPlace {
  std::vector<std::string>
      job;        ///< entries "NAME=value" of the environment that all processes of this launch have alike
  int rank = 0;   ///< in the world
  int ranks = 0;  ///< of the world; 0: not told
  std::optional<int> ranks_here;  ///< of them on this host
};

/// From Open MPI's mpirun, or another launcher that speaks PMIx. nullopt: there was none, or it does not say.
/// `value_of` as std::getenv.
std::optional<LaunchPlace> launch_place(const char* (*value_of)(const char* name));

/// One rank's process on this host; where a wrapper has started others, the youngest of them.
struct LaunchedRank {
  pid_t pid = 0;
  bool arrived = false;                   ///< some process of the rank called announce_arrival()
  bool stopped = false;                   ///< by a signal or a debugger
  std::vector<std::string> command = {};  ///< its words; none where it is about to end
};

/// What can be seen of a launch from one of its processes.
struct LaunchView {
  std::map<int, LaunchedRank> ranks;  ///< on this host, by world rank
  /// The launcher's process and everything that it started here are in sight: a rank of this host that is not among
  /// `ranks` has ended, or is not yet started.
  bool whole = false;
};

/// Looks through /proc. Costs a few ten microseconds for each process of this host.
LaunchView look_at_launch(const LaunchPlace& place);

/// Tells whoever calls look_at_launch() that this process, whose environment has its rank, is about to call MPI_Init: by the
/// name of its main thread, which is "symmbench-rank" from now on.
void announce_arrival();

}  // namespace symmbench
