#pragma once
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <thread>

#include "config/run_config.hpp"
#include "core/clock.hpp"

namespace symmbench {

/// How progress is shown: not at all, as one line that is rewritten (a terminal), or as a line now and then (a file, a pipe).
enum class ProgressForm { none, in_place, lines };

struct ProgressPlace {
  ProgressForm form = ProgressForm::none;
  int descriptor = 2;  ///< where it goes
};

/// Under mpirun only stdout is a terminal, started by hand both may be; lines go to stderr, for stdout has the results.
ProgressPlace progress_place(ProgressSetting setting, bool stdout_is_terminal, bool stderr_is_terminal);

/// "12 of 40 rows, about 1:05 min left": `spent_s` since the first of `done` rows was finished; before that, what is done
/// instead: "preparing" and for how long (`since_start_s`).
std::string progress_text(std::size_t done, std::size_t planned, double since_start_s, double spent_s);

/// Rank 0's progress while a run goes on, from its construction to finish() or its end. A thread of its own keeps it alive
/// while no record comes: a rewritten line every second, other lines every 10 s.
class Progress {
 public:
  explicit Progress(ProgressPlace place);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { finish(); }

  void plan(std::size_t rows);
  void row_done();
  /// Takes a rewritten line away, so that something else can be written; it is back with the next second.
  void clear();
  /// Nothing is shown from now on.
  void finish();

 private:
  void show_until_finished();
  void show();   ///< @pre mutex_ is held
  void erase();  ///< @pre mutex_ is held

  const ProgressPlace place_;
  const Clock::time_point start_ = Clock::now();
  std::mutex mutex_;
  std::condition_variable wake_;
  Clock::time_point first_row_at_{};
  std::size_t planned_ = 0, done_ = 0;
  bool finished_ = false, shown_ = false;
  std::thread thread_;
};

}  // namespace symmbench
