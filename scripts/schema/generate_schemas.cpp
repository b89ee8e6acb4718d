// generate_schemas FILE...: renews the lists of names in schema files in place; scripts/generate_schemas.sh runs it.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "scripts/schema/schema_names.hpp"

namespace {

void renew(const std::filesystem::path& path) {
  std::ifstream in(path);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) throw std::runtime_error("cannot be read");
  const std::string file = path.filename().string();
  const std::string renewed = symmbench::with_current_names(text, file.substr(0, file.find('.')));
  if (renewed == text) return;
  std::printf("%s: renewed\n", path.c_str());
  std::ofstream out(path);
  if (!(out << renewed).flush()) throw std::runtime_error("cannot be written");
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    try {
      renew(argv[i]);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "generate_schemas: %s: %s\n", argv[i], error.what());
      return 1;
    }
  }
  return 0;
}
