#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/error.hpp"

namespace symmbench::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

inline std::span<const std::byte> bytes_of(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}

/// Outside data may be refused with an Error; every other way out of `read` is a fault of the reader.
template <class Read>
void refused_or_read(Read&& read) {
  try {
    read();
  } catch (const Error&) {  // that is how it is refused
  }
}

}  // namespace symmbench::fuzz
