#include "supervise/coordinator_records.hpp"

#include <fmt/format.h>

#include "journal/records.hpp"

namespace symmbench {

Json restarted_event(int group, const WorkRequest& request) {
  std::vector<std::string> case_ids;
  for (std::size_t i = 0; i < request.items.size(); ++i) case_ids.push_back(name_of_item(request, i, 0));
  return to_json(EventRecord{.group = group,
                             .what = "worker_restarted",
                             .detail = request.rounds ? fmt::format("{}: attempt {}, from round {} on", request.label,
                                                                    request.attempt, request.rounds->done)
                                                      : fmt::format("{}: attempt {}, {} to do in it", request.label,
                                                                    request.attempt, request.items.size()),
                             .data = {{"label", request.label},
                                      {"attempt", request.attempt},
                                      {"case_ids", case_ids},
                                      {"allocators", allocators_of(request)},
                                      {"alone", request.alone}}});
}

Json cut_off_event(int group, const WorkRequest& request, std::size_t item, std::uint64_t round) {
  const std::string name = name_of_item(request, item, round);
  return to_json(EventRecord{
      .group = group,
      .what = "case_cut_off",
      .detail = fmt::format("{}: the run was stopped while it ran", name),
      .data = {
          {"label", request.label}, {"case_ids", std::vector{name}}, {"allocators", request.items[item].allocators}}});
}

Json given_up_event(int group, const GivenUp& given_up, const Failure& failure) {
  return to_json(EventRecord{.group = group,
                             .what = "group_skipped",
                             .detail = given_up.reason,
                             .data = {{"label", given_up.label},
                                      {"case_ids", given_up.case_ids},
                                      {"allocators", given_up.allocators},
                                      {"bring_up", given_up.bring_up},
                                      {"failure", to_json(failure)}}});
}

Json stuck_record(int group, const WorkRequest& request, const MemberReport& stuck) {
  FailureRecord record{
      .group = group, .attempt = request.attempt, .status = "hung", .failure = {}, .label = request.label};
  record.failure = {.layer = Layer::worker,
                    .reason = Reason::timed_out,
                    .call = stuck.page.driver_call,
                    .detail = fmt::format("the worker of rank {} cannot be killed: it hangs inside the kernel{}{}",
                                          stuck.rank, stuck.process.empty() ? "" : ": ", stuck.process),
                    .phase = stuck.page.phase,
                    .rank = stuck.rank};
  if (stuck.page.pid != 0) record.failure.pid = stuck.page.pid;
  return to_json(record);
}

}  // namespace symmbench
