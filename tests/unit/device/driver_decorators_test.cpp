#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "device/faulty/faulty_driver.hpp"
#include "device/host/host_driver.hpp"
#include "device/host/host_stream.hpp"
#include "device/observed_driver.hpp"
#include "device/stream_decorator.hpp"
#include "support/driver_conformance.hpp"
#include "support/ipc_conformance.hpp"
#include "support/stream_conformance.hpp"

namespace symmbench {
namespace {

std::unique_ptr<Driver> device_with_multicast() {
  return std::make_unique<HostDriver>(HostDriverOptions{.multicast_supported = true});
}

std::unique_ptr<FaultyDriver> faulty(std::vector<DriverFault> faults) {
  return std::make_unique<FaultyDriver>(device_with_multicast(), std::move(faults));
}

/// One use of each driver function, in a legal order; `step(call, action)` runs each of them.
template <class Step>
void use_every_driver_call(Driver& driver, Step&& step) {
  MemoryId id{}, imported{};
  DevicePtr range = 0, local = 0;
  ShareableHandle handle;
  step(DriverCall::facts, [&] { driver.facts(); });
  step(DriverCall::memory_info, [&] { driver.memory_info(); });
  step(DriverCall::granularity, [&] { driver.granularity({}, Granularity::minimum); });
  step(DriverCall::create, [&] { id = driver.create(kHostGranularityBytes, {}); });
  step(DriverCall::export_handle, [&] { handle = driver.export_handle(id); });
  step(DriverCall::import_handle, [&] { imported = driver.import_handle(handle); });
  step(DriverCall::reserve, [&] { range = driver.reserve(kHostGranularityBytes, 0); });
  step(DriverCall::map, [&] { driver.map(range, kHostGranularityBytes, imported); });
  step(DriverCall::set_access, [&] { driver.set_access(range, kHostGranularityBytes); });
  step(DriverCall::unmap, [&] { driver.unmap(range, kHostGranularityBytes); });
  step(DriverCall::free_range, [&] { driver.free_range(range, kHostGranularityBytes); });
  MemoryId object{};
  const MulticastSpec team{.devices = 1, .bytes = kHostGranularityBytes};
  step(DriverCall::multicast_granularity, [&] { driver.multicast_granularity(team, Granularity::minimum); });
  step(DriverCall::create_multicast, [&] { object = driver.create_multicast(team); });
  step(DriverCall::add_device, [&] { driver.add_device(object); });
  step(DriverCall::bind_memory, [&] { driver.bind_memory(object, 0, id, kHostGranularityBytes); });
  step(DriverCall::unbind_memory, [&] { driver.unbind_memory(object, 0, kHostGranularityBytes); });
  step(DriverCall::release, [&] { driver.release(id); });
  step(DriverCall::allocate_local, [&] { local = driver.allocate_local(64); });
  HostDriver peer;  // another process
  DevicePtr opened = 0;
  step(DriverCall::export_ipc, [&] { driver.export_ipc(local); });
  step(DriverCall::open_ipc, [&] { opened = driver.open_ipc(peer.export_ipc(peer.allocate_local(64))); });
  step(DriverCall::close_ipc, [&] { driver.close_ipc(opened); });
  step(DriverCall::free_local, [&] { driver.free_local(local); });
  step(DriverCall::register_host, [&] { driver.register_host(&local, sizeof(local)); });
  step(DriverCall::make_stream, [&] { driver.make_stream(); });
}
constexpr std::size_t kCallsOfDriver = static_cast<std::size_t>(DriverCall::make_stream) + 1;

/// The same for the functions of a stream and of a graph.
template <class Step>
void use_every_stream_call(Stream& stream, Step&& step) {
  std::uint32_t word = 0, copied = 0;
  std::unique_ptr<Event> event;
  std::unique_ptr<Graph> graph;
  step(DriverCall::fill, [&] { stream.fill(reinterpret_cast<DevicePtr>(&word), 7, 1); });
  step(DriverCall::copy, [&] { stream.copy(&copied, &word, sizeof(word)); });
  step(DriverCall::make_event, [&] { event = stream.make_event(); });
  step(DriverCall::record_event, [&] { stream.record(*event); });
  step(DriverCall::synchronize, [&] { stream.synchronize(); });
  step(DriverCall::elapsed, [&] { stream.elapsed_us(*event, *event); });
  step(DriverCall::capture, [&] { graph = stream.capture([] {}); });
  step(DriverCall::launch_graph, [&] { graph->launch(); });
  stream.undecorated().synchronize();
  CHECK(copied == 7);
}

/// Keeps a copy of each record as it was before its call, and as it was after.
struct Trace {
  struct Entry {
    CallRecord before, after;
  };
  std::vector<Entry> entries;

