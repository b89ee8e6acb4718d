#include "supervise/attribution.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace symmbench {
namespace {

using Kind = WorkerEnd::Kind;
using Waits = std::map<int, std::set<int>>;  ///< who waits for whom

/// "phase use, item bf16/1048576, iteration 12, driver call cuMemMap"
std::string whereabouts(const PageSnapshot& page, const std::vector<std::string>& item_names) {
  if (!page.started) return "before its main";
  std::string text = fmt::format("in phase {}", name_of(page.phase));
  if (!page.allocator.empty()) text += fmt::format(" of {}", page.allocator);
  if (page.item >= 0 && page.item < static_cast<int>(item_names.size())) {
    text += fmt::format(", item {}", item_names[static_cast<std::size_t>(page.item)]);
  }
  if (page.iteration > 0) text += fmt::format(", iteration {}", page.iteration);
  if (!page.driver_call.empty()) text += fmt::format(", driver call {}", page.driver_call);
  return text;
}

/// With what only the page of its rank knows: whose work it was, in which process, and what that was doing.
Failure with_page(Failure failure, const std::vector<MemberReport>& members,
                  const std::vector<std::string>& item_names) {
  const auto member =
      std::find_if(members.begin(), members.end(), [&](const auto& each) { return each.rank == failure.rank; });
  if (member == members.end() || member->page_unknown) return failure;
  const PageSnapshot& page = member->page;
  if (failure.allocator.empty()) failure.allocator = page.allocator;
  if (!failure.pid && page.pid != 0) failure.pid = page.pid;
  if (failure.doing.empty()) failure.doing = whereabouts(page, item_names);
  return failure;
}

/// In whose work all of these ranks wait; "" when they do not agree.
std::string common_allocator(const std::vector<MemberReport>& members, const std::set<int>& ranks) {
  std::set<std::string> names;
  for (const MemberReport& member : members) {
    if (ranks.contains(member.rank)) names.insert(member.page.allocator);
  }
  return names.size() == 1 ? *names.begin() : std::string{};
}

Failure death(const MemberReport& member, const std::vector<std::string>& item_names) {
  const bool crashed = member.end.kind == Kind::signalled;
  const std::string what = crashed ? fmt::format("worker killed by {}", signal_name(member.end.code))
                                   : fmt::format("worker left with status {} without a word", member.end.code);
  const bool by_somebody = crashed && member.end.code == SIGKILL;
  std::string detail =
      fmt::format("{}{}{}", what, member.page_unknown ? "" : " " + whereabouts(member.page, item_names),
                  by_somebody ? " (not by its supervisor: out of memory, or somebody's kill)" : "");
  return {.layer = Layer::worker,
          .reason = crashed ? Reason::crashed : Reason::exited,
          .call = member.page.driver_call,
          .detail = std::move(detail),
          .phase = member.page.phase,
          .rank = member.rank,
          .code = member.end.code};
}

std::string_view wait_name(std::uint32_t tag) {
  switch (static_cast<WaitTag>(tag)) {
    case WaitTag::one_shot:
      return "one_shot";
    case WaitTag::two_shot_reduce:
      return "two_shot_reduce";
    case WaitTag::two_shot_gather:
      return "two_shot_gather";
    case WaitTag::barrier:
      return "barrier";
    case WaitTag::none:
      break;
  }
  return "unknown";
}

/// The kernel's own wait, from the page. Its peer is a group rank there.
std::optional<Failure> gave_up(const MemberReport& member, const std::vector<MemberReport>& members) {
  const GiveUpRecord& record = member.page.give_up;
  if (record.tag == 0) return std::nullopt;
  Failure failure{.layer = Layer::kernel,
                  .reason = Reason::timed_out,
                  .call = fmt::format("wait {}", wait_name(record.tag)),
                  .detail = fmt::format("slot {}, packet {}, call {}: expected {:#x}, saw {:#x}", record.slot,
                                        record.packet, record.call, record.expected, record.seen),
                  .phase = member.page.phase,
                  .rank = member.rank};
  if (record.peer >= 0 && record.peer < static_cast<int>(members.size())) {
    failure.peer = members[static_cast<std::size_t>(record.peer)].rank;
  }
  return failure;
}

bool has_kernel_wait(const MemberReport& member) {
  return std::any_of(member.said.begin(), member.said.end(), [](const Failure& failure) {
    return failure.layer == Layer::kernel && failure.reason == Reason::timed_out;
  });
}

Waits waits_of(const std::vector<MemberReport>& members) {
  Waits waits;
  const auto add = [&](int who, const std::optional<int>& whom) {
    if (whom && *whom != who) waits[who].insert(*whom);
  };
  for (const MemberReport& member : members) {
    for (const Failure& failure : member.said) {
      if (is_wait(failure)) add(failure.rank.value_or(member.rank), failure.peer);
    }
    if (const auto failure = gave_up(member, members)) add(member.rank, failure->peer);
    for (const int whom : member.waited_for) add(member.rank, whom);
  }
  return waits;
}

/// Everybody who waits for `target`, directly or through others.
std::set<int> waiters_for(int target, const Waits& waits) {
  std::set<int> found;
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& [who, whom] : waits) {
      const bool reaches =
          std::any_of(whom.begin(), whom.end(), [&](int rank) { return rank == target || found.contains(rank); });
      if (reaches && who != target) grew |= found.insert(who).second;
    }
  }
  return found;
}

