#pragma once
#include <utility>

namespace symmbench {

/// Owns one file descriptor; closes it on destruction. Move-only.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

  /// A new descriptor of the same open file (F_DUPFD_CLOEXEC). @throws Error{environment, io_error} when out of
  /// descriptors
  UniqueFd duplicate() const;

 private:
  int fd_ = -1;
};

}  // namespace symmbench
