#include "supervise/peer_watch.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "journal/records.hpp"

namespace symmbench {
namespace {

/// Of a process on another host: dead, frozen, or cut off from the network, all look alike.
constexpr const char* kOutOfSight = "out of sight from here, so that no more than its silence is known";

/// "row of CASE", "rank": enough to find it in the journal.
std::string words_of(const Json& record) {
  std::string text = type_of(record);
  if (const auto id = record.find("case_id"); id != record.end() && id->is_string()) {
    text += " of " + id->get<std::string>();
  }
  return text;
}

Failure failure_at(int rank, const ProcessIdentity& who) {
  Failure failure{.layer = Layer::supervisor, .rank = rank};
  failure.host = who.host;
  if (who.pid != 0) failure.pid = who.pid;
  return failure;
}

double seconds_since(Clock::time_point then) { return std::chrono::duration<double>(Clock::now() - then).count(); }

}  // namespace

void PeerWatch::heard(int rank) { at(rank).heard = Clock::now(); }

void PeerWatch::recorded(int rank, const Json& record) { at(rank).last_record = words_of(record); }

Failure PeerWatch::death_of(int rank) const {
  const Peer& peer = peers_[static_cast<std::size_t>(rank)];
  Failure failure = failure_at(rank, peer.who);
  failure.reason = Reason::crashed;
  failure.doing = peer.last_record.empty() ? "it had recorded nothing" : "its last record was: " + peer.last_record;
  failure.detail = fmt::format("rank {}'s process ({}) died; {}", rank, peer.who.text(), failure.doing);
  if (peer.heard) failure.detail += fmt::format("; last heard of {:.1f} s before", seconds_since(*peer.heard));
  return failure;
}

std::optional<Failure> PeerWatch::death() {
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    Peer& peer = peers_[i];
    if (peer.leaves || look_at(peer.who) != ProcessSight::gone) continue;
    peer.leaves = true;
    return death_of(static_cast<int>(i));
  }
  return std::nullopt;
}

std::optional<Failure> PeerWatch::frozen(int self, double silent_s) {
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    const int rank = static_cast<int>(i);
    if (rank == self || peers_[i].leaves || !peers_[i].heard) continue;
    const double since_s = seconds_since(*peers_[i].heard);
    if (since_s <= silent_s) continue;
    peers_[i].leaves = true;
    return silence(rank, since_s);
  }
  return std::nullopt;
}

void PeerWatch::start_anew() {
  for (Peer& peer : peers_) peer.heard = Clock::now();
}

void PeerWatch::could_not_hear_for(double seconds) {
  const auto now = Clock::now();
  for (Peer& peer : peers_) {
    if (peer.heard) peer.heard = std::min(now, *peer.heard + nanoseconds_of(seconds));
  }
}

std::string PeerWatch::sight(int rank) const {
  const ProcessIdentity& who = peers_.at(static_cast<std::size_t>(rank)).who;
  switch (look_at(who)) {
    case ProcessSight::unseen:
      return fmt::format("{}: {}{}", who.text(), kOutOfSight, host_of_silence(rank));
    case ProcessSight::gone:
      return who.text() + ": dead";
    case ProcessSight::alive:
    case ProcessSight::stopped:
      break;
  }
  return fmt::format("{}: {}", who.text(), proc_evidence(who.pid));
}

/// "; nothing came from rank 3 either, and they are all of node-b: the host, or the network to it"; "" where one of the host's
/// was heard in half the time, it has no other, or the job is all there.
std::string PeerWatch::host_of_silence(int rank) const {
  const auto& [who, leaves, heard, last_record] = peers_[static_cast<std::size_t>(rank)];
  if (!heard) return "";
  const double silent_s = seconds_since(*heard);
  std::vector<int> others;
  bool elsewhere = false;
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    const Peer& peer = peers_[i];
    if (static_cast<int>(i) == rank) continue;
    if (peer.who.host != who.host) {
      elsewhere = true;
      continue;
    }
    if (peer.leaves) continue;
    if (!peer.heard || seconds_since(*peer.heard) < silent_s / 2) return "";
    others.push_back(static_cast<int>(i));
  }
  if (!elsewhere || others.empty()) return "";
  return fmt::format("; nothing came from rank{} {} either, and they are all of {}: the host, or the network to it",
                     others.size() == 1 ? "" : "s", fmt::join(others, ", "), who.host);
}

Failure PeerWatch::silence(int rank, double silent_s) const {
  const ProcessIdentity& who = peers_.at(static_cast<std::size_t>(rank)).who;
  const ProcessSight sight = look_at(who);
  if (sight == ProcessSight::gone) return death_of(rank);
  Failure failure = failure_at(rank, who);
  failure.reason = Reason::timed_out;
  failure.doing = sight == ProcessSight::unseen ? kOutOfSight : proc_evidence(who.pid);
  failure.detail = fmt::format("rank {}'s process ({}) said nothing for {:.3g} s{}{}{}", rank, who.text(), silent_s,
                               failure.doing.empty() ? "" : ": ", failure.doing, host_of_silence(rank));
  return failure;
}

std::vector<std::string> PeerWatch::silent(double silent_s) const {
  std::vector<std::string> lines;
  for (std::size_t rank = 0; rank < peers_.size(); ++rank) {
    const Peer& peer = peers_[rank];
    if (peer.leaves || !peer.heard || look_at(peer.who) != ProcessSight::unseen) continue;
    if (const double since_s = seconds_since(*peer.heard); since_s > silent_s) {
      lines.push_back(fmt::format("rank {} ({}) had last been heard of {:.1f} s before the run was stopped; {}", rank,
                                  peer.who.text(), since_s, kOutOfSight));
    }
  }
  return lines;
}

}  // namespace symmbench
