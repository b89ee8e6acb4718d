#include "device/cuda/address_book.hpp"

#include <catch2/catch_test_macros.hpp>

#include "support/driver_conformance.hpp"

namespace symmbench {
namespace {

constexpr std::uint64_t kUnit = 2ull << 20;
constexpr DevicePtr kBase = 1ull << 40;

AddressBook with_range(std::uint64_t units) {
  AddressBook book(kUnit);
  book.reserved(kBase, units * kUnit);
  return book;
}

TEST_CASE("the address book refuses ranges that cannot be") {
  const AddressBook book(kUnit);
  CHECK_NOTHROW(book.check_reserve(kUnit, 0));
  CHECK_NOTHROW(book.check_reserve(3 * kUnit, 64 * kUnit));
  for (const std::uint64_t bytes : {std::uint64_t{0}, kUnit / 2, kUnit + 1}) {
    check_refused(driver_code::kInvalidValue, [&] { book.check_reserve(bytes, 0); });
  }
  check_refused(driver_code::kInvalidValue, [&] { book.check_reserve(kUnit, 3 * kUnit); });
}

TEST_CASE("the address book lets a mapping only into free reserved space") {
  AddressBook book = with_range(4);
  book.mapped(kBase + kUnit, kUnit);
  CHECK_NOTHROW(book.check_map(kBase, kUnit));
  CHECK_NOTHROW(book.check_map(kBase + 2 * kUnit, 2 * kUnit));
  const auto refused = [&](DevicePtr address, std::uint64_t bytes) {
    check_refused(driver_code::kInvalidValue, [&] { book.check_map(address, bytes); });
  };
  refused(kBase, 2 * kUnit);
  refused(kBase + kUnit, kUnit);
  refused(kBase + 3 * kUnit, 2 * kUnit);
  refused(kBase - kUnit, kUnit);
  refused(kBase + kUnit / 2, kUnit);
  refused(kBase, 0);
  refused(kBase + 3 * kUnit, ~0ull - kUnit + 1);  // the end wraps around
}

TEST_CASE("the address book frees a range only whole and empty") {
  AddressBook book = with_range(2);
  book.mapped(kBase + kUnit, kUnit);
  check_refused(driver_code::kIllegalState, [&] { book.check_free(kBase, 2 * kUnit); });
  check_refused(driver_code::kInvalidValue, [&] { book.check_free(kBase, kUnit); });
  check_refused(driver_code::kInvalidValue, [&] { book.check_unmap(kBase, kUnit); });
  CHECK_NOTHROW(book.check_unmap(kBase + kUnit, kUnit));
  book.unmapped(kBase + kUnit);
  CHECK_NOTHROW(book.check_free(kBase, 2 * kUnit));
  book.freed(kBase);
  check_refused(driver_code::kInvalidValue, [&] { book.check_free(kBase, 2 * kUnit); });
}

TEST_CASE("the address book gives access over adjacent mappings but not over a hole") {
  AddressBook book = with_range(4);
  book.mapped(kBase, kUnit);
  book.mapped(kBase + kUnit, kUnit);
  book.mapped(kBase + 3 * kUnit, kUnit);
  CHECK_NOTHROW(book.check_access(kBase, 2 * kUnit));
  CHECK_NOTHROW(book.check_access(kBase + kUnit, kUnit));
  check_refused(driver_code::kInvalidValue, [&] { book.check_access(kBase, 4 * kUnit); });
  check_refused(driver_code::kInvalidValue, [&] { book.check_access(kBase + 2 * kUnit, kUnit); });
  check_refused(driver_code::kInvalidValue, [&] { book.check_access(kBase, 0); });
}

}  // namespace
}  // namespace symmbench
