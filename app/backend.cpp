#include "app/backend.hpp"

#include "device/cuda/choose_ordinal.hpp"
#include "device/cuda/cuda_backend.hpp"
#include "device/cuda/nccl_library.hpp"
#include "device/cuda/nvml.hpp"
#include "device/cuda/shared_library.hpp"
#include "kernels/host/host_delay.hpp"
#include "kernels/host/host_kernels.hpp"
#include "memory/handle_trial.hpp"
#ifdef SYMMBENCH_HAS_CUDA
#include "kernels/cuda/cuda_delay.hpp"
#include "kernels/cuda/cuda_kernels.hpp"
#include "kernels/cuda/cuda_link_probe.hpp"
#endif

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

Backend backend_of(std::unique_ptr<Driver> device, std::unique_ptr<KernelSet> kernels, Heartbeat& heartbeat,
                   const BackendOptions& options) {
  Backend backend;
  backend.account = std::make_unique<DriverAccount>();
  std::unique_ptr<Driver> driver = std::make_unique<AccountedDriver>(std::move(device), *backend.account);
  if (!options.driver_faults.empty()) {
    driver = std::make_unique<FaultyDriver>(std::move(driver), options.driver_faults);
  }
  if (options.traced_calls > 0) {
    auto traced = std::make_unique<TracedDriver>(std::move(driver), options.traced_calls);
    backend.trace = traced.get();
    driver = std::move(traced);
  }
  backend.observer = std::make_unique<CallOnHeartbeat>(heartbeat);
  backend.driver = std::make_unique<ObservedDriver>(std::move(driver), backend.observer.get());
  backend.kernels = std::move(kernels);
  backend.give_up = backend.driver->register_host(heartbeat.give_up_record(), sizeof(GiveUpRecord));
  return backend;
}

#ifdef SYMMBENCH_HAS_CUDA
DeviceSample sample_of(const NvmlDevice& nvml) {
  const NvmlSample now = nvml.sample();
  DeviceSample sample{.temperature_c = now.temperature_c,
                      .sm_clock_mhz = now.sm_clock_mhz,
                      .power_mw = now.power_mw,
                      .nvlink_errors = now.nvlink_errors};
  if (now.throttle_reasons) sample.throttle = throttle_names(*now.throttle_reasons);
  return sample;
}

Backend cuda_backend(Heartbeat& heartbeat, const BackendOptions& options) {
  const int ordinal = choose_ordinal(options.local_rank, probe_cuda().device_count);
  Backend backend = backend_of(make_cuda_driver(ordinal, {.synchronize_limit = options.synchronize_limit}),
                               make_cuda_kernels(ordinal), heartbeat, options);
  backend.probe = make_cuda_link_probe(ordinal);
  backend.delay = make_cuda_delay(ordinal);
  backend.emulated = false;
  const auto nvml = std::make_shared<NvmlDevice>(backend.driver->facts());
  nvml->watch_xids();
  backend.sample = [nvml] { return sample_of(*nvml); };
  backend.slowed_down = [nvml] { return nvml->slowed_down(); };
  backend.errors = [nvml] {
    NvmlXids now = nvml->xids();
    return DeviceErrors{.xids = std::move(now.codes), .cut = now.cut, .unknown = std::move(now.unknown)};
  };
  backend.open_nccl = [](Algorithm reference) {
    return open_nccl(native_stream, kNcclLibrary,
                     reference == Algorithm::nccl_symmetric ? NcclMemory::windows : NcclMemory::any);
  };
  return backend;
}
#else
Backend cuda_backend(Heartbeat&, const BackendOptions&) {
  throw Error({.layer = Layer::environment, .reason = Reason::not_supported, .detail = probe_cuda().reason});
}
#endif

Backend host_backend(Heartbeat& heartbeat, const BackendOptions& options) {
  Backend backend = backend_of(std::make_unique<HostDriver>(options.host_device),
                               make_host_kernels(options.protocol_fault), heartbeat, options);
  backend.delay = delay_on_host;
  return backend;
}

/// What the handle rules of all allocators go by; the self test is theirs.
void ask_for_handles(DeviceAnswer& answer, Driver& driver) {
  answer.handles = local_handle_facts(driver, 0);
  answer.self_test = self_test(driver, HandleType::fabric);
  answer.handles->fabric_self_test = !answer.self_test;
  if (answer.self_test) answer.handles->self_test_failure = fact_text(describe(*answer.self_test));
}

/// NCCL is large: where no GPU can be used it is not looked for.
LibraryFacts facts_of_nccl(bool usable) {
  return usable ? nccl_facts() : LibraryFacts{.name = kNcclLibrary, .unknown = "not looked for: no GPU can be used"};
}

DeviceAnswer probe_cuda_device(int local_rank) {
  DeviceAnswer answer{.kind = "cuda"};
  const CudaAvailability cuda = probe_cuda();
  answer.libraries = {SharedLibrary(kCudaLibrary).facts(), SharedLibrary(kNvmlLibrary).facts(),
                      facts_of_nccl(cuda.usable)};
  if (!cuda.usable) {
    answer.problem = cuda.reason;
    answer.absent = cuda.absent;
    return answer;
  }
  try {
    const int ordinal = choose_ordinal(local_rank, cuda.device_count);
    const auto driver = make_cuda_driver(ordinal);
    answer.facts = driver->facts();
    answer.memory = driver->memory_info();
    ask_for_handles(answer, *driver);
    answer.granularities = handle_granularities(*driver);
    answer.mig = NvmlDevice(*answer.facts).mig();
    answer.unreachable = unreachable_devices(ordinal);
  } catch (const Error& error) {
    answer.problem = error.what();
  }
  return answer;
}

}  // namespace

Backend make_backend(const std::string& kind, Heartbeat& heartbeat, const BackendOptions& options) {
  if (kind == "cuda") return cuda_backend(heartbeat, options);
  return host_backend(heartbeat, options);
}

std::vector<DeviceAnswer> probe_devices(int local_rank, const HostDriverOptions& host_device) {
  HostDriver host(host_device);
  DeviceAnswer emulated{.kind = "host", .facts = host.facts(), .memory = host.memory_info()};
  ask_for_handles(emulated, host);
  emulated.granularities = handle_granularities(host);
  return {probe_cuda_device(local_rank), std::move(emulated)};
}

}  // namespace symmbench
