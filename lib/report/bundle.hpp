#pragma once
#include <string>
#include <vector>

#include "report/archive.hpp"

namespace symmbench {

/// What a ticket about a run needs, without what must not leave the machine (report/redact.hpp).
struct Bundle {
  std::vector<ArchivedFile> files;
  std::vector<std::string> left_out;  ///< one line each: the file and why
  std::size_t redacted = 0;           ///< secrets taken out of the files
};

/// Of a report: the report, and its journals where they are still there. Of a folder: all files in it and below that
/// symmbench writes or that are logs. Beside each report NAME.json: NAME.config.json, NAME.facts.json (tool, device,
/// fabric, ranks) and, where the run recorded any, NAME.stderr.txt of its ranks. First of all manifest.json. A file that
/// is not what its name says goes in as text; links, other files and what is larger than 256 MiB are left out.
/// `made_by` goes into the manifest. @throws Error{config, ...} where there is nothing to take
Bundle make_bundle(const std::string& path, const std::string& made_by);

}  // namespace symmbench
