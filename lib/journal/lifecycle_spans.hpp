#pragma once
#include <functional>
#include <optional>

#include "journal/lifecycle_record.hpp"

namespace symmbench {

/// Makes few records of many lifecycles, so that journal, memory and report stay small however long a soak runs. The
/// first kSpansPerLength lifecycles of an allocator are a record each, the next as many records hold 2 each, then 4, and
/// so on: after N lifecycles there are about kSpansPerLength x log2(N / kSpansPerLength), and the one that is under way,
/// which is all that dies with a supervisor, is one in kSpansPerLength of them. A lifecycle that failed, and
/// the first of each worker (whose leaks count for less), are records of their own.
class LifecycleSpans {
 public:
  static constexpr std::uint64_t kSpansPerLength = 32;
  /// Of the lines of one allocator in a journal, after a billion lifecycles.
  static constexpr std::uint64_t kMostBytes = std::uint64_t{8} << 20;
  using Emit = std::function<void(const Json& record)>;

  explicit LifecycleSpans(Emit emit) : emit_(std::move(emit)) {}

  /// A record of any type; only lifecycles are kept back.
  void take(const Json& record);
  /// No more of them will come from this worker.
  void flush();

 private:
  bool continues(const LifecycleRecord& next) const;
  void write(const LifecycleRecord& record);

  Emit emit_;
  std::optional<LifecycleRecord> open_;
  std::string setting_;        ///< whose lifecycles are counted below
  std::uint64_t written_ = 0;  ///< records of it
  int attempt_ = -1;           ///< of the worker that was heard last
};

}  // namespace symmbench
