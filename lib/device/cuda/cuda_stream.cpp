#include "device/cuda/cuda_stream.hpp"

#include <fmt/format.h>

#include <thread>
#include <utility>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

namespace symmbench {
namespace {

/// Whether a result tells of a failure inside a kernel or copy that ran earlier: such a context is lost, and every
/// later call returns the same.
bool is_failure_of_work(CUresult result) {
  switch (result) {
    case CUDA_ERROR_ECC_UNCORRECTABLE:
    case CUDA_ERROR_NVLINK_UNCORRECTABLE:
    case CUDA_ERROR_ILLEGAL_ADDRESS:
    case CUDA_ERROR_LAUNCH_TIMEOUT:
    case CUDA_ERROR_ASSERT:
    case CUDA_ERROR_HARDWARE_STACK_ERROR:
    case CUDA_ERROR_ILLEGAL_INSTRUCTION:
    case CUDA_ERROR_MISALIGNED_ADDRESS:
    case CUDA_ERROR_INVALID_ADDRESS_SPACE:
    case CUDA_ERROR_INVALID_PC:
    case CUDA_ERROR_LAUNCH_FAILED:
    case CUDA_ERROR_CONTAINED:
      return true;
    default:
      return false;
  }
}

/// Functions of the driver that are no DriverCall of their own go by their names.
std::string_view name_of(std::string_view function) { return function; }

template <class Call>
[[noreturn]] void throw_failure_of_work(const CudaContext& context, CUresult result, Call call) {
  throw Error({.layer = Layer::kernel,
               .reason = reason_of_driver_code(result),
               .call = std::string(name_of(call)),
               .detail = fmt::format("{}: work enqueued earlier failed on device {}", context.api().name_of(result),
                                     context.ordinal()),
               .code = result});
}

template <class Call, class Detail>
void check_enqueue(const CudaContext& context, CUresult result, Call call, Detail&& detail) {
  if (is_failure_of_work(result)) throw_failure_of_work(context, result, call);
  context.check(result, call, std::forward<Detail>(detail));
}

class CudaEvent final : public Event {
 public:
  explicit CudaEvent(const CudaContext& context) : context_(context) {
    context.enter();
    context.check(context.api().event_create(&event_, CU_EVENT_DEFAULT), DriverCall::make_event,
                  [] { return "with timing"; });
  }
  CudaEvent(const CudaEvent&) = delete;
  CudaEvent& operator=(const CudaEvent&) = delete;
  ~CudaEvent() override {
    if (context_.try_enter()) context_.api().event_destroy(event_);
  }

  CUevent native() const { return event_; }
  bool recorded() const { return recorded_; }
  void set_recorded() { recorded_ = true; }

 private:
  const CudaContext& context_;
  CUevent event_ = nullptr;
  bool recorded_ = false;
};

CudaEvent& cuda_event(Event& event, DriverCall call) {
  auto* own = dynamic_cast<CudaEvent*>(&event);
  if (own == nullptr) throw_driver_error(call, driver_code::kInvalidHandle, "an event of another device");
  return *own;
}

const CudaEvent& cuda_event(const Event& event, DriverCall call) { return cuda_event(const_cast<Event&>(event), call); }

class CudaGraph final : public Graph {
 public:
  CudaGraph(const CudaContext& context, CUstream stream, CUgraph graph) : context_(context), stream_(stream) {
    context.check(context.api().graph_instantiate(&exec_, graph, 0), "cuGraphInstantiateWithFlags",
                  [] { return "a captured batch"; });
  }
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;
  ~CudaGraph() override {
    if (context_.try_enter()) context_.api().graph_exec_destroy(exec_);
  }

  void launch() override {
    context_.enter();
    check_enqueue(context_, context_.api().graph_launch(exec_, stream_), DriverCall::launch_graph,
                  [] { return "a captured batch"; });
  }

