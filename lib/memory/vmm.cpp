#include "memory/vmm.hpp"

#include <utility>

#include "memory/close_quietly.hpp"

namespace symmbench {

PhysicalMemory PhysicalMemory::create(Driver& driver, std::uint64_t bytes, const AllocationSpec& spec) {
  return {driver, driver.create(bytes, spec), bytes};
}

PhysicalMemory PhysicalMemory::create_multicast(Driver& driver, const MulticastSpec& spec) {
  return {driver, driver.create_multicast(spec), spec.bytes};
}

PhysicalMemory PhysicalMemory::import_from(Driver& driver, std::uint64_t bytes, const ShareableHandle& handle) {
  return {driver, driver.import_handle(handle), bytes};
}

PhysicalMemory::PhysicalMemory(PhysicalMemory&& other) noexcept
    : driver_(other.driver_), id_(std::exchange(other.id_, MemoryId::none)), bytes_(std::exchange(other.bytes_, 0)) {}

PhysicalMemory& PhysicalMemory::operator=(PhysicalMemory&& other) noexcept {
  if (this == &other) return *this;
  close_quietly(*this, "physical memory");
  driver_ = other.driver_;
  id_ = std::exchange(other.id_, MemoryId::none);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

PhysicalMemory::~PhysicalMemory() { close_quietly(*this, "physical memory"); }

ShareableHandle PhysicalMemory::export_handle() const { return driver_->export_handle(id_); }

void PhysicalMemory::close() {
  if (id_ == MemoryId::none) return;
  driver_->release(id_);
  id_ = MemoryId::none;
}

AddressRange::AddressRange(Driver& driver, std::uint64_t bytes, std::uint64_t alignment)
    : driver_(&driver), address_(driver.reserve(bytes, alignment)), bytes_(bytes) {}

AddressRange::AddressRange(AddressRange&& other) noexcept
    : driver_(other.driver_), address_(std::exchange(other.address_, 0)), bytes_(std::exchange(other.bytes_, 0)) {}

AddressRange& AddressRange::operator=(AddressRange&& other) noexcept {
  if (this == &other) return *this;
  close_quietly(*this, "address range");
  driver_ = other.driver_;
  address_ = std::exchange(other.address_, 0);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

AddressRange::~AddressRange() { close_quietly(*this, "address range"); }

void AddressRange::close() {
  if (address_ == 0) return;
  driver_->free_range(address_, bytes_);
  address_ = 0;
}

Mapping::Mapping(Driver& driver, DevicePtr address, const PhysicalMemory& memory)
    : driver_(&driver), address_(address), bytes_(memory.bytes()) {
  driver.map(address, memory.bytes(), memory.id());
}

Mapping::Mapping(Mapping&& other) noexcept
    : driver_(other.driver_), address_(std::exchange(other.address_, 0)), bytes_(std::exchange(other.bytes_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (this == &other) return *this;
  close_quietly(*this, "mapping");
  driver_ = other.driver_;
  address_ = std::exchange(other.address_, 0);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

Mapping::~Mapping() { close_quietly(*this, "mapping"); }

void Mapping::close() {
  if (address_ == 0) return;
  driver_->unmap(address_, bytes_);
  address_ = 0;
}

}  // namespace symmbench
