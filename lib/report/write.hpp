#pragma once
#include <string>

#include "core/json.hpp"

namespace symmbench {

/// Makes a folder for outputs, with parents, where it is missing.
/// @throws Error{config, io_error} naming it, also when it is a file, or its file system does not answer
void make_output_dir(const std::string& path);

/// Before a run: that write_file(path) would be able to. Leaves nothing behind and touches no existing file.
/// @throws Error{config, io_error} naming the path and the reason: its directory is missing or not writable, or it is
/// itself a directory or another thing that is no regular file, or its file system does not answer
void check_writable(const std::string& path);

/// Writes a file: to a temporary file in the same directory, without a name until it is whole where that can be, then fsync,
/// then rename, so that a reader sees the old file or the whole new one, and a process that is killed leaves no third. Replaces an existing file.
/// @throws Error{report, io_error} with path and reason, the temporary file removed; ETIMEDOUT where the file system did
/// not answer for deadline::writing_s(), and `path` then stays as it is
void write_file(const std::string& path, std::string text);

/// A report, or a tuning table, as indented JSON, by write_file(). Only rank 0 calls it.
/// @throws also Error{report, internal} for a number that is NaN or infinite
void write_report(const std::string& path, const Json& report);

}  // namespace symmbench
