#pragma once
#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "core/json.hpp"

namespace symmbench {

/// Where values of a document stand: their path ("sweeps[1].iters") to the line.
using ValueLines = std::map<std::string, std::size_t, std::less<>>;

struct Document {
  Json value;
  ValueLines lines;
};

/// What the reader takes at most, whatever a file holds: what comes after it may recurse, copy and search.
inline constexpr std::size_t kDeepestJson = 100;
inline constexpr std::size_t kLongestFile = std::size_t{1} << 28;
inline constexpr std::size_t kLongestConfig = std::size_t{4} << 20;

/// The one way from text to JSON. Neither recurses nor copies.
/// @throws Error{config, invalid_argument} "<what>: line L, column C: <problem>" for what is no JSON, a NUL byte, a key
/// that an object has twice, more than kDeepestJson levels, or a number that is too large for a double
Document parse_document(std::string_view text, std::string_view what);
/// Members that a reader has no use for, by path: "comparison", "results[].blame". Each at the top, or of the objects in a
/// list at the top.
using LeftOut = std::span<const std::string_view>;
/// The same without the lines: a large report need not keep them. What is left out is read, and not kept.
Json parse_without_lines(std::string_view text, std::string_view what, LeftOut left_out = {});

/// " (line 3)" of a path that `lines` knows, else nothing: for the end of a value's name in messages.
std::string line_note(const ValueLines& lines, std::string_view path);

/// Whether something is there that is no folder; also where its file system does not answer, as who reads it then says.
bool is_no_folder(const std::string& path);

/// The bytes of a file, a pipe or a device, at most `longest` of them. Waits for a writer at most 10 s, and for the file
/// system as long as deadline::kFileSystem_s.
/// @throws Error{config, io_error} "<what>: cannot be read: <why>"
std::string read_bytes(const std::string& path, std::string_view what, std::size_t longest);

}  // namespace symmbench
