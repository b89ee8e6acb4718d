#include "core/alarm.hpp"

#include <unistd.h>

#include <cmath>
#include <csignal>
#include <utility>

namespace symmbench {
namespace {

// What the handler needs; set before the alarm is.
volatile std::sig_atomic_t g_exit_code = 0;
const char* volatile g_text = nullptr;
volatile std::size_t g_length = 0;

extern "C" void leave_process(int) {
  if (write(STDERR_FILENO, g_text, g_length) < 0) _exit(g_exit_code);
  _exit(g_exit_code);
}

}  // namespace

Alarm::Alarm(double seconds, int exit_code, std::string text) : text_(std::move(text)) {
  g_exit_code = exit_code;
  g_text = text_.c_str();
  g_length = text_.size();
  struct sigaction action {};
  action.sa_handler = leave_process;
  sigaction(SIGALRM, &action, &before_);
  alarm(static_cast<unsigned>(std::ceil(seconds)));
}

Alarm::~Alarm() {
  alarm(0);
  sigaction(SIGALRM, &before_, nullptr);
}

}  // namespace symmbench
