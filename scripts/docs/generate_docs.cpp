// generate_docs ROOT: writes the generated files of a tree; scripts/generate_docs.sh runs it.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "scripts/docs/generated_docs.hpp"

namespace {

void renew(const std::filesystem::path& path, const symmbench::GeneratedFile& file) {
  std::ifstream in(path);
  const std::string now{std::istreambuf_iterator<char>(in), {}};
  const std::string text = file.text(now);
  if (text == now) return;
  std::printf("%s: renewed\n", file.path.c_str());
  std::filesystem::create_directories(path.parent_path());
  std::ofstream out(path);
  if (!(out << text).flush()) throw std::runtime_error("cannot be written");
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path root = argc > 1 ? argv[1] : ".";
  for (const auto& file : symmbench::generated_docs()) {
    try {
      renew(root / file.path, file);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "generate_docs: %s: %s\n", file.path.c_str(), error.what());
      return 1;
    }
  }
  return 0;
}
