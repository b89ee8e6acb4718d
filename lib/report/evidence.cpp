#include "report/evidence.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>

#include "report/pick.hpp"

namespace symmbench {
namespace {

Json xids_json(const Json& errors) {
  const Json& list = member_of(errors, "xids");
  if (!list.is_array()) return nullptr;
  Json xids = Json::array();
  for (const Json& xid : list) {
    if (xid.is_number_integer()) xids.push_back(xid);
  }
  return xids;
}

/// {kind: count}
Json counts_or_null(const Json& sample, std::string_view key) {
  const Json& counts = member_of(sample, key);
  if (!counts.is_object()) return nullptr;
  Json kept = Json::object();
  for (const auto& [kind, count] : counts.items()) {
    if (count.is_number_integer() && count >= 0) kept[kind] = count;
  }
  return kept;
}

/// What was counted in between. Null where either sample does not say, or a counter went back: they were cleared then, and
/// nothing is known.
Json added(const Json& before, const Json& after) {
  if (!before.is_number_integer() || !after.is_number_integer()) return nullptr;
  const auto was = before.get<std::int64_t>(), is = after.get<std::int64_t>();
  return is < was ? Json(nullptr) : Json(is - was);
}
Json added_by_kind(const Json& before, const Json& after) {
  const Json was = counts_or_null(before, "nvlink_errors_by_kind"), is = counts_or_null(after, "nvlink_errors_by_kind");
  if (!was.is_object() || !is.is_object()) return nullptr;
  Json kinds = Json::object();
  for (const auto& [kind, count] : is.items()) {
    Json more = added(member_of(was, kind), count);
    if (more.is_null()) return nullptr;
    kinds[kind] = std::move(more);
  }
  return kinds;
}

Json sample_json(const Json& sample) {
  return {{"temperature_c", pick_integer(sample, "temperature_c")},
          {"sm_clock_mhz", pick_integer(sample, "sm_clock_mhz")},
          {"power_mw", pick_integer(sample, "power_mw")},
          {"throttle", texts_or_null(sample, "throttle")},
          {"nvlink_errors", pick_integer(sample, "nvlink_errors")},
          {"nvlink_errors_by_kind", counts_or_null(sample, "nvlink_errors_by_kind")}};
}

/// Reasons that make a GPU slower than it could be; an idle one, and clocks that somebody has set, do not.
bool slows(const std::string& reason) {
  return reason != "gpu_idle" && reason != "application_clocks" && reason != "sync_boost" && reason != "display_clocks";
}

/// Null where neither sample says.
Json throttled(const Json& before, const Json& after) {
  bool known = false;
  for (const Json* sample : {&before, &after}) {
    const Json reasons = texts_or_null(*sample, "throttle");
    known = known || reasons.is_array();
    if (reasons.is_array() &&
        std::ranges::any_of(reasons, [](const Json& one) { return slows(one.get<std::string>()); })) {
      return true;
    }
  }
  return known ? Json(false) : Json(nullptr);
}

}  // namespace

Json fold_samples(const RecordSet& records) {
  Json samples = Json::array();
  for (const auto& sample : records.samples) {
    samples.push_back({{"group", sample.group},
                       {"rank", sample.rank},
                       {"label", sample.label},
                       {"before", sample_json(sample.before)},
                       {"after", sample_json(sample.after)},
                       {"throttled", throttled(sample.before, sample.after)},
                       {"xids", xids_json(sample.errors)},
                       {"xids_cut", pick_flag(sample.errors, "cut")},
                       {"xids_unknown", pick_text(sample.errors, "unknown")},
                       {"nvlink_errors_added",
                        added(member_of(sample.before, "nvlink_errors"), member_of(sample.after, "nvlink_errors"))},
                       {"nvlink_errors_added_by_kind", added_by_kind(sample.before, sample.after)}});
  }
  return samples;
}

namespace {

/// What "NVRM: Xid (PCI:0000:1b:00): 31, pid=..." says, and "SXid (PCI:...): 28006, ..." of a switch.
struct KernelError {
  std::string pci_bus_id;
  std::optional<std::uint32_t> code;
  bool of_switch = false;
};

KernelError error_in(std::string_view text) {
  constexpr std::string_view kBegin = "Xid (PCI:", kBetween = "): ";
  const auto begin = text.find(kBegin);
  if (begin == std::string_view::npos) return {};
  const auto id = begin + kBegin.size(), end = text.find(kBetween, id);
  if (end == std::string_view::npos) return {};
  KernelError error{.pci_bus_id = std::string(text.substr(id, end - id)),
                    .of_switch = begin > 0 && text[begin - 1] == 'S'};
  const std::string_view number = text.substr(end + kBetween.size());
  std::uint32_t code = 0;
  if (std::from_chars(number.data(), number.data() + number.size(), code).ec == std::errc()) error.code = code;
  return error;
}

/// Domain, bus and device, without the function, which the kernel's log leaves out.
std::string place_of(std::string id) {
  std::ranges::transform(id, id.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return id.substr(0, id.find('.'));
}

/// The rank whose device is at `pci_bus_id` of the machine of `reader`.
Json rank_at(const RecordSet& records, int reader, const std::string& pci_bus_id) {
  const auto machine_of = [](const Json& facts) { return text_or(facts, "machine", text_or(facts, "boot_id")); };
  const auto from = records.rank_facts.find(reader);
  if (from == records.rank_facts.end() || pci_bus_id.empty()) return nullptr;
  for (const auto& [rank, facts] : records.rank_facts) {
    if (machine_of(facts) != machine_of(from->second)) continue;
    const Json& devices = member_of(facts, "devices");
    for (const Json& device : devices.is_array() ? devices : Json::array()) {
      if (text_or(device, "kind") != text_or(records.started.device, "kind")) continue;
      if (place_of(text_or(device, "pci_bus_id")) == place_of(pci_bus_id)) return rank;
    }
  }
  return nullptr;
}

Json line_json(const RecordSet& records, int reader, const Json& line) {
  const KernelError error = error_in(text_or(line, "text"));
  return {{"at_us", pick_integer(line, "at_us")},
          {"text", text_or(line, "text")},
          {"xid", error.of_switch ? Json(nullptr) : json_or_null(error.code)},
          {"sxid", error.of_switch ? json_or_null(error.code) : Json(nullptr)},
          {"pci_bus_id", error.pci_bus_id.empty() ? Json(nullptr) : Json(error.pci_bus_id)},
          {"rank", rank_at(records, reader, error.pci_bus_id)}};
}

}  // namespace

Json fold_kernel_log(const RecordSet& records) {
  std::map<int, Json> logs;
  for (const KernelLogRecord& record : records.kernel_logs) {
    const auto facts = records.rank_facts.find(record.rank);
    const auto [at, first] = logs.try_emplace(
        record.rank,
        Json{{"rank", record.rank},
             {"host", facts == records.rank_facts.end() ? Json(nullptr) : pick_text(facts->second, "host")},
             {"unreadable", json_or_null(record.unreadable)},
             {"lines", Json::array()},
             {"cut", std::uint64_t{0}},
             {"overwritten", std::uint64_t{0}}});
    Json& log = at->second;
    for (const Json& line : record.lines) log["lines"].push_back(line_json(records, record.rank, line));
    log["cut"] = log["cut"].get<std::uint64_t>() + record.cut;
    log["overwritten"] = log["overwritten"].get<std::uint64_t>() + record.overwritten;
  }
  Json all = Json::array();
  for (auto& [rank, log] : logs) all.push_back(std::move(log));
  return all;
}

}  // namespace symmbench
