#include "device/cuda/nccl_library.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>
#include <string_view>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/finishes_within.hpp"
#include "core/log.hpp"
#include "core/round.hpp"
#include "device/cuda/shared_library.hpp"

namespace symmbench {
namespace {

// Declared here and not taken from nccl.h, which few machines have. NCCL 2 keeps these stable. ncclCommInitRank, and
// not ncclCommInitRankConfig with its non-blocking communicators: those would put each captured launch on a thread of
// NCCL's, which nobody who times NCCL does, and need a struct that grows with each release. So the few calls that wait
// for peers are bounded from outside instead, by bounded().
struct UniqueId {
  char bytes[128];
};
using Comm = void*;
using Result = int;
constexpr Result kNcclSuccess = 0, kInProgress = 7;
constexpr int kSum = 0, kFloat16 = 6, kFloat32 = 7, kBfloat16 = 9;
constexpr int kOldest = 21003;             ///< 2.10.3: bf16; below 2.9 the code was 1000 a major version
constexpr int kOldestWithWindows = 22703;  ///< 2.27.3, the first release of 2.27
constexpr int kSymmetricWindow = 1;        ///< NCCL_WIN_COLL_SYMMETRIC
constexpr std::uint64_t kWindowAlignment = 4096;
constexpr auto kAbortLimit = std::chrono::seconds(5);

struct Api {
  Result (*get_version)(int*) = nullptr;
  Result (*get_unique_id)(UniqueId*) = nullptr;
  Result (*comm_init_rank)(Comm*, int, UniqueId, int) = nullptr;
  Result (*all_reduce)(const void*, void*, std::size_t, int, int, Comm, void*) = nullptr;
  Result (*comm_get_async_error)(Comm, Result*) = nullptr;
  Result (*comm_destroy)(Comm) = nullptr;
  Result (*comm_abort)(Comm) = nullptr;
  const char* (*get_error_string)(Result) = nullptr;
  // Of windows only.
  Result (*mem_alloc)(void**, std::size_t) = nullptr;
  Result (*mem_free)(void*) = nullptr;
  Result (*window_register)(Comm, void*, std::size_t, void**, int) = nullptr;
  Result (*window_deregister)(Comm, void*) = nullptr;
};

/// The first symbol that the library lacks, or nullptr.
const char* find_all(const SharedLibrary& library, NcclMemory memory, Api& api) {
  const char* missing = nullptr;
  const auto find = [&]<class F>(F& function, const char* name) {
    function = library.symbol<F>(name);
    if (function == nullptr && missing == nullptr) missing = name;
  };
  find(api.get_version, "ncclGetVersion");
  find(api.get_unique_id, "ncclGetUniqueId");
  find(api.comm_init_rank, "ncclCommInitRank");
  find(api.all_reduce, "ncclAllReduce");
  find(api.comm_get_async_error, "ncclCommGetAsyncError");
  find(api.comm_destroy, "ncclCommDestroy");
  find(api.comm_abort, "ncclCommAbort");
  find(api.get_error_string, "ncclGetErrorString");
  if (memory == NcclMemory::any) return missing;
  find(api.mem_alloc, "ncclMemAlloc");
  find(api.mem_free, "ncclMemFree");
  find(api.window_register, "ncclCommWindowRegister");
  find(api.window_deregister, "ncclCommWindowDeregister");
  return missing;
}

std::string version_text(int code) {
  const int major_unit = code < 10000 ? 1000 : 10000;
  return fmt::format("NCCL {}.{}.{}", code / major_unit, code % major_unit / 100, code % 100);
}

Reason reason_of(Result result) {
  constexpr std::array kReasons{Reason::internal,      Reason::illegal_state,    Reason::io_error,
                                Reason::illegal_state, Reason::invalid_argument, Reason::invalid_argument,
                                Reason::peer_failed};
  const auto index = static_cast<std::size_t>(result);
  return result > 0 && index < kReasons.size() ? kReasons[index] : Reason::internal;
}

Failure failure_of(const Api& api, Result result, const char* call) {
  return {.layer = Layer::driver,
          .reason = reason_of(result),
          .call = call,
          .detail = fmt::format("{} (NCCL_DEBUG=WARN in the environment tells more)", api.get_error_string(result)),
          .code = result};
}

/// NCCL's collective calls wait for their peers without a limit. What they write to belongs to `call`, since a call that
/// is given up goes on.
Result bounded(const char* name, std::chrono::nanoseconds limit, std::function<Result()> call) {
  const double limit_s = std::chrono::duration<double>(limit).count();
  if (const auto result = result_within(limit_s, std::move(call))) return *result;
  throw Error({.layer = Layer::driver,
               .reason = Reason::timed_out,
               .call = name,
               .detail = fmt::format("NCCL still waits for its peers after {:.1f} s", limit_s)});
}

class NcclLibrary final : public CollectiveLibrary {
 public:
  NcclLibrary(const Api& api, int version, NativeStream native, NcclMemory memory)
      : api_(api), version_(version), native_(std::move(native)), memory_(memory) {}
  NcclLibrary(const NcclLibrary&) = delete;
  NcclLibrary& operator=(const NcclLibrary&) = delete;
  /// Without close() something failed, and ncclCommDestroy, which is collective, might wait indefinitely.
  ~NcclLibrary() override {
    if (comm_ == nullptr) return;
    try {
      bounded("ncclCommAbort", kAbortLimit, on_device([abort = api_.comm_abort, comm = comm_] { return abort(comm); }));
    } catch (const std::exception& error) {
      log_line("symmbench: {}", error.what());
    }
  }

