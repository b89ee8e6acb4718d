#include "memory/vmm.hpp"

#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <type_traits>
#include <vector>

#include "device/faulty/faulty_driver.hpp"
#include "device/host/host_driver.hpp"
#include "device/stream.hpp"
#include "memory/local_buffer.hpp"
#include "support/failures.hpp"
#include "support/ledger_driver.hpp"

namespace symmbench {
namespace {

constexpr std::uint64_t kBytes = kHostGranularityBytes;

static_assert(!std::is_copy_constructible_v<PhysicalMemory> && std::is_nothrow_move_constructible_v<PhysicalMemory>);
static_assert(!std::is_copy_constructible_v<AddressRange> && std::is_nothrow_move_assignable_v<AddressRange>);
static_assert(!std::is_copy_constructible_v<Mapping> && std::is_nothrow_move_assignable_v<Mapping>);
static_assert(!std::is_copy_constructible_v<LocalBuffer> && std::is_nothrow_move_assignable_v<LocalBuffer>);
static_assert(std::is_nothrow_destructible_v<PhysicalMemory> && std::is_nothrow_destructible_v<AddressRange> &&
              std::is_nothrow_destructible_v<Mapping> && std::is_nothrow_destructible_v<LocalBuffer>);

struct Bench {
  explicit Bench(std::vector<DriverFault> faults = {})
      : driver(std::make_unique<test::LedgerDriver>(std::make_unique<HostDriver>(), ledger), std::move(faults)) {}
  test::Ledger ledger;
  FaultyDriver driver;
};

TEST_CASE("an owner gives back what it took when it goes out of scope") {
  Bench bench;
  {
    const auto memory = PhysicalMemory::create(bench.driver, kBytes, {});
    const AddressRange range(bench.driver, kBytes, 0);
    const Mapping mapping(bench.driver, range.address(), memory);
    const LocalBuffer local(bench.driver, 512);
    CHECK(bench.ledger.memories.size() == 1);
    CHECK(bench.ledger.ranges.size() == 1);
    CHECK(bench.ledger.mappings.size() == 1);
    CHECK(bench.ledger.locals.size() == 1);
  }
  CHECK(bench.ledger.balanced());
}

TEST_CASE("moving an owner hands over and gives back what the target held") {
  Bench bench;
  auto first = PhysicalMemory::create(bench.driver, kBytes, {});
  auto second = PhysicalMemory::create(bench.driver, kBytes, {});
  const auto kept = second.id();
  first = std::move(second);
  CHECK(first.id() == kept);
  CHECK(bench.ledger.memories == std::set{kept});

  PhysicalMemory third(std::move(first));
  CHECK(third.id() == kept);
  CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move): an owner that was moved from owns nothing

  LocalBuffer local(bench.driver, 256);
  LocalBuffer other(bench.driver, 256);
  const auto address = other.address();
  local = std::move(other);
  CHECK(bench.ledger.locals == std::set{address});
}

TEST_CASE("memory created here and imported again is the same memory") {
  Bench bench;
  const auto memory = PhysicalMemory::create(bench.driver, kBytes, {});
  const auto handle = memory.export_handle();
  const auto twin = PhysicalMemory::import_from(bench.driver, kBytes, handle);
  const AddressRange range(bench.driver, 2 * kBytes, 0);
  const Mapping one(bench.driver, range.address(), memory);
  const Mapping two(bench.driver, range.address() + kBytes, twin);
  bench.driver.set_access(range.address(), 2 * kBytes);
  *static_cast<int*>(to_pointer(one.address())) = 42;
  CHECK(*static_cast<int*>(to_pointer(two.address())) == 42);
}

TEST_CASE("the bytes outlive the id while they are mapped") {
  Bench bench;
  auto memory = PhysicalMemory::create(bench.driver, kBytes, {});
  const AddressRange range(bench.driver, kBytes, 0);
  const Mapping mapping(bench.driver, range.address(), memory);
  bench.driver.set_access(range.address(), kBytes);
  memory.close();
  *static_cast<int*>(to_pointer(mapping.address())) = 7;
  CHECK(*static_cast<int*>(to_pointer(mapping.address())) == 7);
}

TEST_CASE("closing twice is the same as closing once") {
  Bench bench;
  auto memory = PhysicalMemory::create(bench.driver, kBytes, {});
  memory.close();
  memory.close();
  CHECK_FALSE(memory);
  CHECK(bench.ledger.balanced());
}

TEST_CASE("close reports what the driver refuses, keeps the thing, and the destructor tries again") {
  Bench bench({{.call = DriverCall::unmap, .nth = 1, .code = driver_code::kIllegalState},
               {.call = DriverCall::free_local, .nth = 1, .code = driver_code::kInvalidValue}});
  {
    const auto memory = PhysicalMemory::create(bench.driver, kBytes, {});
    const AddressRange range(bench.driver, kBytes, 0);
    Mapping mapping(bench.driver, range.address(), memory);
    CHECK(failure_of([&] { mapping.close(); }).call == "cuMemUnmap");
    CHECK(mapping);
    LocalBuffer local(bench.driver, 256);
    CHECK(failure_of([&] { local.close(); }).code == driver_code::kInvalidValue);
  }
  CHECK(bench.ledger.balanced());
}

TEST_CASE("a destructor whose driver refuses indefinitely does not throw") {
  Bench bench({{.call = DriverCall::release, .nth = 1, .code = driver_code::kInvalidHandle, .times = 100}});
  { const auto memory = PhysicalMemory::create(bench.driver, kBytes, {}); }
  CHECK(bench.ledger.memories.size() == 1);
}

TEST_CASE("an owner that could not be made owns nothing") {
  Bench bench({{.call = DriverCall::map, .nth = 1, .code = driver_code::kInvalidValue}});
  {
    const auto memory = PhysicalMemory::create(bench.driver, kBytes, {});
    const AddressRange range(bench.driver, kBytes, 0);
    CHECK(failure_of([&] { Mapping(bench.driver, range.address(), memory); }).call == "cuMemMap");
  }
  CHECK(bench.ledger.balanced());
}

}  // namespace
}  // namespace symmbench
