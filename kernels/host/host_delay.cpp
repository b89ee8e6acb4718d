#include "kernels/host/host_delay.hpp"

#include <chrono>
#include <thread>

#include "core/error.hpp"
#include "device/host/host_stream.hpp"

namespace symmbench {

void delay_on_host(Stream& stream, double us) {
  auto* of_host = dynamic_cast<HostStream*>(&stream.undecorated());
  if (of_host == nullptr) {
    throw Error({.layer = Layer::kernel,
                 .reason = Reason::invalid_argument,
                 .call = "delay_on_host",
                 .detail = "the stream belongs to another device"});
  }
  of_host->launch(1, [span = std::chrono::duration<double, std::micro>(us)](std::uint32_t) {
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < span) std::this_thread::yield();
  });
}

}  // namespace symmbench
