#pragma once
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "journal/lifecycle_record.hpp"
#include "journal/records.hpp"

namespace symmbench {

/// What rank 0 remembers of a run until its report is folded: every record as it came, but for lifecycles, which a soak
/// makes without end. Of those of one allocator neighbours are joined whenever there are too many, so that memory stays
/// the same however long a soak runs; counts, sums and largest values stay exact. Those that failed stay as they are
/// (there are no more than a hundred: supervise/work_queue.cpp), and so do their neighbours of other workers.
class RunLog final : public RecordSink {
 public:
  /// Of an allocator in one setting and one worker, and more than the report cuts drift and medians into.
  static constexpr std::size_t kMostSpans = 128;

  void append(const Json& record) override;
  /// Hears every record from now on, whole, after those that listen already. Not owned.
  void listen(RecordSink& listener) { listeners_.push_back(&listener); }
  bool is_heard() const { return !listeners_.empty(); }

  /// What a report is folded from: as they came, lifecycles at the end.
  std::vector<Json> records() const;
  std::vector<Json> records_of(std::string_view type) const;

 private:
  struct Lifecycles {
    std::vector<LifecycleRecord> in_order;
    std::size_t limit = kMostSpans;  ///< of the next joining
  };

  void keep(LifecycleRecord cycle);

  std::vector<Json> others_;
  std::map<std::string, Lifecycles> lifecycles_;  ///< by setting_of()
  std::vector<RecordSink*> listeners_;
};

}  // namespace symmbench