 private:
  const CudaContext& context_;
  CUstream stream_;
  CUgraphExec exec_ = nullptr;
};

/// Ends a capture that was begun, whatever happens in between.
class Capture {
 public:
  Capture(const CudaContext& context, CUstream stream, bool& capturing)
      : context_(context), stream_(stream), capturing_(capturing) {
    check_enqueue(context, context.api().stream_begin_capture(stream, CU_STREAM_CAPTURE_MODE_RELAXED),
                  DriverCall::capture, [] { return "a batch"; });
    capturing_ = true;
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  ~Capture() {
    if (capturing_) end();
    if (graph_ != nullptr) context_.api().graph_destroy(graph_);
  }

  CUgraph finish() {
    check_enqueue(context_, end(), "cuStreamEndCapture", [] { return "a batch"; });
    return graph_;
  }

 private:
  CUresult end() {
    capturing_ = false;
    return context_.api().stream_end_capture(stream_, &graph_);
  }

  const CudaContext& context_;
  CUstream stream_;
  bool& capturing_;
  CUgraph graph_ = nullptr;
};

}  // namespace

CudaStream::CudaStream(const CudaContext& context, std::chrono::nanoseconds synchronize_limit)
    : context_(context), synchronize_limit_(synchronize_limit) {
  context.enter();
  context.check(context.api().stream_create(&stream_, CU_STREAM_NON_BLOCKING), DriverCall::make_stream,
                [] { return "non-blocking"; });
}

CudaStream::~CudaStream() {
  if (context_.try_enter()) context_.api().stream_destroy(stream_);
}

void CudaStream::copy(void* to, const void* from, std::uint64_t bytes) {
  if (bytes == 0) return;
  context_.enter();
  check_enqueue(context_,
                context_.api().memcpy_async(reinterpret_cast<CUdeviceptr>(to), reinterpret_cast<CUdeviceptr>(from),
                                            bytes, stream_),
                DriverCall::copy, [&] { return fmt::format("{} from {} to {}", format_bytes(bytes), from, to); });
}

void CudaStream::fill(DevicePtr to, std::uint32_t pattern, std::uint64_t words) {
  if (to % sizeof(pattern) != 0) {
    throw_driver_error(DriverCall::fill, driver_code::kInvalidValue, fmt::format("{:#x} is not aligned to 4", to));
  }
  if (words == 0) return;
  context_.enter();
  check_enqueue(context_, context_.api().memset_d32_async(to, pattern, words, stream_), DriverCall::fill,
                [&] { return fmt::format("{} words of {:#x} at {:#x}", words, pattern, to); });
}

std::unique_ptr<Event> CudaStream::make_event() { return std::make_unique<CudaEvent>(context_); }

void CudaStream::record(Event& event) {
  CudaEvent& own = cuda_event(event, DriverCall::record_event);
  context_.enter();
  const unsigned flags = capturing_ ? CU_EVENT_RECORD_EXTERNAL : CU_EVENT_RECORD_DEFAULT;
  check_enqueue(context_, context_.api().event_record(own.native(), stream_, flags), DriverCall::record_event,
                [] { return "an event"; });
  own.set_recorded();
}

double CudaStream::elapsed_us(const Event& a, const Event& b) {
  const CudaEvent& from = cuda_event(a, DriverCall::elapsed);
  const CudaEvent& to = cuda_event(b, DriverCall::elapsed);
  float milliseconds = 0;
  CUresult result = CUDA_ERROR_NOT_READY;
  if (from.recorded() && to.recorded()) {
    context_.enter();
    result = context_.api().event_elapsed_time(&milliseconds, from.native(), to.native());
  }
  if (result == CUDA_ERROR_NOT_READY) {
    throw Error({.layer = Layer::driver,
                 .reason = Reason::not_ready,
                 .call = std::string(name_of(DriverCall::elapsed)),
                 .detail = "an event was not recorded, or its stream has not reached it",
                 .code = result});
  }
  check_enqueue(context_, result, DriverCall::elapsed, [] { return "two recorded events"; });
  return static_cast<double>(milliseconds) * 1e3;
}

std::unique_ptr<Graph> CudaStream::capture(const std::function<void()>& body) {
  if (capturing_) {
    throw_driver_error(DriverCall::capture, driver_code::kIllegalState, "the stream is being captured already");
  }
  context_.enter();
  Capture capture(context_, stream_, capturing_);
  body();
  return std::make_unique<CudaGraph>(context_, stream_, capture.finish());
}

void CudaStream::synchronize() {
  if (capturing_)
    throw_driver_error(DriverCall::synchronize, driver_code::kIllegalState, "the stream is being captured");
  context_.enter();
  const auto limit = synchronize_limit_ + work_;
  const Deadline deadline = Deadline::in(limit);
  while (true) {
    const CUresult result = context_.api().stream_query(stream_);
    if (result == CUDA_SUCCESS) return;
    if (result != CUDA_ERROR_NOT_READY) throw_failure_of_work(context_, result, DriverCall::synchronize);
    if (deadline.expired()) {
      throw Error({.layer = Layer::kernel,
                   .reason = Reason::timed_out,
                   .call = std::string(name_of(DriverCall::synchronize)),
                   .detail = fmt::format("work on device {} not done after {:.1f} s", context_.ordinal(),
                                         std::chrono::duration<double>(limit).count())});
    }
    std::this_thread::yield();
  }
}

}  // namespace symmbench
