#pragma once
#include <string>

namespace symmbench {

/// 16 hexadecimal digits over every byte of the running executable's file: two builds of one revision differ in it.
/// "unknown" where the file cannot be read.
std::string binary_hash();
/// The same of any file.
std::string file_hash(const std::string& path);

}  // namespace symmbench
