#include "core/secret_names.hpp"

#include <algorithm>
#include <cctype>
#include <string>

namespace symmbench {
namespace {

/// In lower case, '-' as '_'.
constexpr std::string_view kSecretWords[] = {"token",     "password",    "passwd",     "passphrase",
                                             "secret",    "api_key",     "apikey",     "access_key",
                                             "accesskey", "private_key", "credential", "authorization"};

}  // namespace

bool names_secret(std::string_view name) {
  std::string word(name);
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::tolower(c)); });
  return std::any_of(std::begin(kSecretWords), std::end(kSecretWords), [&](std::string_view secret) {
    for (auto at = word.find(secret); at != std::string::npos; at = word.find(secret, at + 1)) {
      const auto after = at + secret.size();
      if (secret != "token" || after >= word.size() || word[after] != 's') return true;
    }
    return false;
  });
}

}  // namespace symmbench
