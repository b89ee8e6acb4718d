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
  void around(const CallRecord& call, const CallBody& body) override { driver_.pass(call, body, &undecorated()); }

  FaultyDriver& driver_;
};

FaultyDriver::FaultyDriver(std::unique_ptr<Driver> inner, std::vector<DriverFault> faults)
    : DriverDecorator(std::move(inner)) {
  for (DriverFault& fault : faults) planned_.push_back({.fault = std::move(fault)});
}

const FaultyDriver::Planned* FaultyDriver::next(const CallRecord& call) {
  const Planned* strikes = nullptr;
  for (Planned& planned : planned_) {
    const DriverFault& fault = planned.fault;
    if (fault.call != call.call || (fault.word && *fault.word != call.word) || (fault.when && !fault.when())) continue;
    ++planned.met;
    if (strikes == nullptr && planned.met >= fault.nth && planned.met - fault.nth < fault.times) strikes = &planned;
  }
  return strikes;
}

void FaultyDriver::pass(const CallRecord& call, const CallBody& body, Stream* stream) {
  const Planned* strikes = next(call);
  if (strikes == nullptr) return body();
  const DriverFault& fault = strikes->fault;
  ++injected_;
  if (fault.struck) ++*fault.struck;
  if (fault.lost) return;
  if (fault.garbled && stream != nullptr) {
    body();
    return stream->fill(call.address + sizeof(call.word), ~call.word, 1);
  }
  throw_driver_error(call.call, fault.code, fmt::format("injected: call {} of {}", strikes->met, name_of(call.call)));
}

std::unique_ptr<Stream> FaultyDriver::decorate(std::unique_ptr<Stream> stream) {
  return std::make_unique<FaultyStream>(*this, std::move(stream));
}

}  // namespace symmbench