  void around(const CallRecord& call, const CallBody& body) {
    const std::size_t place = entries.size();
    entries.push_back({.before = call, .after = {}});
    try {
      body();
    } catch (const Error&) {
      entries[place].after = call;
      throw;
    }
    entries[place].after = call;
  }
};

class TracedStream final : public StreamDecorator {
 public:
  TracedStream(std::unique_ptr<Stream> inner, Trace& trace) : StreamDecorator(std::move(inner)), trace_(trace) {}

 private:
  void around(const CallRecord& call, const CallBody& body) override { trace_.around(call, body); }
  Trace& trace_;
};

class TracedDriver final : public DriverDecorator {
 public:
  TracedDriver(std::unique_ptr<Driver> inner, Trace& trace) : DriverDecorator(std::move(inner)), trace_(trace) {}

 private:
  void around(const CallRecord& call, const CallBody& body) override { trace_.around(call, body); }
  std::unique_ptr<Stream> decorate(std::unique_ptr<Stream> stream) override {
    return std::make_unique<TracedStream>(std::move(stream), trace_);
  }
  Trace& trace_;
};

TEST_CASE("every driver call has a name of its own that leads back to it") {
  for (std::size_t i = 0; i < kDriverCalls; ++i) {
    const auto call = static_cast<DriverCall>(i);
    CHECK(driver_call_from(name_of(call)) == call);
  }
  CHECK(name_of(DriverCall::create) == "cuMemCreate");
  CHECK_FALSE(driver_call_from("cuMemcreate").has_value());
}

TEST_CASE("result codes have the reasons that the tool tells apart") {
  CHECK(reason_of_driver_code(driver_code::kInvalidValue) == Reason::invalid_argument);
  CHECK(reason_of_driver_code(driver_code::kOutOfMemory) == Reason::out_of_memory);
  CHECK(reason_of_driver_code(driver_code::kInvalidDevice) == Reason::invalid_argument);
  CHECK(reason_of_driver_code(driver_code::kInvalidContext) == Reason::illegal_state);
  CHECK(reason_of_driver_code(driver_code::kInvalidHandle) == Reason::invalid_handle);
  CHECK(reason_of_driver_code(driver_code::kIllegalState) == Reason::illegal_state);
  CHECK(reason_of_driver_code(driver_code::kIllegalAddress) == Reason::illegal_address);
  CHECK(reason_of_driver_code(driver_code::kNotPermitted) == Reason::not_permitted);
  CHECK(reason_of_driver_code(driver_code::kNotSupported) == Reason::not_supported);
  CHECK(reason_of_driver_code(driver_code::kNotReady) == Reason::not_ready);
  CHECK(reason_of_driver_code(999) == Reason::internal);
}

TEST_CASE("every function of driver, stream and graph passes through the one function of a decorator") {
  Trace trace;
  TracedDriver driver(device_with_multicast(), trace);
  const auto stream = driver.make_stream();
  const auto traced = [&](DriverCall call, auto&& action) {
    trace.entries.clear();
    action();
    REQUIRE(trace.entries.size() == 1);
    CHECK(trace.entries[0].before.call == call);
    CHECK_FALSE(trace.entries[0].after.failure.has_value());
  };
  use_every_driver_call(driver, traced);
  use_every_stream_call(*stream, traced);
}

TEST_CASE("a record holds what a call was given, and then what came of it") {
  Trace trace;
  TracedDriver driver(std::make_unique<HostDriver>(), trace);
  const auto last = [&] { return trace.entries.back(); };

  const std::uint64_t unit = driver.granularity({}, Granularity::recommended);
  CHECK(last().before.which == Granularity::recommended);
  CHECK(last().before.handle == HandleType::posix_fd);
  CHECK(last().after.bytes == unit);

  const MemoryId id = driver.create(2 * unit, {.gpu_direct_rdma = true});
  CHECK(last().before.bytes == 2 * unit);
  CHECK(last().before.spec.gpu_direct_rdma);
  CHECK(last().before.memory == MemoryId::none);
  CHECK(last().after.memory == id);

  const ShareableHandle handle = driver.export_handle(id);
  CHECK(last().before.memory == id);
  CHECK(last().after.handle == HandleType::posix_fd);
  const MemoryId imported = driver.import_handle(handle);
  CHECK(last().before.handle == HandleType::posix_fd);
  CHECK(last().after.memory == imported);

  const DevicePtr range = driver.reserve(2 * unit, unit);
  CHECK(last().before.alignment == unit);
  CHECK(last().after.address == range);
  driver.map(range, 2 * unit, id);
  CHECK(last().before.address == range);
  CHECK(last().before.bytes == 2 * unit);
  CHECK(last().before.memory == id);

  CHECK_THROWS_AS(driver.free_range(range, unit), Error);
  CHECK_FALSE(last().before.failure.has_value());
  REQUIRE(last().after.failure.has_value());
  CHECK(last().after.failure->code == driver_code::kInvalidValue);
  CHECK(last().after.failure->call == "cuMemAddressFree");

  const DevicePtr local = driver.allocate_local(64);
  CHECK(last().after.address == local);
  const IpcBlob blob = driver.export_ipc(local);
  CHECK(last().before.address == local);
  CHECK(last().before.handle == HandleType::cuda_ipc);
  CHECK_THROWS_AS(driver.open_ipc(blob), Error);
  CHECK(last().after.failure->code == driver_code::kInvalidContext);

  const auto stream = driver.make_stream();
  stream->fill(local, 1, 16);
  CHECK(last().before.address == local);
  CHECK(last().before.bytes == 64);
}

TEST_CASE("kernels find the device's own stream below every decorator") {
  FaultyDriver driver(std::make_unique<FaultyDriver>(std::make_unique<HostDriver>(), std::vector<DriverFault>{}), {});
  const auto stream = driver.make_stream();
  CHECK(dynamic_cast<HostStream*>(stream.get()) == nullptr);
  CHECK(dynamic_cast<HostStream*>(&stream->undecorated()) != nullptr);
}

TEST_CASE("an observed driver keeps the driver contract") {
  const auto make = [] { return std::make_unique<ObservedDriver>(std::make_unique<HostDriver>()); };
  SECTION("driver") { driver_conformance(make); }
  SECTION("IPC handles") {
    ipc_conformance(make, [&] { return std::make_unique<DriverAsPeer>(make()); });
  }
}

TEST_CASE("a faulty driver without faults keeps the driver and stream contracts") {
  SECTION("driver") {
    driver_conformance([] { return faulty({}); });
  }
  SECTION("stream") {
    stream_conformance([] { return faulty({}); });
  }
}

TEST_CASE("each call is announced, returns, and is counted under its own name") {
  struct Diary final : DriverObserver {
    std::vector<std::string> lines;
    void calling(std::string_view call) override { lines.push_back("> " + std::string(call)); }
    void returned(std::string_view call, bool failed) override {
      lines.push_back((failed ? "! " : "< ") + std::string(call));
    }
  } diary;
  ObservedDriver driver(device_with_multicast(), &diary);
  use_every_driver_call(driver, [&](DriverCall call, auto&& action) {
    diary.lines.clear();
    action();
    const std::string name(name_of(call));
    CHECK(diary.lines == std::vector<std::string>{"> " + name, "< " + name});
  });
  const auto counts = driver.counts();
  REQUIRE(counts.size() == kCallsOfDriver);
  for (const CallCount& row : counts) {
    INFO(row.call);
    CHECK(row.count == 1);
    CHECK(row.failures == 0);
    CHECK(row.total_us > 0);
  }

  diary.lines.clear();
  CHECK_THROWS_AS(driver.create(1, {}), Error);
  CHECK(diary.lines == std::vector<std::string>{"> cuMemCreate", "! cuMemCreate"});
}

TEST_CASE("failures are counted beside calls, and two snapshots give what lies between them") {
  ObservedDriver driver(std::make_unique<HostDriver>());
  CHECK(driver.counts().empty());
  driver.release(driver.create(kHostGranularityBytes, {}));
  const auto before = driver.counts();
  CHECK_THROWS_AS(driver.create(1, {}), Error);
  driver.create(kHostGranularityBytes, {});
  driver.granularity({}, Granularity::minimum);
  const auto between = calls_between(before, driver.counts());
  REQUIRE(between.size() == 2);  // no release since
  CHECK(between[0].call == "cuMemGetAllocationGranularity");
  CHECK(between[0].count == 1);
  CHECK(between[1].call == "cuMemCreate");
  CHECK(between[1].count == 2);
  CHECK(between[1].failures == 1);
  CHECK(between[1].total_us > 0);
  CHECK(calls_between(before, before).empty());
}

TEST_CASE("a call that succeeds while another error unwinds is no failure") {
  ObservedDriver driver(std::make_unique<HostDriver>());
  const MemoryId id = driver.create(kHostGranularityBytes, {});
  struct Releaser {
    Driver& driver;
    MemoryId id;
    ~Releaser() { driver.release(id); }
  };
  try {
    const Releaser releaser{driver, id};
    throw std::runtime_error("unwinding");
  } catch (const std::runtime_error&) {
  }
  for (const CallCount& row : driver.counts()) CHECK(row.failures == 0);
}

TEST_CASE("every driver call can be made to fail, and does not reach the device") {
  for (std::size_t i = 0; i < kDriverCalls; ++i) {
    const auto call = static_cast<DriverCall>(i);
    const auto driver = faulty({{.call = call, .code = driver_code::kNotReady}});
    const auto step_of = [&](DriverCall step, auto&& action) {
      if (step == call) {
        const Failure failure = failure_of(action);
        CHECK(failure.layer == Layer::driver);
        CHECK(failure.reason == Reason::not_ready);
        CHECK(failure.call == name_of(call));
        CHECK(failure.code == driver_code::kNotReady);
        CHECK(failure.detail.find("injected") != std::string::npos);
      }
      CHECK_NOTHROW(action());  // the second time it works, from the state before
    };
    use_every_driver_call(*driver, step_of);
    use_every_stream_call(*driver->make_stream(), step_of);
    CHECK(driver->injected() == 1);
  }
}

TEST_CASE("a fault strikes the n-th call and as many times as asked") {
  const auto driver = faulty({{.call = DriverCall::create, .nth = 2, .code = driver_code::kOutOfMemory, .times = 2},
                              {.call = DriverCall::create, .nth = 5, .code = driver_code::kInvalidDevice}});
  std::vector<int> codes;
  for (int i = 0; i < 6; ++i) {
    try {
      driver->create(kHostGranularityBytes, {});
      codes.push_back(0);
    } catch (const Error& error) {
      codes.push_back(error.failure().code.value_or(-1));
    }
  }
  CHECK(codes == std::vector<int>{0, 2, 2, 0, 101, 0});
  CHECK(driver->injected() == 3);
}

}  // namespace
}  // namespace symmbench
