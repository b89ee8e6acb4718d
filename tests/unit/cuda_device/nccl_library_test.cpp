#include "device/cuda/nccl_library.hpp"

#include <dlfcn.h>

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "device/cuda/shared_library.hpp"
#include "device/host/host_stream.hpp"
#include "support/failures.hpp"
#include "support/scratch_folder.hpp"

namespace symmbench {
namespace {

using Catch::Matchers::ContainsSubstring;
using namespace std::chrono_literals;

constexpr auto kGenerous = 60s;
int native;  // its address is the cudaStream_t

/// As tests/support/fake_nccl.cpp has it.
struct FakeNccl {
  int version;
  int init_result, async_result;
  std::atomic<bool> block;
  std::atomic<int> initialised, destroyed, aborted, waiting;
  int rank, size;
  char id_first, id_last;
  const void* input;
  void* output;
  std::size_t count;
  int type, operation;
  void* stream;
  bool (*device_is_current)();
  int register_result;
  std::atomic<int> allocated, freed, registered, deregistered;
  std::size_t window_bytes;
  int window_flags;
};

thread_local bool device_is_current = false;

/// The library's switches at their start values, and the environment that a worker has.
struct NcclFixture {
  FakeNccl& fake = *static_cast<FakeNccl*>(::dlsym(::dlopen(FAKE_NCCL, RTLD_NOW | RTLD_LOCAL), "fake_nccl"));
  HostStream stream;
  NcclFixture() {
    ::setenv("NCCL_NVLS_ENABLE", "0", 1);
    fake.version = 22803;
    fake.init_result = fake.async_result = fake.register_result = 0;
    fake.initialised = fake.destroyed = fake.aborted = 0;
    fake.allocated = fake.freed = fake.registered = fake.deregistered = 0;
    fake.device_is_current = [] { return device_is_current; };
  }
  ~NcclFixture() { ::unsetenv("NCCL_NVLS_ENABLE"); }

