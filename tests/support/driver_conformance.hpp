#pragma once
#include <catch2/catch_test_macros.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <numeric>
#include <set>
#include <variant>
#include <vector>

#include "device/driver.hpp"
#include "device/stream.hpp"
#include "support/failures.hpp"

namespace symmbench {

using MakeDriver = std::function<std::unique_ptr<Driver>()>;

/// That `action` is refused by the driver with CUDA result `code`.
template <class Action>
void check_refused(int code, Action&& action) {
  const Failure failure = failure_of(std::forward<Action>(action));
  INFO(describe(failure));
  CHECK(failure.layer == Layer::driver);
  CHECK(failure.code == code);
  CHECK_FALSE(failure.call.empty());
  CHECK_FALSE(failure.detail.empty());
}

/// Device words through a stream: the suite never touches device memory itself, so it runs on every device.
inline void write_words(Driver& driver, DevicePtr to, const std::vector<std::uint32_t>& words) {
  const auto stream = driver.make_stream();
  stream->copy(to_pointer(to), words.data(), words.size() * sizeof(std::uint32_t));
  stream->synchronize();
}
inline std::vector<std::uint32_t> read_words(Driver& driver, DevicePtr from, std::size_t count) {
  std::vector<std::uint32_t> words(count);
  const auto stream = driver.make_stream();
  stream->copy(words.data(), to_pointer(from), count * sizeof(std::uint32_t));
  stream->synchronize();
  return words;
}

/// What every Driver must do, whatever the device: call it as the body of a TEST_CASE. (device/driver.hpp)
inline void driver_conformance(const MakeDriver& make) {
  const auto driver = make();
  const AllocationSpec spec{};
  const std::uint64_t unit = driver->granularity(spec, Granularity::minimum);
  const std::vector<std::uint32_t> words{0x12345678, 0, 0xFFFFFFFF, 42};

  SECTION("the device says what it is and how much memory it has") {
    const DeviceFacts facts = driver->facts();
    CHECK((facts.kind == "host" || facts.kind == "cuda"));
    CHECK_FALSE(facts.name.empty());
    const MemoryInfo info = driver->memory_info();
    CHECK(info.total_bytes > 0);
    CHECK(info.free_bytes <= info.total_bytes);
  }

  SECTION("the recommended granularity is a multiple of the minimum") {
    REQUIRE(unit > 0);
    const std::uint64_t recommended = driver->granularity(spec, Granularity::recommended);
    CHECK(recommended >= unit);
    CHECK(recommended % unit == 0);
  }

  SECTION("memory must be a positive multiple of the granularity") {
    check_refused(driver_code::kInvalidValue, [&] { driver->create(0, spec); });
    check_refused(driver_code::kInvalidValue, [&] { driver->create(1, spec); });
    check_refused(driver_code::kInvalidValue, [&] { driver->create(unit + unit / 2, spec); });
  }

  SECTION("more memory than there is gives out of memory") {
    const std::uint64_t too_much = (driver->memory_info().total_bytes / unit + 2) * unit;
    const Failure failure = failure_of([&] { driver->create(too_much, spec); });
    CHECK(failure.reason == Reason::out_of_memory);
    CHECK(failure.code == driver_code::kOutOfMemory);
  }

  SECTION("ids are never none and never alike") {
    std::set<MemoryId> ids;
    for (int i = 0; i < 3; ++i) {
      const MemoryId id = driver->create(unit, spec);
      CHECK(id != MemoryId::none);
      ids.insert(id);
      driver->release(id);
    }
    CHECK(ids.size() == 3);
  }

  SECTION("a released id is refused everywhere") {
    const MemoryId id = driver->create(unit, spec);
    const DevicePtr range = driver->reserve(unit, 0);
    driver->release(id);
    check_refused(driver_code::kInvalidHandle, [&] { driver->release(id); });
    check_refused(driver_code::kInvalidHandle, [&] { driver->export_handle(id); });
    check_refused(driver_code::kInvalidHandle, [&] { driver->map(range, unit, id); });
    check_refused(driver_code::kInvalidHandle, [&] { driver->release(MemoryId::none); });
    driver->free_range(range, unit);
  }

  SECTION("a range has the alignment that was asked for") {
    for (const std::uint64_t alignment : {std::uint64_t{0}, unit, 8 * unit, 64 * unit}) {
      const DevicePtr range = driver->reserve(3 * unit, alignment);
      CHECK(range != 0);
      CHECK(range % (alignment == 0 ? unit : alignment) == 0);
      driver->free_range(range, 3 * unit);
    }
  }

  SECTION("a range that cannot be is refused") {
    check_refused(driver_code::kInvalidValue, [&] { driver->reserve(0, 0); });
    check_refused(driver_code::kInvalidValue, [&] { driver->reserve(unit + 1, 0); });
    check_refused(driver_code::kInvalidValue, [&] { driver->reserve(unit, 3 * unit); });
  }

  SECTION("a range is freed whole and once") {
    const DevicePtr range = driver->reserve(2 * unit, 0);
    check_refused(driver_code::kInvalidValue, [&] { driver->free_range(range, unit); });
    check_refused(driver_code::kInvalidValue, [&] { driver->free_range(range + unit, unit); });
    driver->free_range(range, 2 * unit);
    check_refused(driver_code::kInvalidValue, [&] { driver->free_range(range, 2 * unit); });
  }

  SECTION("mapped memory keeps its bytes after its id was released") {
    const MemoryId id = driver->create(unit, spec);
    const DevicePtr range = driver->reserve(unit, 0);
    driver->map(range, unit, id);
    driver->set_access(range, unit);
    write_words(*driver, range, words);
    driver->release(id);
    CHECK(read_words(*driver, range, words.size()) == words);
    driver->unmap(range, unit);
    driver->free_range(range, unit);
  }

  SECTION("memory keeps its bytes between two mappings") {
    const MemoryId id = driver->create(unit, spec);
    const DevicePtr range = driver->reserve(2 * unit, 0);
    driver->map(range, unit, id);
    driver->set_access(range, unit);
    write_words(*driver, range, words);
    driver->unmap(range, unit);
    driver->map(range + unit, unit, id);
    driver->set_access(range + unit, unit);
    CHECK(read_words(*driver, range + unit, words.size()) == words);
    driver->unmap(range + unit, unit);
    driver->free_range(range, 2 * unit);
    driver->release(id);
  }

  SECTION("memory mapped twice is the same memory") {
    const MemoryId id = driver->create(unit, spec);
    const DevicePtr range = driver->reserve(2 * unit, 0);
    driver->map(range, unit, id);
    driver->map(range + unit, unit, id);
    driver->set_access(range, 2 * unit);  // one call over two adjacent mappings
    write_words(*driver, range, words);
    CHECK(read_words(*driver, range + unit, words.size()) == words);
    driver->unmap(range, unit);
    CHECK(read_words(*driver, range + unit, words.size()) == words);
    driver->unmap(range + unit, unit);
    driver->free_range(range, 2 * unit);
    driver->release(id);
  }

  SECTION("a mapping that cannot be is refused and leaves nothing behind") {
    const MemoryId id = driver->create(2 * unit, spec);
    const DevicePtr range = driver->reserve(4 * unit, 0);
    const auto refused = [&](DevicePtr address, std::uint64_t bytes) {
      check_refused(driver_code::kInvalidValue, [&] { driver->map(address, bytes, id); });
    };
    refused(range, unit);                  // not all of the memory
    refused(range, 4 * unit);              // more than all of it
    refused(range, 0);                     // nothing
    refused(range + unit / 2, 2 * unit);   // unaligned
    refused(range + 3 * unit, 2 * unit);   // over the end of the range
    refused(range - 64 * unit, 2 * unit);  // outside any range of ours
    driver->map(range + unit, 2 * unit, id);
    refused(range, 2 * unit);  // overlaps from below
    refused(range + 2 * unit, 2 * unit);
    refused(range + unit, 2 * unit);
    driver->unmap(range + unit, 2 * unit);
    driver->free_range(range, 4 * unit);
    driver->release(id);
  }

  SECTION("exactly what was mapped is unmapped, once") {
    const MemoryId id = driver->create(2 * unit, spec);
    const DevicePtr range = driver->reserve(4 * unit, 0);
    driver->map(range, 2 * unit, id);
    check_refused(driver_code::kInvalidValue, [&] { driver->unmap(range, unit); });
    check_refused(driver_code::kInvalidValue, [&] { driver->unmap(range + unit, unit); });
    check_refused(driver_code::kInvalidValue, [&] { driver->unmap(range, 4 * unit); });
    check_refused(driver_code::kInvalidValue, [&] { driver->unmap(range + 2 * unit, 2 * unit); });
    driver->unmap(range, 2 * unit);
    check_refused(driver_code::kInvalidValue, [&] { driver->unmap(range, 2 * unit); });
    driver->free_range(range, 4 * unit);
    driver->release(id);
  }

  SECTION("a range is not freed while anything in it is mapped") {
    const MemoryId id = driver->create(unit, spec);
    const DevicePtr range = driver->reserve(4 * unit, 0);
    driver->map(range + 3 * unit, unit, id);
    check_refused(driver_code::kIllegalState, [&] { driver->free_range(range, 4 * unit); });
    driver->unmap(range + 3 * unit, unit);
    driver->free_range(range, 4 * unit);
    driver->release(id);
  }

  SECTION("access is not given where nothing is mapped") {
    const MemoryId id = driver->create(unit, spec);
    const DevicePtr range = driver->reserve(3 * unit, 0);
    driver->map(range, unit, id);
    driver->map(range + 2 * unit, unit, id);
    check_refused(driver_code::kInvalidValue, [&] { driver->set_access(range, 3 * unit); });  // a hole
    check_refused(driver_code::kInvalidValue, [&] { driver->set_access(range + unit, unit); });
    check_refused(driver_code::kInvalidValue, [&] { driver->set_access(range, 0); });
    check_refused(driver_code::kInvalidValue, [&] { driver->set_access(range, unit / 2); });
    driver->set_access(range, unit);
    driver->set_access(range, unit);  // again does no harm
    driver->unmap(range, unit);
    driver->unmap(range + 2 * unit, unit);
    driver->free_range(range, 3 * unit);
    driver->release(id);
  }

  SECTION("an exported handle gives the same memory under another id, and stays the caller's") {
    const MemoryId id = driver->create(2 * unit, spec);
    ShareableHandle handle = driver->export_handle(id);
    REQUIRE(std::holds_alternative<UniqueFd>(handle));
    const MemoryId imported = driver->import_handle(handle);
    CHECK(imported != id);
    CHECK(std::get<UniqueFd>(handle));
    std::get<UniqueFd>(handle).reset();  // the import does not depend on it

    const DevicePtr range = driver->reserve(4 * unit, 0);
    driver->map(range, 2 * unit, id);
    driver->map(range + 2 * unit, 2 * unit, imported);
    driver->set_access(range, 4 * unit);
    driver->release(id);
    driver->unmap(range, 2 * unit);  // the exporter lets go; the importer's mapping lives on
    write_words(*driver, range + 2 * unit, words);
    CHECK(read_words(*driver, range + 2 * unit, words.size()) == words);
    driver->unmap(range + 2 * unit, 2 * unit);
    driver->release(imported);
    driver->free_range(range, 4 * unit);
  }

  SECTION("each export is a new descriptor") {
    const MemoryId id = driver->create(unit, spec);
    const auto first = driver->export_handle(id);
    const auto second = driver->export_handle(id);
    CHECK(std::get<UniqueFd>(first).get() != std::get<UniqueFd>(second).get());
    driver->release(id);
  }

  SECTION("a descriptor that is no device memory is refused") {
    check_refused(driver_code::kInvalidHandle, [&] { driver->import_handle(ShareableHandle(UniqueFd())); });
  }

  SECTION("local memory is aligned, ours alone and freed once") {
    std::vector<DevicePtr> blocks;
    for (const std::uint64_t bytes : {std::uint64_t{16}, std::uint64_t{257}, 2 * unit}) {
      blocks.push_back(driver->allocate_local(bytes));
      CHECK(blocks.back() % 256 == 0);
    }
    for (std::uint32_t i = 0; i < blocks.size(); ++i) write_words(*driver, blocks[i], {i, i, i, i});
    for (std::uint32_t i = 0; i < blocks.size(); ++i) {
      CHECK(read_words(*driver, blocks[i], 4) == std::vector<std::uint32_t>(4, i));
    }
    for (const DevicePtr block : blocks) driver->free_local(block);
    check_refused(driver_code::kInvalidValue, [&] { driver->free_local(blocks.front()); });
    check_refused(driver_code::kInvalidValue, [&] { driver->free_local(0); });
    check_refused(driver_code::kInvalidValue, [&] { driver->allocate_local(0); });
  }
}

}  // namespace symmbench
