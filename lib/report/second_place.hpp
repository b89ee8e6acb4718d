#pragma once
#include <functional>
#include <optional>
#include <string>

#include "config/run_config.hpp"

namespace symmbench {

/// What could not be written where it was asked for (a full disk, a folder that vanished) is tried again under its
/// standard name: in `output_dir`, where one was given and nothing stands there, then in a folder of 0700 and of
/// unpredictable name under $TMPDIR, then /tmp. The file is the user's alone (0600).
/// `write` makes the file at the path that it is given, or throws. Returns that path; nullopt when no place took it.
std::optional<std::string> write_elsewhere(const OutputFile& asked, const std::optional<std::string>& output_dir,
                                           const std::function<void(const std::string& path)>& write);

}  // namespace symmbench
