#include "device/faulty/faulty_driver.hpp"

#include <fmt/format.h>

#include <utility>

#include "device/stream_decorator.hpp"

namespace symmbench {

/// Counts and fails its calls together with those of the driver's other streams.
class FaultyDriver::FaultyStream final : public StreamDecorator {
 public:
  FaultyStream(FaultyDriver& driver, std::unique_ptr<Stream> inner)
      : StreamDecorator(std::move(inner)), driver_(driver) {}

 private:
  void around(const CallRecord& call, const CallBody& body) override { driver_.around(call, body); }

  FaultyDriver& driver_;
};

FaultyDriver::FaultyDriver(std::unique_ptr<Driver> inner, std::vector<DriverFault> faults)
    : DriverDecorator(std::move(inner)), faults_(std::move(faults)) {}

void FaultyDriver::around(const CallRecord& call, const CallBody& body) {
  const std::uint64_t nth = ++calls_[static_cast<std::size_t>(call.call)];
  for (const DriverFault& fault : faults_) {
    if (fault.call != call.call || nth < fault.nth || nth - fault.nth >= fault.times) continue;
    ++injected_;
    if (fault.struck) ++*fault.struck;
    if (fault.lost) return;
    throw_driver_error(call.call, fault.code, fmt::format("injected: call {} of {}", nth, name_of(call.call)));
  }
  body();
}

std::unique_ptr<Stream> FaultyDriver::decorate(std::unique_ptr<Stream> stream) {
  return std::make_unique<FaultyStream>(*this, std::move(stream));
}

}  // namespace symmbench
