#include "app/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <string>

namespace symmbench {
namespace {

constexpr auto kRewrite = std::chrono::seconds(1);
constexpr auto kLine = std::chrono::seconds(10);

/// "1:05 min" or "12 s".
std::string duration(double seconds) {
  const auto whole = std::lround(seconds);
  return whole < 60 ? fmt::format("{} s", whole) : fmt::format("{}:{:02} min", whole / 60, whole % 60);
}

/// Progress decides nothing: what cannot be written is not shown.
void write_there(int descriptor, const std::string& text) {
  [[maybe_unused]] const auto written = ::write(descriptor, text.data(), text.size());
}

}  // namespace

ProgressPlace progress_place(ProgressSetting setting, bool stdout_is_terminal, bool stderr_is_terminal) {
  if (setting == ProgressSetting::off) return {};
  if (stderr_is_terminal) return {ProgressForm::in_place, STDERR_FILENO};
  if (stdout_is_terminal) return {ProgressForm::in_place, STDOUT_FILENO};
  return {ProgressForm::lines, STDERR_FILENO};
}

std::string progress_text(std::size_t done, std::size_t planned, double since_start_s, double spent_s) {
  if (done == 0) return fmt::format("preparing, {}", duration(since_start_s));
  if (done >= planned) return fmt::format("{} of {} rows, then lifecycles and the report", done, planned);
  const double left_s = spent_s / static_cast<double>(done) * static_cast<double>(planned - done);
  return fmt::format("{} of {} rows, about {} left", done, planned, duration(left_s));
}

Progress::Progress(ProgressPlace place) : place_(place) {
  if (place_.form != ProgressForm::none) thread_ = std::thread([this] { show_until_finished(); });
}

void Progress::plan(std::size_t rows) {
  const std::lock_guard lock(mutex_);
  planned_ = rows;
}

void Progress::row_done() {
  const std::lock_guard lock(mutex_);
  if (done_++ == 0) first_row_at_ = Clock::now();
}

void Progress::clear() {
  const std::lock_guard lock(mutex_);
  erase();
}

void Progress::erase() {
  if (shown_ && place_.form == ProgressForm::in_place) write_there(place_.descriptor, "\r\033[K");
  shown_ = false;
}

void Progress::finish() {
  {
    const std::lock_guard lock(mutex_);
    erase();
    finished_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Progress::show() {
  const double spent_s = done_ == 0 ? 0 : microseconds_since(first_row_at_) / 1e6;
  const auto text = progress_text(done_, planned_, microseconds_since(start_) / 1e6, spent_s);
  const bool in_place = place_.form == ProgressForm::in_place;
  write_there(place_.descriptor, in_place ? "\r\033[K" + text : "symmbench: " + text + "\n");
  shown_ = true;
}

void Progress::show_until_finished() {
  std::unique_lock lock(mutex_);
  const auto every = place_.form == ProgressForm::in_place ? kRewrite : kLine;
  if (place_.form == ProgressForm::in_place && !finished_) show();  // who watches knows at once that it has begun
  while (!wake_.wait_for(lock, every, [&] { return finished_; })) show();
}

}  // namespace symmbench
