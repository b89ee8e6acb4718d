#include "device/cuda/shared_library.hpp"

#include <dlfcn.h>
#include <link.h>

#include <filesystem>
#include <utility>

#include "core/deadlines.hpp"
#include "core/finishes_within.hpp"

namespace symmbench {

SharedLibrary::SharedLibrary(std::string name)
    : name_(std::move(name)), handle_(::dlopen(name_.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ != nullptr) return;
  const char* why = ::dlerror();
  error_ = why != nullptr ? why : "dlopen gave no reason";
}

LibraryFacts SharedLibrary::facts() const {
  LibraryFacts facts{.name = name_, .unknown = error_};
  link_map* map = nullptr;
  if (handle_ == nullptr) return facts;
  if (::dlinfo(handle_, RTLD_DI_LINKMAP, &map) != 0 || map == nullptr || map->l_name == nullptr) {
    facts.unknown = "the loader does not tell its file";
    return facts;
  }
  const std::filesystem::path loaded(map->l_name);
  facts.path = loaded.string();
  const auto file = result_within(deadline::kFileSystem_s, [loaded] {
    std::error_code ignored;
    return std::filesystem::canonical(loaded, ignored);
  });
  if (!file || file->empty()) return facts;
  facts.path = file->string();
  constexpr std::string_view kSuffix = ".so.";
  const std::string own = file->filename().string();
  const auto at = own.find(kSuffix);
  if (at != std::string::npos && own != std::filesystem::path(name_).filename()) {
    facts.version = own.substr(at + kSuffix.size());
  }
  return facts;
}

void* SharedLibrary::find(const char* symbol_name) const {
  return handle_ != nullptr ? ::dlsym(handle_, symbol_name) : nullptr;
}

}  // namespace symmbench