  LibraryChoice open(const std::string& path = FAKE_NCCL, NcclMemory memory = NcclMemory::any) {
    const auto on_device = [](Stream&) {
      device_is_current = true;
      return static_cast<void*>(&native);
    };
    return open_nccl(on_device, path, memory);
  }
  std::unique_ptr<CollectiveLibrary> connected(NcclMemory memory = NcclMemory::any) {
    auto library = open(FAKE_NCCL, memory).library;
    REQUIRE(library);
    library->connect(stream, library->make_id(), 0, 1, kGenerous);
    return library;
  }
};

TEST_CASE_METHOD(NcclFixture, "without the library, or without one of its symbols, the reason names it") {
  const LibraryChoice absent = open("libno-such-nccl.so.2");
  CHECK_FALSE(absent.library);
  CHECK_THAT(absent.problem, ContainsSubstring("libno-such-nccl.so.2"));
  const LibraryChoice partial = open(FAKE_NCCL_PARTIAL);
  CHECK_FALSE(partial.library);
  CHECK_THAT(partial.problem, ContainsSubstring("ncclCommAbort"));
}

TEST_CASE_METHOD(NcclFixture, "NCCL is not even opened unless the environment keeps it from multicast") {
  for (const char* value : {"1", "", "00", "no"}) {
    ::setenv("NCCL_NVLS_ENABLE", value, 1);
    const LibraryChoice choice = open("libno-such-nccl.so.2");
    CHECK_FALSE(choice.library);
    CHECK_THAT(choice.problem, ContainsSubstring("NCCL_NVLS_ENABLE") && !ContainsSubstring("libno-such"));
  }
  ::unsetenv("NCCL_NVLS_ENABLE");
  CHECK_FALSE(open().library);
}

TEST_CASE_METHOD(NcclFixture, "the version is told, and one without bf16 is refused with both versions") {
  CHECK(open().library->version() == "NCCL 2.28.3");
  fake.version = 2804;  // 2.8.4, as it was written then
  CHECK_THAT(open().problem, ContainsSubstring("NCCL 2.8.4") && ContainsSubstring("NCCL 2.10.3"));
}

TEST_CASE_METHOD(NcclFixture, "an id, a rank and a call arrive in NCCL as they were given") {
  const auto library = open().library;
  const std::string id = library->make_id();
  CHECK(id.size() == 128);
  library->connect(stream, id, 2, 4, kGenerous);
  CHECK(fake.rank == 2);
  CHECK(fake.size == 4);
  CHECK(fake.id_first == 'i');
  CHECK(fake.id_last == 'z');
  for (const auto& [dtype, type] : {std::pair{DType::fp16, 6}, {DType::bf16, 9}, {DType::fp32, 7}}) {
    library->allreduce(stream, 0x1000, 0x2000, 77, dtype);
    CHECK(fake.input == to_pointer(0x1000));
    CHECK(fake.output == to_pointer(0x2000));
    CHECK(fake.count == 77);
    CHECK(fake.type == type);
    CHECK(fake.operation == 0);
    CHECK(fake.stream == &native);
  }
  library->close(kGenerous);
  library->close(kGenerous);
  CHECK(fake.destroyed == 1);
}

TEST_CASE_METHOD(NcclFixture, "an error of NCCL is told with its call, code and words") {
  const auto library = open().library;
  fake.init_result = 2;
  const Failure failure = failure_of([&] { library->connect(stream, library->make_id(), 0, 1, kGenerous); });
  CHECK(failure.layer == Layer::driver);
  CHECK(failure.reason == Reason::io_error);
  CHECK(failure.call == "ncclCommInitRank");
  CHECK(failure.code == 2);
  CHECK_THAT(failure.detail, ContainsSubstring("unhandled system error"));
  CHECK(failure_of([&] { library->connect(stream, "short", 0, 1, kGenerous); }).reason == Reason::invalid_argument);
}

TEST_CASE_METHOD(NcclFixture, "a device that cannot be made current is an error of the caller's, not a crash") {
  const auto refuse = [](Stream&) -> void* { throw Error({.layer = Layer::driver, .reason = Reason::illegal_state}); };
  const auto library = open_nccl(refuse, FAKE_NCCL).library;
  const Failure failure = failure_of([&] { library->connect(stream, library->make_id(), 0, 1, kGenerous); });
  CHECK(failure.reason == Reason::illegal_state);
  CHECK(fake.initialised == 0);
}

TEST_CASE_METHOD(NcclFixture, "a peer that never comes ends the wait at its limit") {
  const auto library = open().library;
  fake.block = true;
  const Failure failure = failure_of([&] { library->connect(stream, library->make_id(), 0, 2, 1ms); });
  fake.block = false;
  while (fake.waiting != 0) std::this_thread::yield();  // the thread that was given up must not meet the next test
  CHECK(failure.reason == Reason::timed_out);
  CHECK(failure.call == "ncclCommInitRank");
}

TEST_CASE_METHOD(NcclFixture, "what goes wrong behind the caller's back shows, and work in progress is nothing wrong") {
  const auto library = connected();
  CHECK_FALSE(library->async_failure());
  fake.async_result = 7;
  CHECK_FALSE(library->async_failure());
  fake.async_result = 6;
  REQUIRE(library->async_failure());
  CHECK(library->async_failure()->reason == Reason::peer_failed);
  CHECK(library->async_failure()->code == 6);
}

TEST_CASE_METHOD(NcclFixture, "a communicator that is not closed is aborted, one that is closed is not") {
  connected().reset();
  CHECK(fake.aborted == 1);
  auto library = connected();
  library->close(kGenerous);
  library.reset();
  CHECK(fake.aborted == 1);
}

TEST_CASE_METHOD(NcclFixture, "windows are of NCCL's own memory, symmetric and whole pages, and are given back") {
  auto library = connected(NcclMemory::windows);
  CHECK(library->about_memory() == "over registered windows");
  auto block = library->message_memory(5000, kGenerous);
  REQUIRE(block);
  CHECK(reinterpret_cast<std::uintptr_t>(block.get()) % 4096 == 0);
  CHECK(fake.window_bytes == 8192);
  CHECK(fake.window_flags == 1);
  CHECK(fake.registered == 1);
  CHECK(fake.deregistered == 0);
  block.reset();
  CHECK(fake.deregistered == 1);
  CHECK(fake.freed == 1);
  library->close(kGenerous);
  CHECK(fake.destroyed == 1);
  CHECK_FALSE(connected()->message_memory(5000, kGenerous));
  CHECK(fake.allocated == 1);
}

TEST_CASE_METHOD(NcclFixture, "a window that NCCL refuses is an error with its code, and its memory is given back") {
  const auto library = connected(NcclMemory::windows);
  fake.register_result = 2;
  const Failure failure = failure_of([&] { library->message_memory(4096, kGenerous); });
  CHECK(failure.call == "ncclCommWindowRegister");
  CHECK(failure.code == 2);
  CHECK(fake.freed == 1);
  CHECK(fake.deregistered == 0);
}

TEST_CASE_METHOD(NcclFixture, "windows are refused without a call where NCCL is too old or might use multicast") {
  fake.version = 22605;
  CHECK_THAT(open(FAKE_NCCL, NcclMemory::windows).problem,
             ContainsSubstring("NCCL 2.26.5") && ContainsSubstring("registered windows need NCCL 2.27.3"));
  CHECK(open().library);
  fake.version = 22803;
  ::setenv("NCCL_NVLS_ENABLE", "1", 1);
  CHECK_THAT(open(FAKE_NCCL, NcclMemory::windows).problem, ContainsSubstring("NCCL_NVLS_ENABLE is '1'"));
  CHECK(fake.allocated + fake.registered + fake.initialised == 0);
}

TEST_CASE_METHOD(NcclFixture, "a window that a peer never registers ends at its limit") {
  const auto library = connected(NcclMemory::windows);
  fake.block = true;
  // Long enough for the call before it, which is not held, on a machine that has other work.
  const Failure failure = failure_of([&] { library->message_memory(4096, 1s); });
  fake.block = false;
  while (fake.waiting != 0) std::this_thread::yield();
  CHECK(failure.reason == Reason::timed_out);
  CHECK(failure.call == "ncclCommWindowRegister");
}

TEST_CASE_METHOD(NcclFixture, "which file NCCL is, and its version by its own word, is told, or why it is not") {
  const LibraryFacts facts = nccl_facts(FAKE_NCCL);
  CHECK(facts.path == FAKE_NCCL);
  CHECK(facts.version == "2.28.3");
  CHECK(facts.unknown.empty());
  CHECK_THAT(nccl_facts("libno-such-library.so.2").unknown, ContainsSubstring("libno-such-library.so.2"));
  ::unsetenv("NCCL_NVLS_ENABLE");
  CHECK_FALSE(nccl_facts(FAKE_NCCL).path);
  CHECK_THAT(nccl_facts(FAKE_NCCL).unknown, ContainsSubstring("only 0 keeps it from multicast"));
}

TEST_CASE("a library tells the file behind its name, and the version that is in that file's name") {
  const ScratchFolder folder;
  const auto file = folder / "libnvidia-ml.so.580.95.05", link = folder / "libnvidia-ml.so.1";
  std::filesystem::copy_file(FAKE_NCCL, file);
  std::filesystem::create_symlink(file, link);
  const LibraryFacts facts = SharedLibrary(link).facts();
  CHECK(facts.name == link);
  CHECK(facts.path == std::filesystem::canonical(file).string());
  CHECK(facts.version == "580.95.05");
  CHECK_FALSE(SharedLibrary(FAKE_NCCL).facts().version);
  const LibraryFacts none = SharedLibrary("libno-such-library.so.2").facts();
  CHECK_FALSE(none.path);
  CHECK_THAT(none.unknown, ContainsSubstring("libno-such-library.so.2"));
}

}  // namespace
}  // namespace symmbench
