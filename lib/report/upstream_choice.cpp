#include "report/upstream_choice.hpp"

#include <fmt/format.h>

#include <set>
#include <string_view>

#include "catalog/algorithms.hpp"
#include "catalog/allocators.hpp"
#include "catalog/upstream_stacks.hpp"
#include "catalog/workspaces.hpp"
#include "core/text.hpp"
#include "report/pick.hpp"

namespace symmbench {
namespace {

constexpr double kMebibyte = 1 << 20;

/// What one stack takes; null where it takes none or where that is not known.
struct Taken {
  Json workspace = nullptr, allocator = nullptr, algorithm = nullptr;
  std::string reason;
};

/// MiB for so many ranks.
struct RankLimit {
  int ranks;
  double mebibytes;
};
template <std::size_t N>
std::optional<double> limit_for(const RankLimit (&limits)[N], int ranks) {
  for (const RankLimit& limit : limits) {
    if (limit.ranks == ranks) return limit.mebibytes * kMebibyte;
  }
  return std::nullopt;
}

std::string bytes_text(double bytes) { return format_bytes(static_cast<std::uint64_t>(bytes)); }

/// FlashInfer's rules of one_shot (comm/trtllm_ar.py, comm/trtllm_mnnvl_ar.py).
void take_algorithm(Taken& taken, WorkspaceKind workspace, const UpstreamCall& call) {
  constexpr RankLimit kTwiceRanksTimesPayload[] = {{2, 512}, {4, 64}, {8, 42}};
  const double to_all = static_cast<double>(call.message_bytes) * call.ranks;
  double limit = kMebibyte / call.ranks;
  bool small = to_all <= kMebibyte;
  if (workspace == WorkspaceKind::trtllm_fusion) {
    const auto most = limit_for(kTwiceRanksTimesPayload, call.ranks);
    if (!most) {
      taken.reason += fmt::format("; its rule for one_shot has no entry for {} ranks", call.ranks);
      return;
    }
    limit = *most / 2 / call.ranks;
    small = 2 * to_all <= *most;
  }
  taken.algorithm = name_of(small ? Algorithm::one_shot : Algorithm::two_shot);
  taken.reason += fmt::format("; one_shot up to {} on {} ranks", bytes_text(limit), call.ranks);
}

/// Its unified class over `workspace`: torch's memory under Confidential Computing only.
Taken flashinfer_class(WorkspaceKind workspace, const UpstreamFacts& facts, const UpstreamCall& call,
                       std::string reason) {
  Taken taken{.workspace = name_of(workspace), .reason = std::move(reason)};
  if (workspace == WorkspaceKind::mnnvl || facts.confidential) {
    const bool torch = workspace != WorkspaceKind::mnnvl && *facts.confidential;
    taken.allocator = name_of(torch ? AllocatorKind::torch_symm_mem : AllocatorKind::symm_device_memory);
  } else {
    taken.reason += "; the allocator depends on whether Confidential Computing is on, which is not known";
  }
  take_algorithm(taken, workspace, call);
  return taken;
}

Taken flashinfer(const UpstreamFacts& facts, const UpstreamCall& call) {
  if (!facts.multicast) return {.reason = "whether all ranks have multicast is not known"};
  if (*facts.multicast && !facts.confidential) {
    return {.reason = "multicast on all ranks, but whether Confidential Computing is on is not known"};
  }
  if (*facts.multicast && !*facts.confidential) {
    return flashinfer_class(WorkspaceKind::mnnvl, facts, call, "multicast on all ranks");
  }
  const std::string why = *facts.multicast ? "Confidential Computing rules multicast out" : "no multicast";
  if (call.ranks > 16) return {.reason = fmt::format("{}, and trtllm has at most 16 ranks: an error", why)};
  return flashinfer_class(WorkspaceKind::trtllm_fusion, facts, call, why);
}

Taken sglang(const UpstreamFacts& facts, const UpstreamCall& call) {
  if (!facts.sm_version || !facts.hosts) return {.reason = "the SM version, or how many hosts there are, is not known"};
  const bool blackwell = *facts.sm_version == 100 || *facts.sm_version == 103;
  const auto sm = fmt::format("SM{}", *facts.sm_version);
  if (!blackwell && *facts.sm_version != 90) return {.reason = sm + ": an error"};
  if (*facts.hosts == 1) return flashinfer_class(WorkspaceKind::trtllm_fusion, facts, call, "one host, " + sm);
  if (!blackwell) return {.reason = fmt::format("{} hosts with {}: an error", *facts.hosts, sm)};
  return flashinfer_class(WorkspaceKind::mnnvl, facts, call, fmt::format("{} hosts, {}", *facts.hosts, sm));
}

Taken vllm(const UpstreamFacts& facts, const UpstreamCall& call) {
  constexpr RankLimit kMostOnSm103[] = {{2, 64}, {4, 80}, {8, 64}, {16, 16}};
  if (call.pattern != "allreduce") return {.reason = "its limits for fused patterns differ by version"};
  if (!facts.sm_version) return {.reason = "the SM version is not known"};
  if (*facts.sm_version != 103) {
    return {.reason = fmt::format("up to which payload it takes FlashInfer on SM{} is not known", *facts.sm_version)};
  }
  const auto most = limit_for(kMostOnSm103, call.ranks);
  if (!most) return {.reason = fmt::format("no payload is known for {} ranks", call.ranks)};
  const auto limit = fmt::format("up to {} on {} ranks of SM103", bytes_text(*most), call.ranks);
  if (static_cast<double>(call.message_bytes) > *most) {
    return {
        .workspace = name_of(Algorithm::nccl), .algorithm = name_of(Algorithm::nccl), .reason = "FlashInfer " + limit};
  }
  if (!facts.multicast)
    return {.reason = "FlashInfer " + limit + ", but whether all ranks have multicast is not known"};
  if (*facts.multicast) return flashinfer_class(WorkspaceKind::mnnvl, facts, call, "FlashInfer " + limit);
  if (!facts.hosts) return {.reason = "no multicast, and how many hosts there are is not known"};
  if (*facts.hosts > 1) return {.reason = fmt::format("no multicast over {} hosts: none", *facts.hosts)};
  return flashinfer_class(WorkspaceKind::trtllm_fusion, facts, call, "FlashInfer " + limit + ", no multicast");
}

Taken taken_by(UpstreamStack stack, const UpstreamFacts& facts, const UpstreamCall& call) {
  switch (stack) {
    case UpstreamStack::flashinfer:
      return flashinfer(facts, call);
    case UpstreamStack::sglang:
      return sglang(facts, call);
    case UpstreamStack::vllm:
      return vllm(facts, call);
  }
  return {};
}

Json text_or_null(std::string_view text) { return text.empty() ? Json(nullptr) : Json(text); }

/// What the device that the run used says of itself on one rank.
const Json& device_of(const Json& facts, const std::string& kind) {
  static const Json none = nullptr;
  for (const Json& device : member_of(facts, "devices")) {
    if (text_or(device, "kind") == kind) return device;
  }
  return none;
}

}  // namespace

UpstreamFacts upstream_facts(const RecordSet& records, int group) {
  const int size = records.started.group_size;
  const std::string kind = text_or(records.started.device, "kind");
  std::set<std::string> hosts;
  std::set<Json> sm_versions;
  bool host_unknown = false, multicast_unknown = false, confidential_unknown = false;
  bool multicast = true, confidential = false;
  int known = 0;
  for (const auto& [rank, facts] : records.rank_facts) {
    if (size < 1 || rank / size != group) continue;
    ++known;
    const auto host = text_or(facts, "boot_id", text_or(facts, "host"));
    host_unknown = host_unknown || host.empty();
    hosts.insert(host);
    const Json& device = device_of(facts, kind);
    sm_versions.insert(pick_integer(device, "sm_version"));
    const Json has_multicast = pick_flag(device, "multicast_supported"),
               is_confidential = pick_flag(device, "confidential_computing");
    multicast_unknown = multicast_unknown || has_multicast.is_null();
    confidential_unknown = confidential_unknown || is_confidential.is_null();
    multicast = multicast && has_multicast == true;
    confidential = confidential || is_confidential == true;
  }
  UpstreamFacts all;
  if (known == 0 || known != size) return all;
  if (!multicast_unknown) all.multicast = multicast;
  if (confidential || !confidential_unknown) all.confidential = confidential;
  if (!host_unknown) all.hosts = static_cast<int>(hosts.size());
  if (sm_versions.size() == 1 && sm_versions.begin()->is_number()) all.sm_version = sm_versions.begin()->get<int>();
  return all;
}

Json upstream_choice(const UpstreamFacts& facts, const UpstreamCall& call) {
  Json choices = Json::array();
  for (const UpstreamStackRow& row : kUpstreamStacks) {
    const Taken taken = taken_by(row.value, facts, call);
    choices.push_back({{"stack", row.name},
                       {"version", text_or_null(row.version)},
                       {"change", text_or_null(row.change)},
                       {"date", text_or_null(row.date)},
                       {"workspace", taken.workspace},
                       {"allocator", taken.allocator},
                       {"algorithm", taken.algorithm},
                       {"reason", taken.reason}});
  }
  return choices;
}

}  // namespace symmbench
