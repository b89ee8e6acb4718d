#include "device/cuda/shared_library.hpp"

#include <dlfcn.h>

#include <utility>

namespace symmbench {

SharedLibrary::SharedLibrary(std::string name)
    : name_(std::move(name)), handle_(::dlopen(name_.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ != nullptr) return;
  const char* why = ::dlerror();
  error_ = why != nullptr ? why : "dlopen gave no reason";
}

void* SharedLibrary::find(const char* symbol_name) const {
  return handle_ != nullptr ? ::dlsym(handle_, symbol_name) : nullptr;
}

}  // namespace symmbench
