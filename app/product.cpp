#include "app/product.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>

#include "app/terminal.hpp"
#include "config/option_value.hpp"
#include "core/error.hpp"
#include "core/fitted.hpp"

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

void print_text(std::string_view text) {
  const Terminal terminal = terminal_behind(STDOUT_FILENO);
  print_product(fitted(text, rewrites_lines(terminal) ? terminal.columns : 0));
}

bool product_arrived() {
  std::cout.flush();
  return std::cout.good() && std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
}

int with_name(const ParsedCommand& parsed, int (*command)(const ParsedCommand&)) try {
  return command(parsed);
} catch (const Error& error) {
  if (error.failure().layer != Layer::config) throw;
  fail_config(fmt::format("symmbench {}: {}", parsed.command, error.failure().detail));
}

}  // namespace symmbench