  std::string version() const override { return version_text(version_); }

  std::string make_id() override {
    UniqueId id{};
    check(api_.get_unique_id(&id), "ncclGetUniqueId");
    return {id.bytes, sizeof(id.bytes)};
  }

  void connect(Stream& stream, const std::string& id, int rank, int size, std::chrono::nanoseconds limit) override {
    constexpr const char* kCall = "ncclCommInitRank";
    UniqueId unique{};
    if (comm_ != nullptr || id.size() != sizeof(unique.bytes)) {
      throw Error({.layer = Layer::driver,
                   .reason = Reason::invalid_argument,
                   .call = kCall,
                   .detail = comm_ != nullptr
                                 ? std::string("connected already")
                                 : fmt::format("an id of {} bytes, not {}", id.size(), sizeof(unique.bytes))});
    }
    std::memcpy(unique.bytes, id.data(), sizeof(unique.bytes));
    const auto comm = std::make_shared<Comm>(nullptr);
    stream_ = &stream;
    const Result result = bounded(kCall, limit, on_device([init = api_.comm_init_rank, comm, unique, rank, size] {
                                    return init(comm.get(), size, unique, rank);
                                  }));
    check(result, kCall);
    comm_ = *comm;
  }

  void allreduce(Stream& stream, DevicePtr input, DevicePtr output, std::uint64_t elements, DType dtype) override {
    const int type = dtype == DType::fp16 ? kFloat16 : dtype == DType::bf16 ? kBfloat16 : kFloat32;
    check(api_.all_reduce(to_pointer(input), to_pointer(output), elements, type, kSum, comm_, native_(stream)),
          "ncclAllReduce");
  }

  std::shared_ptr<void> message_memory(std::uint64_t bytes, std::chrono::nanoseconds limit) override {
    if (memory_ == NcclMemory::any) return nullptr;
    const std::uint64_t size = round_up(bytes, kWindowAlignment);
    // Both are NCCL's to write to even where the wait for it was given up.
    const auto made = std::make_shared<Window>();
    check(bounded("ncclMemAlloc", limit,
                  on_device([alloc = api_.mem_alloc, made, size] { return alloc(&made->memory, size); })),
          "ncclMemAlloc");
    const Result result =
        bounded("ncclCommWindowRegister", limit, on_device([api = api_, comm = comm_, made, size] {
                  return api.window_register(comm, made->memory, size, &made->window, kSymmetricWindow);
                }));
    if (result != kNcclSuccess) {
      release(*made, limit);
      throw Error(failure_of(api_, result, "ncclCommWindowRegister"));
    }
    return {made->memory, [this, made, limit](void*) { release(*made, limit); }};
  }
  std::string about_memory() const override {
    return memory_ == NcclMemory::any ? CollectiveLibrary::about_memory() : "over registered windows";
  }

  std::optional<Failure> async_failure() const override {
    constexpr const char* kCall = "ncclCommGetAsyncError";
    Result asynchronous = kNcclSuccess;
    const Result result = api_.comm_get_async_error(comm_, &asynchronous);
    if (result != kNcclSuccess) return failure_of(api_, result, kCall);
    if (asynchronous != kNcclSuccess && asynchronous != kInProgress) return failure_of(api_, asynchronous, kCall);
    return std::nullopt;
  }

