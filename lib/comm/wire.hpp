#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "comm/communicator.hpp"
#include "core/error.hpp"

namespace symmbench {

/// Appends values to a byte message in host order: both ends are the same binary on machines of one kind, which the
/// build id check at start-up guarantees.
class WireWriter {
 public:
  void u8(std::uint8_t value) { append(&value, sizeof value); }
  void u32(std::uint32_t value) { append(&value, sizeof value); }
  void i32(std::int32_t value) { append(&value, sizeof value); }
  void u64(std::uint64_t value) { append(&value, sizeof value); }
  /// Length, then the bytes.
  void bytes(std::span<const std::byte> value);
  void text(std::string_view value) { bytes(std::as_bytes(std::span(value))); }
  Blob take() { return std::move(message_); }

 private:
  void append(const void* data, std::size_t size);
  Blob message_;
};

/// Reads back what a WireWriter wrote. Every read is checked: a short or overlong message is an error, never a crash.
/// Does not own the bytes. All reads @throw Error{comm, corrupted} naming `what`.
class WireReader {
 public:
  WireReader(std::span<const std::byte> message, std::string_view what) : rest_(message), what_(what) {}

  std::uint8_t u8() { return value<std::uint8_t>(); }
  std::uint32_t u32() { return value<std::uint32_t>(); }
  std::int32_t i32() { return value<std::int32_t>(); }
  std::uint64_t u64() { return value<std::uint64_t>(); }
  Blob bytes();
  std::string text();
  /// Nothing may be left over.
  void expect_end() const;
  [[noreturn]] void malformed(std::string_view why) const;

 private:
  template <class T>
  T value() {
    T result;
    std::memcpy(&result, take(sizeof(T)).data(), sizeof(T));
    return result;
  }
  std::span<const std::byte> take(std::size_t size);

  std::span<const std::byte> rest_;
  std::string_view what_;
};

void write_failure(WireWriter& writer, const Failure& failure);
Failure read_failure(WireReader& reader);

/// A rank's ballot in a vote: no bytes when all is well, else its failure. The coordinator casts the ballot of a rank
/// that died, which is why the form is shared.
Blob encode_ballot(const std::optional<Failure>& failure);
/// @throws Error{comm, corrupted}
std::optional<Failure> decode_ballot(std::span<const std::byte> ballot);

}  // namespace symmbench
