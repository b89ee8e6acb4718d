#include "bench/bisect_task.hpp"

#include <algorithm>

#include "bench/allocator_setup.hpp"
#include "bench/case_runner.hpp"
#include "comm/wire.hpp"
#include "core/clock.hpp"

namespace symmbench {
namespace {

constexpr std::string_view kPrefix = "bisect/";

/// `group` for fewer ranks.
CaseGroup group_of(const CaseGroup& group, int ranks) {
  CaseGroup smaller = group;
  Case& only = smaller.cases.front();
  only.group_size = only.shape.world_size = ranks;
  smaller.capacity = MessageCapacity(only.shape);
  return smaller;
}

/// What went wrong for these ranks together; nullopt: nothing.
std::optional<Failure> try_group(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group,
                                 Backend& backend, Stream& stream) {
  PhaseClock clock(context.heartbeat, deadlines_of(config).round_s);
  AllocatorSetup setup(context, config, group, group.allocators.front(), backend, stream);
  setup.try_bring_up(clock);
  if (setup.failure()) return setup.failure();
  if (!setup.ready().workspace) {
    return Failure{.layer = Layer::memory,
                   .reason = Reason::disagreement,
                   .detail = setup.handle().value("reason", std::string("no handle type can be used"))};
  }
  clock.entered(Phase::use);
  CaseRunner runner(context, config, backend, stream);
  auto failure = runner.run(group.cases.front(), {setup.ready()}).front().failure;
  try {
    setup.close(clock);
  } catch (const PhaseFailed& failed) {
    if (ranks_lost_each_other(failed.failure())) throw;
    if (!failure) failure = failed.failure();
  }
  return failure;
}

}  // namespace

std::string bisect_item_id(const std::vector<int>& world_ranks) {
  return std::string(kPrefix) + Json(world_ranks).dump();
}

std::vector<int> bisect_members(const std::string& item_id) try {
  return Json::parse(item_id.substr(item_id.starts_with(kPrefix) ? kPrefix.size() : item_id.size()))
      .get<std::vector<int>>();
} catch (const Json::exception&) {
  throw Error{
      {.layer = Layer::worker, .reason = Reason::invalid_argument, .detail = "no smaller group: '" + item_id + "'"}};
}

void run_bisect(WorkerContext& context, const WorkerConfig& config, const CaseGroup& group, double time_s,
                Backend& backend) {
  Communicator& comm = context.comm;
  const auto begun = Clock::now();
  const auto stream = backend.driver->make_stream();
  const WorkRequest of_allocator{.items = {{"", group.allocators}}};
  const double step_s = deadlines_of(config).round_s;
  for (std::size_t i = 0; i < context.request.items.size(); ++i) {
    context.heartbeat.item(static_cast<int>(i));
    context.heartbeat.allow(4 * step_s);  // the others' work, for a rank that only waits
    const std::uint8_t time_left = microseconds_since(begun) < time_s * 1e6 ? 1 : 0;
    if (allgather_value(comm, "bisect: next group", time_left).front() == 0) break;
    const auto members = bisect_members(context.request.items[i].case_id);
    std::vector<int> group_ranks;
    for (const int rank : members) group_ranks.push_back(rank - comm.world_rank(0));
    std::optional<Failure> failure;
    const auto start = Clock::now();
    if (std::ranges::find(group_ranks, comm.rank()) != group_ranks.end()) {
      const auto part = comm.among(group_ranks, i);
      WorkerContext smaller{.request = of_allocator,
                            .comm = *part,
                            .records = context.records,
                            .heartbeat = context.heartbeat,
                            .job_nonce = context.job_nonce,
                            .item_done = {}};
      failure = try_group(smaller, config, group_of(group, part->size()), backend, *stream);
    }
    // Every member has the same verdict; the leader need not be one.
    const auto told = comm.allgather("bisect: outcome of a group", encode_ballot(failure));
    if (comm.rank() != 0) continue;
    const auto& first = told.at(static_cast<std::size_t>(group_ranks.front()));
    context.records.append(to_json(BisectTestRecord{.group = group_index(comm),
                                                    .members = members,
                                                    .failure = decode_ballot(first),
                                                    .us = microseconds_since(start)}));
    context.item_done(static_cast<int>(i));
  }
  context.heartbeat.item(-1);
}

}  // namespace symmbench
