#include "journal/records.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "journal/record_reader.hpp"

namespace symmbench {
namespace {

Json optional_failure_json(const std::optional<Failure>& failure) {
  return failure ? to_json(*failure) : Json(nullptr);
}

Json failures_json(const std::vector<Failure>& failures) {
  Json list = Json::array();
  for (const auto& failure : failures) list.push_back(to_json(failure));
  return list;
}

std::vector<Failure> failures_from(const RecordReader& reader, const char* key) {
  std::vector<Failure> failures;
  for (const Json& entry : reader.array(key)) {
    if (!entry.is_object()) reader.fail(key, "a list of failures");
    failures.push_back(failure_from_json(entry));
  }
  return failures;
}

std::vector<Json> objects_from(const RecordReader& reader, const char* key) {
  std::vector<Json> objects;
  for (const Json& entry : reader.array(key)) {
    if (!entry.is_object()) reader.fail(key, "a list of objects");
    objects.push_back(entry);
  }
  return objects;
}

Json blocks_json(const std::vector<SampleBlock>& blocks) {
  Json list = Json::array();
  for (const auto& block : blocks) {
    list.push_back({{"position", block.position}, {"placement", block.placement}, {"batch_us", block.batch_us}});
    if (block.slowed_ranks) list.back()["slowed_ranks"] = *block.slowed_ranks;
  }
  return list;
}

std::vector<SampleBlock> blocks_from(const RecordReader& reader, const char* key) {
  std::vector<SampleBlock> blocks;
  for (const Json& entry : reader.array(key)) {
    const bool well_formed = entry.is_object() && entry.contains("position") && entry["position"].is_number_integer() &&
                             entry.contains("batch_us") && entry["batch_us"].is_array();
    if (!well_formed) reader.fail(key, "a list of {position, batch_us}");
    SampleBlock block{.position = entry["position"].get<int>()};
    // Journals of versions with one placement do not say so.
    if (entry.contains("placement") && entry["placement"].is_number_integer()) {
      block.placement = entry["placement"].get<int>();
    }
    if (entry.contains("slowed_ranks") && entry["slowed_ranks"].is_array()) {
      block.slowed_ranks.emplace();
      for (const Json& rank : entry["slowed_ranks"]) {
        if (!rank.is_number_integer()) reader.fail(key, "a list of blocks whose slowed_ranks are ranks");
        block.slowed_ranks->push_back(rank.get<int>());
      }
    }
    for (const Json& time : entry["batch_us"]) {
      if (!time.is_number()) reader.fail(key, "a list of blocks whose batch_us are numbers");
      block.batch_us.push_back(time.get<double>());
    }
    blocks.push_back(std::move(block));
  }
  return blocks;
}

double number_from(const RecordReader& reader, const char* key) {
  const auto number = reader.optional_number(key);
  if (!number) reader.fail(key, "a number");
  return *number;
}

}  // namespace

std::string type_of(const Json& record) {
  const auto it = record.is_object() ? record.find("type") : record.end();
  return record.is_object() && it != record.end() && it->is_string() ? it->get<std::string>() : std::string{};
}

Json to_json(const RunStarted& record) {
  return {{"type", "run_started"},
          {"journal_version", kJournalVersion},
          {"tool", record.tool},
          {"run", record.run},
          {"device", record.device},
          {"world_size", record.world_size},
          {"group_size", record.group_size},
          {"planned_rows", record.planned_rows},
          {"planned_lifecycles", record.planned_lifecycles},
          {"strict", record.strict},
          {"raw_samples", record.raw_samples},
          {"skip_if_unsupported", record.skip_if_unsupported}};
}

RunStarted run_started_from(const Json& json) {
  const RecordReader reader(json, "run_started");
  const Json version = reader.value("journal_version");
  if (!version.is_null() && reader.integer("journal_version") != kJournalVersion) {
    throw Error({.layer = Layer::report,
                 .reason = Reason::not_supported,
                 .detail = fmt::format("the journal is of version {}, this program reads version {}", version.dump(),
                                       kJournalVersion)});
  }
  return {.tool = reader.value("tool"),
          .run = reader.value("run"),
          .device = reader.value("device"),
          .world_size = reader.integer("world_size"),
          .group_size = reader.integer("group_size"),
          .planned_rows = objects_from(reader, "planned_rows"),
          .planned_lifecycles = objects_from(reader, "planned_lifecycles"),
          .strict = reader.flag("strict"),
          .raw_samples = reader.flag("raw_samples"),
          .skip_if_unsupported = reader.flag("skip_if_unsupported")};
}

Json to_json(const RankFacts& record) { return {{"type", "rank"}, {"rank", record.rank}, {"facts", record.facts}}; }

RankFacts rank_facts_from(const Json& json) {
  const RecordReader reader(json, "rank");
  return {.rank = reader.integer("rank"), .facts = reader.value("facts")};
}

Json to_json(const RowRecord& record) {
  return {{"type", "row"},
          {"case_id", record.case_id},
          {"allocator", record.allocator},
          {"group", record.group},
          {"attempt", record.attempt},
          {"alone", record.alone},
          {"status", record.status},
          {"reason", json_or_null(record.reason)},
          {"failure", optional_failure_json(record.failure)},
          {"handle", record.handle},
          {"multicast", record.multicast},
          {"launch", record.launch},
          {"iterations_per_batch", record.iterations_per_batch},
          {"blocks", blocks_json(record.blocks)},
          {"rank_mean_us", record.rank_mean_us},
          {"checked_iterations", record.checked_iterations},
          {"checked_every", record.checked_every},
          {"wrong_elements", record.wrong_elements},
          {"max_error", json_or_null(record.max_error)},
          {"blame", record.blame},
          {"skew_us", record.skew_us},
          {"clock_error_us", json_or_null(record.clock_error_us)}};
}

RowRecord row_from(const Json& json) {
  const RecordReader reader(json, "row");
  return {.case_id = reader.text("case_id"),
          .allocator = reader.text("allocator"),
          .group = reader.integer("group"),
          .attempt = reader.integer("attempt"),
          .alone = reader.flag("alone"),
          .status = reader.text("status"),
          .reason = reader.optional_text("reason"),
          .failure = reader.optional_failure("failure"),
          .handle = reader.value("handle"),
          .multicast = reader.value("multicast"),
          .launch = reader.value("launch"),
          .iterations_per_batch = reader.count("iterations_per_batch"),
          .blocks = blocks_from(reader, "blocks"),
          .rank_mean_us = reader.numbers("rank_mean_us"),
          .checked_iterations = reader.count("checked_iterations"),
          .checked_every = reader.count("checked_every"),
          .wrong_elements = reader.count("wrong_elements"),
          .max_error = reader.optional_number("max_error"),
          .blame = reader.value("blame"),
          .skew_us = reader.numbers("skew_us"),
          .clock_error_us = reader.optional_number("clock_error_us")};
}

Json to_json(const FailureRecord& record) {
  return {{"type", "failure"},
          {"group", record.group},
          {"attempt", record.attempt},
          {"case_id", json_or_null(record.case_id)},
          {"allocators", record.allocators},
          {"alone", record.alone},
          {"status", record.status},
          {"failure", to_json(record.failure)},
          {"others", failures_json(record.others)},
          {"label", record.label}};
}

FailureRecord failure_record_from(const Json& json) {
  const RecordReader reader(json, "failure");
  return {.group = reader.integer("group"),
          .attempt = reader.integer("attempt"),
          .case_id = reader.optional_text("case_id"),
          .allocators = reader.texts("allocators"),
          .alone = reader.flag("alone"),
          .status = reader.text("status"),
          .failure = reader.failure("failure"),
          .others = failures_from(reader, "others"),
          .label = reader.text("label")};
}

Json to_json(const WorkspaceRecord& record) {
  return {{"type", "workspace"},
          {"group", record.group},
          {"workspace", record.workspace},
          {"transport", record.transport},
          {"allocator", record.allocator},
          {"handle", record.handle},
          {"segments", record.segments},
          {"driver_calls", record.driver_calls},
          {"differences", record.differences}};
}

WorkspaceRecord workspace_from(const Json& json) {
  const RecordReader reader(json, "workspace");
  return {.group = reader.integer("group"),
          .workspace = reader.text("workspace"),
          .transport = reader.text("transport"),
          .allocator = reader.text("allocator"),
          .handle = reader.value("handle"),
          .segments = objects_from(reader, "segments"),
          .driver_calls = objects_from(reader, "driver_calls"),
          .differences = objects_from(reader, "differences")};
}

Json to_json(const FloorsRecord& record) {
  return {{"type", "floors"},
          {"group", record.group},
          {"workspace", record.workspace},
          {"transport", record.transport},
          {"allocator", record.allocator},
          {"empty_kernel_us", record.empty_kernel_us},
          {"flag_barrier_us", record.flag_barrier_us},
          {"hop_us", record.hop_us},
          {"peer_write_gbs", record.peer_write_gbs},
          {"peer_read_gbs", record.peer_read_gbs}};
}

FloorsRecord floors_from(const Json& json) {
  const RecordReader reader(json, "floors");
  return {.group = reader.integer("group"),
          .workspace = reader.text("workspace"),
          .transport = reader.text("transport"),
          .allocator = reader.text("allocator"),
          .empty_kernel_us = number_from(reader, "empty_kernel_us"),
          .flag_barrier_us = number_from(reader, "flag_barrier_us"),
          .hop_us = number_from(reader, "hop_us"),
          .peer_write_gbs = number_from(reader, "peer_write_gbs"),
          .peer_read_gbs = number_from(reader, "peer_read_gbs")};
}

Json to_json(const LinkTimesRecord& record) {
  return {{"type", "link_times"},
          {"group", record.group},
          {"allocator", record.allocator},
          {"bytes", record.bytes},
          {"read_us", record.read_us}};
}

LinkTimesRecord link_times_from(const Json& json) {
  const RecordReader reader(json, "link_times");
  LinkTimesRecord record{reader.integer("group"), reader.text("allocator"), reader.count("bytes"), {}};
  const Json& rows = reader.array("read_us");
  for (const Json& row : rows) {
    const bool numbers = std::all_of(row.begin(), row.end(), [](const Json& us) { return us.is_number(); });
    if (!numbers || !row.is_array() || row.size() != rows.size()) reader.fail("read_us", "a square of numbers");
    record.read_us.push_back(row.get<std::vector<double>>());
  }
  return record;
}

Json to_json(const HandleTrialRecord& record) {
  return {{"type", "handle_trial"},
          {"group", record.group},
          {"allocator", record.allocator},
          {"handle", record.type},
          {"passed", json_or_null(record.passed)},
          {"failure", optional_failure_json(record.failure)},
          {"reason", record.reason}};
}

HandleTrialRecord handle_trial_from(const Json& json) {
  const RecordReader reader(json, "handle_trial");
  HandleTrialRecord record{.group = reader.integer("group"),
                           .allocator = reader.text("allocator"),
                           .type = reader.text("handle"),
                           .reason = reader.text("reason")};
  if (json.contains("passed") && json["passed"].is_boolean()) record.passed = json["passed"].get<bool>();
  if (json.contains("failure") && json["failure"].is_object()) record.failure = failure_from_json(json["failure"]);
  return record;
}

Json to_json(const ProbeRecord& record) { return {{"type", "probe"}, {"rank", record.rank}, {"data", record.data}}; }

ProbeRecord probe_from(const Json& json) {
  const RecordReader reader(json, "probe");
  if (!json.contains("data") || !json["data"].is_object()) reader.fail("data", "an object");
  return {.rank = reader.integer("rank"), .data = json["data"]};
}

Json to_json(const DeviceSampleRecord& record) {
  return {{"type", "device_sample"}, {"group", record.group}, {"rank", record.rank},    {"label", record.label},
          {"before", record.before}, {"after", record.after}, {"errors", record.errors}};
}

DeviceSampleRecord device_sample_from(const Json& json) {
  const RecordReader reader(json, "device_sample");
  return {.group = reader.integer("group"),
          .rank = reader.integer("rank"),
          .label = reader.text("label"),
          .before = reader.value("before"),
          .after = reader.value("after"),
          .errors = reader.value("errors")};
}

Json to_json(const KernelLogRecord& record) {
  return {{"type", "kernel_log"},  {"rank", record.rank}, {"unreadable", json_or_null(record.unreadable)},
          {"lines", record.lines}, {"cut", record.cut},   {"overwritten", record.overwritten}};
}

KernelLogRecord kernel_log_from(const Json& json) {
  const RecordReader reader(json, "kernel_log");
  return {.rank = reader.integer("rank"),
          .unreadable = reader.optional_text("unreadable"),
          .lines = reader.array("lines"),
          .cut = reader.count("cut"),
          .overwritten = reader.count("overwritten")};
}

Json to_json(const BisectTestRecord& record) {
  return {{"type", "bisect_test"},
          {"group", record.group},
          {"members", record.members},
          {"failure", optional_failure_json(record.failure)},
          {"us", record.us}};
}

BisectTestRecord bisect_test_from(const Json& json) {
  const RecordReader reader(json, "bisect_test");
  BisectTestRecord record{.group = reader.integer("group"), .us = number_from(reader, "us")};
  for (const Json& member : reader.array("members")) {
    if (!member.is_number_integer()) reader.fail("members", "a list of ranks");
    record.members.push_back(member.get<int>());
  }
  if (json.contains("failure") && json["failure"].is_object()) record.failure = failure_from_json(json["failure"]);
  return record;
}

Json to_json(const BisectRecord& record) {
  return {{"type", "bisect"}, {"group", record.group}, {"data", record.data}};
}

BisectRecord bisect_from(const Json& json) {
  const RecordReader reader(json, "bisect");
  if (!json.contains("data") || !json["data"].is_object()) reader.fail("data", "an object");
  return {.group = reader.integer("group"), .data = json["data"]};
}

Json to_json(const EventRecord& record) {
  return {{"type", "event"},
          {"group", record.group},
          {"what", record.what},
          {"detail", record.detail},
          {"data", record.data}};
}

EventRecord event_from(const Json& json) {
  const RecordReader reader(json, "event");
  return {.group = reader.integer("group"),
          .what = reader.text("what"),
          .detail = reader.text("detail"),
          .data = reader.value("data")};
}

Json to_json(const RunEnded& record) {
  return {{"type", "run_ended"},
          {"ended_at", record.ended_at},
          {"complete", record.complete},
          {"interrupted_by", json_or_null(record.interrupted_by)},
          {"unsupported", record.unsupported},
          {"instead", json_or_null(record.instead)}};
}

RunEnded run_ended_from(const Json& json) {
  const RecordReader reader(json, "run_ended");
  return {.ended_at = reader.text("ended_at"),
          .complete = reader.flag("complete"),
          .interrupted_by = reader.optional_text("interrupted_by"),
          .unsupported = reader.flag("unsupported"),
          .instead = reader.optional_text("instead")};
}

}  // namespace symmbench
