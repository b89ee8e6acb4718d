#include "fault/faulty_communicator.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "memory/rendezvous.hpp"

namespace symmbench {
namespace {

/// Of the first block.
void change_request(Blob& bytes, const auto& change) {
  RendezvousRequest request;
  if (bytes.size() < sizeof request) return;
  std::memcpy(&request, bytes.data(), sizeof request);
  change(request);
  std::memcpy(bytes.data(), &request, sizeof request);
}

/// A workspace's request begins with the number of ranks, in 32 bits.
void enlarge_group(Blob& bytes) {
  std::int32_t ranks = 0;
  if (bytes.size() < sizeof ranks) return;
  std::memcpy(&ranks, bytes.data(), sizeof ranks);
  ++ranks;
  std::memcpy(bytes.data(), &ranks, sizeof ranks);
}

/// The socket's name is text in the message: one letter of it becomes another.
void rename_socket(Blob& bytes) {
  constexpr std::string_view kPrefix = "symmbench.";
  const auto same = [](std::byte byte, char letter) { return byte == static_cast<std::byte>(letter); };
  const auto at = std::search(bytes.begin(), bytes.end(), kPrefix.begin(), kPrefix.end(), same);
  if (at != bytes.end()) *at = std::byte{'S'};
}

/// What an effect changes, and in which round.
struct Change {
  FaultEffect effect;
  std::string_view step_ends_with;
  void (*apply)(Blob& bytes);
};
constexpr Change kChanges[] = {
    {FaultEffect::other_handle, "exchange: agreement",
     [](Blob& bytes) {
       change_request(bytes, [](RendezvousRequest& request) {
         request.handle = request.handle == HandleType::fabric ? HandleType::posix_fd : HandleType::fabric;
       });
     }},
    {FaultEffect::other_size, "exchange: agreement",
     [](Blob& bytes) { change_request(bytes, [](RendezvousRequest& request) { request.requested_bytes *= 2; }); }},
    {FaultEffect::other_group, "create: workspace request", enlarge_group},
    {FaultEffect::hide_socket, ": socket names", rename_socket},
};

}  // namespace

FaultyCommunicator::FaultyCommunicator(Communicator& inner, std::vector<const FaultSpec*> faults, PhaseNow phase_now)
    : inner_(inner), phase_now_(std::move(phase_now)) {
  for (const FaultSpec* spec : faults) planned_.push_back({.spec = spec});
}

std::vector<Blob> FaultyCommunicator::allgather(std::string_view step, std::span<const std::byte> mine) {
  Blob bytes(mine.begin(), mine.end());
  for (Planned& planned : planned_) {
    const FaultSpec& spec = *planned.spec;
    if (spec.phase && phase_now_() != spec.phase) continue;
    const auto change = std::ranges::find_if(kChanges, [&](const Change& each) {
      return each.effect == spec.fault->effect && step.ends_with(each.step_ends_with);
    });
    const bool one_more = spec.fault->effect == FaultEffect::one_more;
    if ((!one_more && change == std::end(kChanges)) || ++planned.met != spec.at) continue;
    ++*spec.struck;
    if (one_more) {
      inner_.allgather("a rendezvous of this rank alone", {});
    } else {
      change->apply(bytes);
    }
  }
  return inner_.allgather(step, bytes);
}

}  // namespace symmbench
