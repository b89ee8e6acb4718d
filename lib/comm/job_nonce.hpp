#pragma once
#include <string>

namespace symmbench {

/// 128 random bits as 32 hex digits. Rank 0 makes one for a job and hands it down: names built from it cannot meet
/// those of another job or of an earlier run, as names built from a pid do in containers
/// that count pids from 1 and share a network namespace.
/// @throws Error{environment, io_error}
std::string make_job_nonce();

}  // namespace symmbench
