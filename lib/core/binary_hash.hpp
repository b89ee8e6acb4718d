#pragma once
#include <string>
#include <string_view>

namespace symmbench {

/// What stands for the hash of what cannot be read.
inline constexpr std::string_view kNoHash = "unknown";

/// 16 hexadecimal digits over every byte of the running executable's file: two builds of one revision differ in it.
/// "unknown" where the file cannot be read.
std::string binary_hash();
/// The same of any file.
std::string file_hash(const std::string& path);

}  // namespace symmbench
