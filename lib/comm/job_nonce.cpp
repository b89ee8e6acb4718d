#include "comm/job_nonce.hpp"

#include <fmt/format.h>
#include <sys/random.h>

#include <cerrno>
#include <cstring>

#include "core/error.hpp"

namespace symmbench {

std::string make_job_nonce() {
  unsigned char bits[16];
  // Up to 256 bytes come whole or not at all.
  if (::getrandom(bits, sizeof bits, 0) != sizeof bits) {
    throw Error({.layer = Layer::environment,
                 .reason = Reason::io_error,
                 .call = "getrandom",
                 .detail = std::strerror(errno),
                 .code = errno});
  }
  std::string text;
  for (const unsigned char byte : bits) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace symmbench
