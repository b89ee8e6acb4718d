// Stands in for libnccl.so.2: one rank. Tests reach its switches through dlsym. With FAKE_NCCL_PARTIAL it lacks a
// symbol.
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <thread>

extern "C" {

struct FakeUniqueId {
  char bytes[128];
};
/// What the last calls were given, and what the next ones answer.
struct FakeNccl {
  int version = 22803;
  int init_result = 0, async_result = 0;
  std::atomic<bool> block{false};  ///< collective calls wait until this falls
  std::atomic<int> initialised{0}, destroyed{0}, aborted{0}, waiting{0};
  int rank = -1, size = 0;
  char id_first = 0, id_last = 0;
  const void* input = nullptr;
  void* output = nullptr;
  std::size_t count = 0;
  int type = -1, operation = -1;
  void* stream = nullptr;
  bool (*device_is_current)() = nullptr;  ///< asked in the thread of each call that needs a device
  int register_result = 0;
  std::atomic<int> allocated{0}, freed{0}, registered{0}, deregistered{0};
  std::size_t window_bytes = 0;
  int window_flags = 0;
} fake_nccl;

static bool without_device() { return fake_nccl.device_is_current != nullptr && !fake_nccl.device_is_current(); }

static void wait_for_peers() {
  ++fake_nccl.waiting;
  while (fake_nccl.block) std::this_thread::yield();
  --fake_nccl.waiting;
}

int ncclGetVersion(int* version) { return *version = fake_nccl.version, 0; }
int ncclGetUniqueId(FakeUniqueId* id) {
  std::memset(id->bytes, 'i', sizeof(id->bytes));
  id->bytes[64] = '\0';  // an id is no text
  id->bytes[127] = 'z';
  return 0;
}
int ncclCommInitRank(void** comm, int size, FakeUniqueId id, int rank) {
  wait_for_peers();
  if (without_device()) return 1;
  fake_nccl.rank = rank;
  fake_nccl.size = size;
  fake_nccl.id_first = id.bytes[0];
  fake_nccl.id_last = id.bytes[127];
  if (fake_nccl.init_result != 0) return fake_nccl.init_result;
  ++fake_nccl.initialised;
  *comm = &fake_nccl;
  return 0;
}
int ncclAllReduce(const void* input, void* output, std::size_t count, int type, int operation, void* comm,
                  void* stream) {
  if (comm != &fake_nccl) return 4;
  fake_nccl.input = input;
  fake_nccl.output = output;
  fake_nccl.count = count;
  fake_nccl.type = type;
  fake_nccl.operation = operation;
  fake_nccl.stream = stream;
  return 0;
}
int ncclCommGetAsyncError(void* comm, int* result) {
  return comm != &fake_nccl ? 4 : (*result = fake_nccl.async_result, 0);
}
int ncclCommDestroy(void*) {
  wait_for_peers();
  if (without_device()) return 1;
  return ++fake_nccl.destroyed, 0;
}
#ifndef FAKE_NCCL_PARTIAL
int ncclCommAbort(void*) { return without_device() ? 1 : (++fake_nccl.aborted, 0); }
#endif
#ifndef FAKE_NCCL_PARTIAL
int ncclMemAlloc(void** memory, std::size_t bytes) {
  if (without_device()) return 1;
  ++fake_nccl.allocated;
  return *memory = std::aligned_alloc(4096, bytes), 0;
}
int ncclMemFree(void* memory) { return std::free(memory), ++fake_nccl.freed, 0; }
int ncclCommWindowRegister(void* comm, void* memory, std::size_t bytes, void** window, int flags) {
  wait_for_peers();
  if (without_device() || comm != &fake_nccl) return 1;
  if (fake_nccl.register_result != 0) return fake_nccl.register_result;
  fake_nccl.window_bytes = bytes;
  fake_nccl.window_flags = flags;
  ++fake_nccl.registered;
  return *window = memory, 0;
}
int ncclCommWindowDeregister(void* comm, void*) { return comm != &fake_nccl ? 1 : (++fake_nccl.deregistered, 0); }
#endif
const char* ncclGetErrorString(int result) { return result == 2 ? "unhandled system error" : "some error"; }

}  // extern "C"
