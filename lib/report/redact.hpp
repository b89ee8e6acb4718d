#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "core/json.hpp"
#include "core/secret_names.hpp"

namespace symmbench {

/// Takes secrets out of what leaves the machine, and counts what it took. A secret is what a name says it is (token,
/// password, secret, api_key, credential, authorization, private or access key, as part of any longer name), what
/// follows "Bearer", user and password of a URL, and what is shaped like the keys that well-known services give out.
class Redactor {
 public:
  static constexpr std::string_view kMask = kSecretMask;

  /// "HF_TOKEN=abc" is "HF_TOKEN=***". Also takes "--password abc" and JSON's "password": "abc".
  std::string text(std::string_view text);
  /// Every text of a document; a text or number whose key names a secret goes as a whole.
  Json json(const Json& document);
  /// A journal: each whole line is read, redacted and written with its new checksum; a damaged one is redacted as text.
  std::string journal(std::string_view text);

  std::size_t taken() const { return taken_; }

 private:
  std::string named_values(std::string_view text);
  std::string shaped_values(std::string_view text);

  std::size_t taken_ = 0;
};

}  // namespace symmbench
