#include "journal/lifecycle_spans.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/error.hpp"
#include "journal/records.hpp"

namespace symmbench {
namespace {

std::string setting_of(const LifecycleRecord& record) {
  return fmt::format("{}/{}/{}/{}/{}", record.group, record.workspace, record.transport, record.allocator,
                     record.handle.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void add_leaks(Json& sum, const Json& more) {
  if (!sum.is_object() || !more.is_object()) return;
  for (auto& [key, value] : sum.items()) {
    const auto other = more.find(key);
    const bool known = value.is_number_integer() && other != more.end() && other->is_number_integer();
    value = known ? Json(value.get<std::int64_t>() + other->get<std::int64_t>()) : Json(nullptr);
  }
}

void add(LifecycleRecord& span, const LifecycleRecord& next) {
  span.count += next.count;
  for (std::size_t i = 0; i < span.phase_us.size(); ++i) span.phase_us[i].second.add(next.phase_us[i].second);
  span.total_us.add(next.total_us);
  span.operation_us.add(next.operation_us);
  span.refused += next.refused;
  span.reattached += next.reattached;
  span.retries += next.retries;
  add_leaks(span.leaks, next.leaks);
  span.ended_at = next.ended_at;
  span.passed_s = next.passed_s;
}

}  // namespace

bool LifecycleSpans::continues(const LifecycleRecord& next) const {
  const auto same_phase = [](const auto& a, const auto& b) { return a.first == b.first; };
  return open_ && open_->attempt == next.attempt && open_->iteration + open_->count == next.iteration &&
         std::ranges::equal(open_->phase_us, next.phase_us, same_phase);
}

void LifecycleSpans::take(const Json& record) {
  if (type_of(record) != "lifecycle") return emit_(record);
  LifecycleRecord next;
  try {
    next = lifecycle_from(record);
  } catch (const Error&) {
    return emit_(record);  // the report tells what is wrong with it
  }
  const std::string setting = setting_of(next);
  const bool first_of_worker = next.attempt != attempt_ || setting != setting_;
  if (setting != setting_) {
    flush();
    setting_ = setting;
    written_ = 0;
  }
  attempt_ = next.attempt;
  if (first_of_worker || next.failure) {
    flush();
    return write(next);
  }
  if (continues(next)) {
    add(*open_, next);
  } else {
    flush();
    open_ = std::move(next);
  }
  if (open_->count >= std::uint64_t{1} << (written_ / kSpansPerLength)) flush();
}

void LifecycleSpans::write(const LifecycleRecord& record) {
  ++written_;
  emit_(to_json(record));
}

void LifecycleSpans::flush() {
  if (!open_) return;
  LifecycleRecord whole = std::move(*open_);
  open_.reset();
  for (auto& [phase, spans_us] : whole.phase_us) spans_us.coarsen();
  whole.total_us.coarsen();
  whole.operation_us.coarsen();
  write(whole);
}

}  // namespace symmbench
