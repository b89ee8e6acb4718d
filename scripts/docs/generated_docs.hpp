#pragma once
#include <string>
#include <vector>

namespace symmbench {

/// A file of the tree that is written from the option table, the command table and the catalogue behind them.
struct GeneratedFile {
  std::string path;                            ///< from the root of the repository
  std::string (*text)(const std::string& now)  ///< of the whole file; `now`: what it holds at present, "" for nothing
      = nullptr;
};

/// Man page, completions, and the keys in the page on configuration files.
std::vector<GeneratedFile> generated_docs();

}  // namespace symmbench
