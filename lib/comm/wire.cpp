#include "comm/wire.hpp"

#include <fmt/format.h>

namespace symmbench {

void WireWriter::append(const void* data, std::size_t size) {
  const auto* first = static_cast<const std::byte*>(data);
  message_.insert(message_.end(), first, first + size);
}

void WireWriter::bytes(std::span<const std::byte> value) {
  u64(value.size());
  append(value.data(), value.size());
}

void WireReader::malformed(std::string_view why) const {
  throw Error({.layer = Layer::comm, .reason = Reason::corrupted, .detail = fmt::format("{}: {}", what_, why)});
}

std::span<const std::byte> WireReader::take(std::size_t size) {
  if (size > rest_.size()) malformed(fmt::format("{} bytes wanted, {} left", size, rest_.size()));
  const auto taken = rest_.first(size);
  rest_ = rest_.subspan(size);
  return taken;
}

Blob WireReader::bytes() {
  const auto taken = take(u64());
  return Blob(taken.begin(), taken.end());
}

std::string WireReader::text() {
  const auto taken = take(u64());
  return std::string(reinterpret_cast<const char*>(taken.data()), taken.size());
}

void WireReader::expect_end() const {
  if (!rest_.empty()) malformed(fmt::format("{} bytes too many", rest_.size()));
}

namespace {

void write_optional(WireWriter& writer, const std::optional<int>& value) {
  writer.u8(value ? 1 : 0);
  if (value) writer.i32(*value);
}

std::optional<int> read_optional(WireReader& reader) {
  if (reader.u8() == 0) return std::nullopt;
  return reader.i32();
}

/// An enumeration by its number, refused when it has no name here.
template <class E>
E read_enum(WireReader& reader, const char* what) {
  const auto value = static_cast<E>(reader.u8());
  if (name_of(value) == "?") reader.malformed(fmt::format("unknown {} {}", what, static_cast<int>(value)));
  return value;
}

}  // namespace

void write_failure(WireWriter& writer, const Failure& failure) {
  writer.u8(static_cast<std::uint8_t>(failure.layer));
  writer.u8(static_cast<std::uint8_t>(failure.reason));
  writer.text(failure.call);
  writer.text(failure.detail);
  writer.u8(failure.phase ? 1 : 0);
  if (failure.phase) writer.u8(static_cast<std::uint8_t>(*failure.phase));
  write_optional(writer, failure.rank);
  write_optional(writer, failure.peer);
  write_optional(writer, failure.code);
}

Failure read_failure(WireReader& reader) {
  Failure failure;
  failure.layer = read_enum<Layer>(reader, "layer");
  failure.reason = read_enum<Reason>(reader, "reason");
  failure.call = reader.text();
  failure.detail = reader.text();
  if (reader.u8() != 0) failure.phase = read_enum<Phase>(reader, "phase");
  failure.rank = read_optional(reader);
  failure.peer = read_optional(reader);
  failure.code = read_optional(reader);
  return failure;
}

Blob encode_ballot(const std::optional<Failure>& failure) {
  if (!failure) return {};
  WireWriter writer;
  write_failure(writer, *failure);
  return writer.take();
}

std::optional<Failure> decode_ballot(std::span<const std::byte> ballot) {
  if (ballot.empty()) return std::nullopt;
  WireReader reader(ballot, "ballot");
  Failure failure = read_failure(reader);
  reader.expect_end();
  return failure;
}

}  // namespace symmbench
