#include "memory/local_buffer.hpp"

#include <utility>

#include "memory/close_quietly.hpp"

namespace symmbench {

LocalBuffer::LocalBuffer(Driver& driver, std::uint64_t bytes)
    : driver_(&driver), address_(driver.allocate_local(bytes)), bytes_(bytes) {}

LocalBuffer::LocalBuffer(LocalBuffer&& other) noexcept
    : driver_(other.driver_), address_(std::exchange(other.address_, 0)), bytes_(std::exchange(other.bytes_, 0)) {}

LocalBuffer& LocalBuffer::operator=(LocalBuffer&& other) noexcept {
  if (this == &other) return *this;
  close_quietly(*this, "local buffer");
  driver_ = other.driver_;
  address_ = std::exchange(other.address_, 0);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

LocalBuffer::~LocalBuffer() { close_quietly(*this, "local buffer"); }

void LocalBuffer::close() {
  if (address_ == 0) return;
  driver_->free_local(address_);
  address_ = 0;
}

}  // namespace symmbench