bool died(const MemberReport& member) { return member.end.kind == Kind::signalled || member.end.kind == Kind::exited; }

/// The rank that others wait for, that waits for nobody, that lived and that kept silent (who speaks is not stuck);
/// failing that, one that overdrew its own allowance.
const MemberReport* stuck_member(const std::vector<MemberReport>& members, const Waits& waits) {
  const MemberReport* best = nullptr;
  std::size_t most = 0;
  for (const MemberReport& member : members) {
    const bool explained = waits.contains(member.rank) || !member.said.empty() || died(member);
    if (explained || member.end.kind == Kind::done) continue;
    const auto waiters = waiters_for(member.rank, waits).size();
    if (waiters > most || (waiters == 0 && member.hung && !best)) {
      best = &member;
      most = waiters;
    }
  }
  return best;
}

Failure stuck(const MemberReport& member, const std::set<int>& waiters, const std::vector<std::string>& item_names) {
  const std::string for_it = waiters.empty() ? ""
                                             : fmt::format("; rank{} {} waited for it", waiters.size() == 1 ? "" : "s",
                                                           fmt::join(waiters, ", "));
  if (member.page_unknown) {
    return {.layer = Layer::supervisor,
            .reason = Reason::timed_out,
            .detail = fmt::format("rank {}'s supervisor does not answer; what its worker does is not known{}",
                                  member.rank, for_it),
            .rank = member.rank};
  }
  std::string detail = fmt::format("rank {} did not move for {:.3g} s {}", member.rank, member.page.idle_s,
                                   whereabouts(member.page, item_names));
  if (!member.process.empty()) detail += "; its process: " + member.process;
  detail += for_it;
  return {.layer = Layer::worker,
          .reason = Reason::timed_out,
          .call = member.page.driver_call,
          .detail = std::move(detail),
          .phase = member.page.phase,
          .rank = member.rank};
}

/// The first that its supervisor found hung, unless somebody had died before that; nullptr: nobody.
const MemberReport* hung_before_deaths(const std::vector<MemberReport>& members) {
  const MemberReport* first = nullptr;
  for (const MemberReport& member : members) {
    if (member.hung && (!first || member.found_hung.by < first->found_hung.by)) first = &member;
  }
  const bool follows = first && std::any_of(members.begin(), members.end(), [&](const MemberReport& other) {
                         return died(other) && precedes(other.seen, first->found_hung);
                       });
  return follows ? nullptr : first;
}

/// "; rank 3's worker died too, 0.8 ms before or after: which was first is not known" for each death that may have been
/// before the one of `first`.
std::string doubt(const MemberReport& first, const std::vector<MemberReport>& members) {
  std::string text;
  for (const MemberReport& other : members) {
    if (&other == &first || !died(other) || precedes(first.seen, other.seen)) continue;
    const auto latest = std::max(first.seen.by, other.seen.by), earliest = std::min(first.seen.after, other.seen.after);
    const bool bounded = latest != Clock::time_point::max() && earliest != Clock::time_point::min();
    text += fmt::format("; rank {}'s worker died too{}: which was first is not known", other.rank,
                        bounded ? fmt::format(", within {:.1f} ms of it",
                                              std::chrono::duration<double, std::milli>(latest - earliest).count())
                                : "");
  }
  return text;
}

/// The supervisor that did not run for longest; nullopt: all ran.
std::optional<Failure> pause(const std::vector<MemberReport>& members) {
  const auto longest = std::max_element(members.begin(), members.end(),
                                        [](const auto& a, const auto& b) { return a.paused_s < b.paused_s; });
  if (longest->paused_s <= 0) return std::nullopt;
  std::vector<int> too;
  for (const MemberReport& member : members) {
    if (&member != &*longest && member.paused_s > 0) too.push_back(member.rank);
  }
  const auto others =
      too.empty() ? "" : fmt::format("; so it was with rank{} {}", too.size() == 1 ? "" : "s", fmt::join(too, ", "));
  return Failure{.layer = Layer::supervisor,
                 .reason = Reason::timed_out,
                 .detail = fmt::format(
                     "rank {}'s supervisor did not run for {:.3g} s: it was stopped, or kept waiting by the system{}",
                     longest->rank, longest->paused_s, others),
                 .rank = longest->rank};
}

