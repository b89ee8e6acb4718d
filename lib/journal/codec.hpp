#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"

namespace symmbench {

/// One journal line: eight hexadecimal digits of the CRC-32 of the JSON text, a space, the text, a newline. One line is
/// one record, so that a journal can be cut at any byte and read up to there.
/// @throws Error{report, internal} for NaN or infinity, which JSON cannot hold (require_finite)
std::string encode_line(const Json& record);

/// The record of one line, without its newline.
/// @throws Error{report, corrupted} saying what is wrong: too short, bad checksum (both values), not a JSON object
Json decode_line(std::string_view line);

/// What could be read of a journal.
struct JournalText {
  std::vector<Json> records;
  /// One line each for what could not be read: "rank-0.jsonl line 7: ...". Empty for a whole journal.
  std::vector<std::string> problems;
  bool truncated = false;  ///< the last line has no end: the writer was killed in the middle of it
};

/// Reads every whole line and goes on after a bad one. A last line without newline is expected after a kill: it is left
/// out and only noted. `name` begins the problems.
JournalText decode_text(std::string_view text, std::string_view name);

/// @throws Error{report, internal} naming the JSON pointer of the first number that is NaN or infinite. nlohmann would
/// write it as null, and null means "unknown", not "wrong".
void require_finite(const Json& json, std::string_view what);

}  // namespace symmbench
