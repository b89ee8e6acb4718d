#pragma once

namespace symmbench {

/// First thing in main(), before anything is opened: descriptors 0 to 2 that came closed lead to /dev/null, or else the
/// next socket, journal or report would be number 2 and take in what is meant for people; writing to a stdout that came
/// closed still fails. And what cannot be written is
/// an error of that write, not the end of the process: a reader that has left (SIGPIPE), a limit on files (SIGXFSZ).
void prepare_process() noexcept;

}  // namespace symmbench
