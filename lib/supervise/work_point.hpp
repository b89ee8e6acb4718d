#pragma once
#include <string>
#include <string_view>

#include "core/deadlines.hpp"
#include "supervise/worker.hpp"

namespace symmbench {

/// A place in a worker's work that has a name, so that something can be made to happen exactly there: a test holds the
/// worker, an injected fault strikes it. There is one wherever a worker tells its heartbeat page where it is:
///   "preflight.none.start"   the worker knows what to do and has not begun
///   "measure.none.import"    phase import, before the first item of a request labelled "measure/..."
///   "measure.2.use"          phase use of item 2 (counted from 0, in the request): nothing of it has been launched
///   "measure.2.launched"     a batch of item 2 is under way and has not been waited for
///   "lifecycle.0.map"        phase map of the first lifecycle of a request labelled "lifecycle/..."
struct WorkPoint {
  std::string_view work;  ///< the label of the request up to its first '/'
  int item = -1;          ///< -1, "none" in text: before the first item or after the last
  std::string_view step;  ///< name of the phase, or kLaunched

  static constexpr std::string_view kLaunched = "launched";
};

std::string to_text(const WorkPoint& point);

/// Hands everything on to another heartbeat, and each point that the worker thereby reaches to reached().
class PointHeartbeat : public Heartbeat {
 public:
  /// Not owned: both outlive this.
  PointHeartbeat(Heartbeat& page, const WorkRequest& request);

  /// The worker has begun: its first point, in phase `start`.
  void begin() { arrive(name_of(Phase::start)); }

  void phase(Phase phase) final;
  void item(int index) final;
  void allocator(std::string_view name) final { page_.allocator(name); }
  void iteration(std::uint64_t value) final;
  void driver_call(std::string_view call) final { page_.driver_call(call); }
  void allow(double seconds) final;
  GiveUpRecord* give_up_record() final { return page_.give_up_record(); }

 protected:
  /// On the worker's own thread, which goes on when this returns.
  virtual void reached(const WorkPoint& point) = 0;

  Heartbeat& page() { return page_; }
  /// What the worker was last allowed, in seconds; before it asked for anything, what its start may take.
  double allowance_s() const { return allowance_s_; }

 private:
  void arrive(std::string_view step) { reached({.work = work_, .item = item_, .step = step}); }

  Heartbeat& page_;
  std::string_view work_;
  int item_ = -1;
  double allowance_s_ = deadline::kContext_s;
};

}  // namespace symmbench
