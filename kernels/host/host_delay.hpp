#pragma once
#include "device/stream.hpp"

namespace symmbench {

/// Keeps a stream of the emulated device busy for so long, by the host's clock. @throws Error{kernel, invalid_argument}
/// for a stream of another device
void delay_on_host(Stream& stream, double us);

}  // namespace symmbench