  void close(std::chrono::nanoseconds limit) override {
    if (comm_ == nullptr) return;
    constexpr const char* kCall = "ncclCommDestroy";
    const auto destroy = [destroy = api_.comm_destroy, comm = std::exchange(comm_, nullptr)] { return destroy(comm); };
    check(bounded(kCall, limit, on_device(destroy)), kCall);
  }

 private:
  struct Window {
    void* memory = nullptr;
    void* window = nullptr;  ///< null where NCCL has none for this communicator, one of a single rank say
  };

  /// What is not given back is told and left: it goes with the process.
  void release(const Window& made, std::chrono::nanoseconds limit) const {
    try {
      if (made.window != nullptr && comm_ != nullptr) {
        check(bounded("ncclCommWindowDeregister", limit,
                      on_device([deregister = api_.window_deregister, comm = comm_, window = made.window] {
                        return deregister(comm, window);
                      })),
              "ncclCommWindowDeregister");
      }
      check(bounded("ncclMemFree", limit,
                    on_device([free = api_.mem_free, memory = made.memory] { return free(memory); })),
            "ncclMemFree");
    } catch (const Error& error) {
      log_line("symmbench: {}", error.what());
    }
  }

  /// The device is current per thread: without this, NCCL would use (and put a context on) device 0 as well. A thread
  /// that bounded() abandons waits in `call`: it no longer uses the stream.
  std::function<Result()> on_device(std::function<Result()> call) const {
    return [native = native_, stream = stream_, call = std::move(call)] {
      native(*stream);
      return call();
    };
  }

  void check(Result result, const char* call) const {
    if (result != kNcclSuccess) throw Error(failure_of(api_, result, call));
  }

  Api api_;
  int version_;
  NativeStream native_;
  NcclMemory memory_;
  Stream* stream_ = nullptr;
  Comm comm_ = nullptr;
};

/// Why NCCL may not be opened in this process.
std::optional<std::string> nccl_refused() {
  const char* const veto = std::getenv("NCCL_NVLS_ENABLE");
  if (veto != nullptr && std::string_view(veto) == "0") return std::nullopt;
  return fmt::format("NCCL is not opened where NCCL_NVLS_ENABLE is '{}': only 0 keeps it from multicast",
                     veto == nullptr ? "" : veto);
}

}  // namespace

LibraryFacts nccl_facts(const std::string& library_name) {
  if (const auto refusal = nccl_refused()) return {.name = library_name, .unknown = *refusal};
  const SharedLibrary library(library_name);
  LibraryFacts facts = library.facts();
  int version = 0;
  if (const auto get_version = library.symbol<Result (*)(int*)>("ncclGetVersion");
      get_version != nullptr && get_version(&version) == kNcclSuccess) {
    facts.version = version_text(version).substr(std::string_view("NCCL ").size());
  }
  return facts;
}

LibraryChoice open_nccl(NativeStream native, const std::string& library_name, NcclMemory memory) {
  if (const auto refusal = nccl_refused()) return {.problem = *refusal};
  const SharedLibrary library(library_name);
  if (!library) return {.problem = fmt::format("NCCL cannot be opened: {}", library.error())};
  Api api;
  if (const char* missing = find_all(library, memory, api)) {
    return {.problem = fmt::format("{} has no {}: not an NCCL that this version can use{}", library_name, missing,
                                   memory == NcclMemory::windows ? " for registered windows" : "")};
  }
  int version = 0;
  if (const Result result = api.get_version(&version); result != kNcclSuccess) {
    return {.problem = fmt::format("ncclGetVersion failed: {}", api.get_error_string(result))};
  }
  if (version < kOldest) {
    return {.problem =
                fmt::format("{} is too old: bf16 needs {} or later", version_text(version), version_text(kOldest))};
  }
  if (memory == NcclMemory::windows && version < kOldestWithWindows) {
    return {.problem = fmt::format("{} is too old: registered windows need {} or later", version_text(version),
                                   version_text(kOldestWithWindows))};
  }
  return {.library = std::make_unique<NcclLibrary>(api, version, std::move(native), memory)};
}

}  // namespace symmbench
