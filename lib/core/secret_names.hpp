#pragma once
#include <string_view>

namespace symmbench {

/// What stands for a secret.
inline constexpr std::string_view kSecretMask = "***";

/// Whether a name says that its value is a secret: token, password, secret, api_key, credential, authorization, private or
/// access key, in any case, with '-' or '_', as part of any longer name. "tokens" are rows of a message.
bool names_secret(std::string_view name);

}  // namespace symmbench