/// Lower is more telling: which of several vain waits to show when nobody in particular is stuck.
int vagueness(const Failure& failure) {
  if (failure.reason == Reason::peer_failed) return 2;
  return failure.layer == Layer::comm ? 1 : 0;
}

/// How far a kernel had come that gave up. Whoever waited at the earlier place has the cause before it: the others waited
/// for what could not come any more.
std::tuple<std::uint64_t, std::uint32_t, std::uint64_t> wait_place(const GiveUpRecord& record) {
  if (record.tag == 0) return {UINT64_MAX, 0, 0};
  const bool barrier = static_cast<WaitTag>(record.tag) == WaitTag::barrier;
  return {record.call, record.tag, barrier ? record.expected : 0};
}

}  // namespace

bool is_wait(const Failure& failure) {
  return failure.reason == Reason::timed_out || failure.reason == Reason::peer_failed;
}

Attribution attribute(const std::vector<MemberReport>& members, const std::vector<std::string>& item_names) {
  // 1. Everything that was said or can be read off, root cause candidates by kind.
  struct Statement {
    const MemberReport* by;
    Failure failure;
  };
  const auto located = [&](Failure failure) { return with_page(std::move(failure), members, item_names); };
  std::vector<Statement> deaths, own, waits;
  for (const MemberReport& member : members) {
    if (died(member)) deaths.push_back({&member, located(death(member, item_names))});
    for (Failure failure : member.said) {
      if (!failure.rank) failure.rank = member.rank;
      (is_wait(failure) ? waits : own).push_back({&member, located(std::move(failure))});
    }
    if (!has_kernel_wait(member)) {  // otherwise it said so itself, and better
      if (auto failure = gave_up(member, members)) waits.push_back({&member, located(std::move(*failure))});
    }
  }
  const auto earlier = [](const Statement& a, const Statement& b) {
    return std::pair(a.by->seen.by, a.by->order) < std::pair(b.by->seen.by, b.by->order);
  };
  std::stable_sort(deaths.begin(), deaths.end(), earlier);
  std::stable_sort(own.begin(), own.end(), earlier);
  std::stable_sort(waits.begin(), waits.end(), [](const Statement& a, const Statement& b) {
    return std::tuple(vagueness(a.failure), wait_place(a.by->page.give_up), a.by->order) <
           std::tuple(vagueness(b.failure), wait_place(b.by->page.give_up), b.by->order);
  });

  // 2. The most telling one.
  Attribution attribution;
  const Waits graph = waits_of(members);
  const MemberReport* hung_first = deaths.empty() ? nullptr : hung_before_deaths(members);
  if (!deaths.empty() && !hung_first) {
    attribution.failure = deaths.front().failure;
  } else if (!own.empty() && !hung_first) {
    attribution.failure = own.front().failure;
  } else if (const MemberReport* culprit = stuck_member(members, graph); culprit || hung_first) {
    if (!culprit) culprit = hung_first;
    const auto waiters = waiters_for(culprit->rank, graph);
    attribution.failure = located(stuck(*culprit, waiters, item_names));
    if (attribution.failure.allocator.empty()) attribution.failure.allocator = common_allocator(members, waiters);
  } else if (!waits.empty()) {
    attribution.failure = waits.front().failure;
  } else {
    const auto hung = std::find_if(members.begin(), members.end(), [](const auto& each) { return each.hung; });
    attribution.failure = located(stuck(hung == members.end() ? members.front() : *hung, {}, item_names));
  }
  attribution.hung = attribution.failure.reason == Reason::timed_out;
  if (auto paused = attribution.hung || is_wait(attribution.failure) ? pause(members) : std::nullopt) {
    attribution.others.push_back(std::exchange(attribution.failure, std::move(*paused)));
    attribution.hung = true;
  }

  // 3. The rest, once each.
  std::set<std::string> shown{describe(attribution.failure)};
  for (const Failure& other : attribution.others) shown.insert(describe(other));
  if (!deaths.empty() && !hung_first) attribution.failure.detail += doubt(*deaths.front().by, members);
  for (const auto* statements : {&deaths, &own, &waits}) {
    for (const Statement& statement : *statements) {
      if (shown.insert(describe(statement.failure)).second) attribution.others.push_back(statement.failure);
    }
  }
  return attribution;
}

}  // namespace symmbench
