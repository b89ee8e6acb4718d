#pragma once
#include <sys/types.h>

#include <memory>
#include <string>

#include "core/unique_fd.hpp"
#include "report/case_feed.hpp"

namespace symmbench {

/// Rows as the report's results[] has them, as JSON lines, in the order in which their cases are decided. A line is in
/// the kernel's hands when on_case() returns, and the file ends with a whole line at any time.
class JsonLines final : public CaseListener {
 public:
  /// Empties or creates the file. @throws Error{report, io_error} naming it
  explicit JsonLines(const std::string& path);

  void on_plan(const RunStarted&) override {}
  /// @throws Error{report, io_error} when a line could not be written; none of it stays. ETIMEDOUT where the file system
  /// does not answer
  void on_case(const DecidedCase& decided) override;
  void on_end() override {}

 private:
  void append(std::string_view line);

  std::string path_;
  std::shared_ptr<UniqueFd> file_;
  off_t size_ = 0;
};

}  // namespace symmbench
