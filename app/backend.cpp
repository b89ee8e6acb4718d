#include "app/backend.hpp"

#include "device/host/host_driver.hpp"
#include "kernels/host/host_kernels.hpp"

namespace symmbench {
namespace {

/// Shows the driver call in progress on the heartbeat page, so that a call that never returns has a name.
class CallOnHeartbeat final : public DriverObserver {
 public:
  explicit CallOnHeartbeat(Heartbeat& heartbeat) : heartbeat_(heartbeat) {}
  void calling(std::string_view call) override { heartbeat_.driver_call(call); }
  void returned(std::string_view, bool) override { heartbeat_.driver_call(""); }

 private:
  Heartbeat& heartbeat_;
};

constexpr const char* kNoCuda = "this version of symmbench has no cuda device yet";

}  // namespace

Backend make_backend(const std::string& kind, Heartbeat& heartbeat) {
  if (kind != "host") throw Error({.layer = Layer::environment, .reason = Reason::not_supported, .detail = kNoCuda});
  Backend backend;
  backend.observer = std::make_unique<CallOnHeartbeat>(heartbeat);
  backend.driver = std::make_unique<ObservedDriver>(std::make_unique<HostDriver>(), backend.observer.get());
  backend.kernels = make_host_kernels();
  backend.emulated = true;
  return backend;
}

std::vector<DeviceAnswer> probe_devices() {
  HostDriver host;
  return {{.kind = "cuda", .problem = kNoCuda}, {.kind = "host", .facts = host.facts(), .memory = host.memory_info()}};
}

}  // namespace symmbench
