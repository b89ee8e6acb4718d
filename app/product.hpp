#pragma once
#include <string_view>

#include "app/cli.hpp"

namespace symmbench {

/// Writes to stdout what a command is for, and makes sure that it arrived there.
/// @throws Error{report, io_error} with errno when it did not: a full disk, a reader that has left
void print_product(std::string_view text);

/// The same for text that is read as such: its lines fit the terminal that it goes to, if it does.
void print_text(std::string_view text);

/// The same of what was printed before, in pieces: whether all of it arrived. Nothing more is written after a failure.
bool product_arrived();

/// Does `command`; what argv and files decide begins with the command's name when it is told.
int with_name(const ParsedCommand& parsed, int (*command)(const ParsedCommand&));

}  // namespace symmbench
