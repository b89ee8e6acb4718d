#include "job/arrivals.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <system_error>
#include <utility>
#include <vector>

#include "bench/machine_load.hpp"
#include "comm/host_name.hpp"
#include "core/clock.hpp"
#include "core/deadlines.hpp"
#include "core/finishes_within.hpp"
#include "core/log.hpp"
#include "core/shown_text.hpp"
#include "job/launcher_line.hpp"
#include "job/run_deadlines.hpp"

namespace symmbench {
namespace {

constexpr double kBetweenLooks_s = 2;
constexpr double kLookOften = 4;  ///< ranks of a host
/// The first process that ends takes all others with it, so those who know more end first.
constexpr double kKnowsNoName_s = 2, kIsNotSpeaker_s = 4;

const char* variable(const char* name) { return std::getenv(name); }

std::string text_of(const std::set<int>& ranks) {
  return fmt::format("rank{} {}", ranks.size() == 1 ? "" : "s", fmt::join(ranks, ", "));
}

/// The lowest rank of this host that has come speaks for all.
std::optional<int> speaker(const LaunchView& view) {
  const auto first = std::ranges::find_if(view.ranks, [](const auto& one) { return one.second.arrived; });
  return first == view.ranks.end() ? std::nullopt : std::optional(first->first);
}

}  // namespace

Arrivals::Arrivals(LaunchPlace place, std::string host, double widened_by)
    : place_(std::move(place)),
      host_(std::move(host)),
      bound_s_(deadline::kMpiInit_s * widened_by),
      first_look_s_(deadline::kMpiInitLook_s * widened_by) {}

double Arrivals::between_looks_s() const {
  const int place_here = place_.ranks_here.value_or(0) > 0 ? place_.rank % *place_.ranks_here : place_.rank;
  return kBetweenLooks_s * std::max(1.0, (1 + place_here) / kLookOften);
}

/// "rank 2 (pid 99 on node1, `sleep 1000`), which has not called it"; empty where all of this host have come.
std::string Arrivals::missing_here(const LaunchView& view) const {
  std::vector<std::string> missing;
  for (const auto& [rank, process] : view.ranks) {
    if (process.arrived && !process.stopped) continue;
    missing.push_back(fmt::format("rank {} (pid {} on {}, `{}`), which {}", rank, process.pid, host_,
                                  in_short(masked_launcher_line(process.command)),
                                  process.stopped ? "is stopped by a signal or a debugger" : "has not called it"));
  }
  return fmt::format("{}", fmt::join(missing, "; "));
}

/// A rank that has ended never comes; MPI does not notice.
std::optional<Arrivals::Answer> Arrivals::of_ended(const LaunchView& view, double waited_s) {
  std::set<int> ended;
  for (const int rank : known_) {
    if (!view.ranks.contains(rank)) ended.insert(rank);
  }
  bool unknown = false;
  if (view.whole && waited_s >= first_look_s_) {
    if (place_.ranks_here == place_.ranks) {
      for (int rank = 0; rank < place_.ranks; ++rank) {
        if (!view.ranks.contains(rank)) ended.insert(rank);
      }
    } else {
      unknown = view.ranks.size() + ended.size() < static_cast<std::size_t>(place_.ranks_here.value_or(0));
    }
  }
  const bool certain = (!ended.empty() && ended == ended_before_) || (unknown && ended_unknown_before_);
  ended_before_ = ended;
  ended_unknown_before_ = unknown;
  if (!certain) return std::nullopt;
  const std::string who =
      !ended.empty() ? fmt::format("{} on {}", text_of(ended), host_)
                     : fmt::format("{} of the {} ranks of {}", *place_.ranks_here - static_cast<int>(view.ranks.size()),
                                   *place_.ranks_here, host_);
  return Answer{.say = fmt::format("symmbench: {} ended before calling MPI_Init, which waits for {} in vain", who,
                                   ended.size() == 1 ? "it" : "them"),
                .give_up = true};
}

Arrivals::Answer Arrivals::look(const LaunchView& view, double waited_s) {
  const auto spoken_by = speaker(view);
  const bool speaks = !spoken_by || *spoken_by == place_.rank;
  for (const auto& [rank, process] : view.ranks) known_.insert(rank);
  const auto answer = [&](std::string text, bool knows) {
    return Answer{.say = std::move(text),
                  .give_up = true,
                  .speaks_after_s = (knows ? 0 : kKnowsNoName_s) + (speaks ? 0 : kIsNotSpeaker_s)};
  };
  if (const auto ended = of_ended(view, waited_s)) return answer(ended->say, true);
  const std::string missing = missing_here(view);
  if (waited_s >= bound_s_) {
    std::string why = missing;
    if (why.empty()) {
      std::set<int> here;
      for (const auto& [rank, process] : view.ranks) here.insert(rank);
      why = static_cast<int>(here.size()) == place_.ranks
                ? fmt::format(
                      "none of the {} ranks, which all came: MPI itself does not get on (a network that is not "
                      "reached, a shared memory that is full)",
                      place_.ranks)
                : fmt::format("a rank that cannot be seen from {}, where {} of {} came: {}", host_, here.size(),
                              place_.ranks > 0 ? std::to_string(place_.ranks) : "all", text_of(here));
    }
    return answer(fmt::format("symmbench: MPI_Init did not return within {:.3g} s: it waits for {}", bound_s_, why),
                  !missing.empty());
  }
  if (missing.empty() || said_ || !speaks || waited_s < deadline::kMpiInitLook_s) return {};
  said_ = true;
  return {.say = fmt::format("symmbench: MPI_Init has been waiting for {:.0f} s: for {}. In {:.0f} s the run ends",
                             waited_s, missing, bound_s_ - waited_s)};
}

ArrivalWatch::ArrivalWatch(double widened_by) {
  auto place = launch_place(variable);
  if (!place) return;
  announce_arrival();
  // Signals are for the thread that is in MPI_Init.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ =
        std::thread([this, place = *place, widened_by] { watch(Arrivals(place, host_name(), widened_by), place); });
  } catch (const std::system_error&) {  // MpiSession has a bound of its own
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ArrivalWatch::~ArrivalWatch() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool ArrivalWatch::over_within(double seconds) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return over_; });
}

