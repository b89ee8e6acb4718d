// Takes the place of cuda_backend.cpp where SYMMBENCH_CUDA is off.
#include "core/error.hpp"
#include "device/cuda/cuda_backend.hpp"

namespace symmbench {
namespace {

constexpr const char* kWithout = "this binary was built without the cuda device (preset cuda has it)";

[[noreturn]] void refuse() {
  throw Error({.layer = Layer::environment, .reason = Reason::not_supported, .detail = kWithout});
}

}  // namespace

CudaAvailability probe_cuda() { return {.absent = true, .reason = kWithout}; }
std::vector<std::string> unreachable_devices(int) { refuse(); }
void* native_stream(Stream&) { refuse(); }
std::unique_ptr<Driver> make_cuda_driver(int, const CudaOptions&) { refuse(); }

}  // namespace symmbench
