#include "journal/lifecycle_spans.hpp"

#include <utility>

#include "core/error.hpp"
#include "journal/records.hpp"

namespace symmbench {

bool LifecycleSpans::continues(const LifecycleRecord& next) const {
  return open_ && open_->attempt == next.attempt && open_->iteration + open_->count == next.iteration;
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
    join(*open_, next);
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
  coarsen(whole);
  write(whole);
}

}  // namespace symmbench
