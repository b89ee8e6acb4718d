#pragma once
#include <cstdint>
#include <functional>

#include "core/error.hpp"
#include "journal/journal.hpp"

namespace symmbench {

/// A rank's journal as its supervisor uses it: one that cannot be written (a full disk, a folder that vanished) costs
/// the salvage of a killed run, never the run. It is said once, as an event "journal_incomplete"; the journal says so
/// itself, with the number of records that are missing, as soon as it can be written again.
class ForgivingJournal final : public RecordSink {
 public:
  /// Hears the event. Its exceptions are swallowed.
  using Tell = std::function<void(const Json& event)>;

  /// `writer`, not owned, may be null: nobody wants a journal.
  ForgivingJournal(JournalWriter* writer, int rank, Tell tell) : writer_(writer), rank_(rank), tell_(std::move(tell)) {}

  /// There should have been a writer.
  void could_not_open(const Failure& failure) { give_up(failure); }

  /// Never throws.
  void append(const Json& record) override;
  void remove() noexcept {
    if (writer_ != nullptr) writer_->remove();
  }

 private:
  void give_up(const Failure& failure);
  Json event(const std::string& why) const;

  JournalWriter* writer_;
  int rank_;
  Tell tell_;
  std::uint64_t lost_ = 0;  ///< records since the last one that was written
  bool told_ = false;
};

}  // namespace symmbench
