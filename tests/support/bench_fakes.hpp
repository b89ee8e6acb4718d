#pragma once
#include <mutex>
#include <vector>

#include "journal/records.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// A heartbeat page that nobody watches.
class QuietHeartbeat : public Heartbeat {
 public:
  void phase(Phase) override {}
  void item(int) override {}
  void allocator(std::string_view) override {}
  void iteration(std::uint64_t) override {}
  void driver_call(std::string_view) override {}
  void allow(double) override {}
  GiveUpRecord* give_up_record() override { return &record_; }

 private:
  GiveUpRecord record_{};
};

/// Keeps the records of all ranks of a test.
class CollectedRecords final : public RecordSink {
 public:
  void append(const Json& record) override {
    const std::lock_guard lock(mutex_);
    records_.push_back(record);
  }
  std::vector<Json> all() const { return records_; }

 private:
  std::mutex mutex_;
  std::vector<Json> records_;
};

}  // namespace symmbench
