#include "app/product.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>

#include "core/error.hpp"

namespace symmbench {

void print_product(std::string_view text) {
  errno = 0;
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (written) return;
  const int code = errno;
  throw Error({.layer = Layer::report,
               .reason = Reason::io_error,
               .call = "write",
               .detail = std::string("stdout did not take what was to be shown: ") + std::strerror(code),
               .code = code});
}

bool product_arrived() {
  std::cout.flush();
  return std::cout.good() && std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
}

}  // namespace symmbench