void ArrivalWatch::watch(Arrivals arrivals, const LaunchPlace& place) {
  const auto begun = Clock::now();
  double next_s = std::clamp(arrivals.between_looks_s(), deadline::kMpiInitLook_s, arrivals.bound_s());
  LaunchView view;
  while (!over_within(next_s)) {
    const double waited_s = microseconds_since(begun) / 1e6;
    // Reading what a process was started with waits for one that is stuck in the kernel, whosever it is.
    if (auto now = result_within(deadline::kFileSystem_s, [place] { return look_at_launch(place); })) view = *now;
    const auto answer = arrivals.look(view, waited_s);
    if (answer.give_up) {
      if (over_within(answer.speaks_after_s)) return;
      log_line("{}", answer.say);
      ::_exit(deadline::kGivenUpStatus);
    }
    if (!answer.say.empty()) log_line("{}", answer.say);
    next_s = std::clamp(arrivals.bound_s() - waited_s, 0.1, arrivals.between_looks_s());
  }
}

double start_widening(double scale) {
  Json facts = machine_load();
  // Launchers bind a rank to a core or two of those that all of them have.
  facts["cpus_allowed"] = nullptr;
  facts["cpus"] = ::sysconf(_SC_NPROCESSORS_ONLN);
  auto host = hosts_of_run({Json{{"facts", std::move(facts)}}}).front().load;
  if (const auto place = launch_place(variable)) host.ranks = place->ranks_here.value_or(1);
  return widening(host) * std::max(scale, 1.0);
}

}  // namespace symmbench
