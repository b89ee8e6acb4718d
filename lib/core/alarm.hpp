#pragma once
#include <signal.h>

#include <string>

namespace symmbench {

/// Bounds a call of a library that knows no deadline: a process that is still in it after `seconds` writes `text` to
/// stderr and ends with `exit_code`, at once and without cleaning up. One at a time; uses SIGALRM.
class Alarm {
 public:
  /// `seconds`: rounded up to a whole one. `text` with its line end; empty: without a word.
  Alarm(double seconds, int exit_code, std::string text);
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  ~Alarm();

 private:
  std::string text_;
  struct sigaction before_ {};
};

}  // namespace symmbench
