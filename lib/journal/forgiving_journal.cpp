#include "journal/forgiving_journal.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/counted.hpp"
#include "core/log.hpp"

namespace symmbench {

Json ForgivingJournal::event(const std::string& why) const {
  return to_json(EventRecord{.what = std::string(kJournalIncomplete), .detail = why, .data = {{"rank", rank_}}});
}

void ForgivingJournal::give_up(const Failure& failure) {
  if (std::exchange(told_, true)) return;
  const auto why = fmt::format("rank {} goes on without a whole journal: {}", rank_, describe(failure));
  try {
    tell_(event(why));
  } catch (const std::exception& error) {
    log_line("symmbench: {}; {}", why, error.what());
  }
}

void ForgivingJournal::append(const Json& record) {
  if (writer_ == nullptr) return;
  try {
    if (lost_ > 0)
      writer_->append(event(fmt::format("before this, {} of rank {} went missing", counted(lost_, "record"), rank_)));
    lost_ = 0;
    writer_->append(record);
  } catch (const Error& error) {
    ++lost_;
    give_up(error.failure());
  }
}

}  // namespace symmbench
