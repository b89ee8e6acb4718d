#pragma once
#include <string>

#include "core/json.hpp"

namespace symmbench {

/// Before a run: that write_report(path) would be able to. Leaves nothing behind and touches no existing file.
/// @throws Error{config, io_error} naming the path and the reason: its directory is missing or not writable, or it is
/// itself a directory or another thing that is no regular file
void check_writable(const std::string& path);

/// Writes a report, or a tuning table, as indented JSON: to a temporary file in the same directory, then fsync, then
/// rename, so that a reader sees the old file or the whole new one. Replaces an existing file. Only rank 0 calls it.
/// @throws Error{report, io_error} with path and reason, the temporary file removed; Error{report, internal} for a
/// number that is NaN or infinite
void write_report(const std::string& path, const Json& report);

}  // namespace symmbench
