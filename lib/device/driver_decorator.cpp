#include "device/driver_decorator.hpp"

#include <utility>

#include "device/stream.hpp"

namespace symmbench {

DriverDecorator::DriverDecorator(std::unique_ptr<Driver> inner) : inner_(std::move(inner)) {}
DriverDecorator::~DriverDecorator() = default;

std::unique_ptr<Stream> DriverDecorator::decorate(std::unique_ptr<Stream> stream) { return stream; }

void DriverDecorator::forward(CallRecord& record, const CallBody& call) {
  around(record, [&] { run_recorded(record, call); });
}

DeviceFacts DriverDecorator::facts() {
  CallRecord record{.call = DriverCall::facts};
  DeviceFacts facts;
  forward(record, [&] { facts = inner_->facts(); });
  return facts;
}

MemoryInfo DriverDecorator::memory_info() {
  CallRecord record{.call = DriverCall::memory_info};
  MemoryInfo info;
  forward(record, [&] { info = inner_->memory_info(); });
  return info;
}

std::uint64_t DriverDecorator::granularity(const AllocationSpec& spec, Granularity which) {
  CallRecord record{.call = DriverCall::granularity, .spec = spec, .which = which, .handle = spec.handle};
  forward(record, [&] { record.bytes = inner_->granularity(spec, which); });
  return record.bytes;
}

MemoryId DriverDecorator::create(std::uint64_t bytes, const AllocationSpec& spec) {
  CallRecord record{.call = DriverCall::create, .bytes = bytes, .spec = spec, .handle = spec.handle};
  forward(record, [&] { record.memory = inner_->create(bytes, spec); });
  return record.memory;
}

void DriverDecorator::release(MemoryId id) {
  CallRecord record{.call = DriverCall::release, .memory = id};
  forward(record, [&] { inner_->release(id); });
}

ShareableHandle DriverDecorator::export_handle(MemoryId id) {
  CallRecord record{.call = DriverCall::export_handle, .memory = id};
  ShareableHandle handle;
  forward(record, [&] {
    handle = inner_->export_handle(id);
    record.handle = type_of(handle);
  });
  return handle;
}

MemoryId DriverDecorator::import_handle(const ShareableHandle& handle) {
  CallRecord record{.call = DriverCall::import_handle, .handle = type_of(handle)};
  forward(record, [&] { record.memory = inner_->import_handle(handle); });
  return record.memory;
}

DevicePtr DriverDecorator::reserve(std::uint64_t bytes, std::uint64_t alignment) {
  CallRecord record{.call = DriverCall::reserve, .bytes = bytes, .alignment = alignment};
  forward(record, [&] { record.address = inner_->reserve(bytes, alignment); });
  return record.address;
}

void DriverDecorator::free_range(DevicePtr address, std::uint64_t bytes) {
  CallRecord record{.call = DriverCall::free_range, .bytes = bytes, .address = address};
  forward(record, [&] { inner_->free_range(address, bytes); });
}

void DriverDecorator::map(DevicePtr address, std::uint64_t bytes, MemoryId id) {
  CallRecord record{.call = DriverCall::map, .bytes = bytes, .address = address, .memory = id};
  forward(record, [&] { inner_->map(address, bytes, id); });
}

void DriverDecorator::unmap(DevicePtr address, std::uint64_t bytes) {
  CallRecord record{.call = DriverCall::unmap, .bytes = bytes, .address = address};
  forward(record, [&] { inner_->unmap(address, bytes); });
}

void DriverDecorator::set_access(DevicePtr address, std::uint64_t bytes) {
  CallRecord record{.call = DriverCall::set_access, .bytes = bytes, .address = address};
  forward(record, [&] { inner_->set_access(address, bytes); });
}

std::uint64_t DriverDecorator::multicast_granularity(const MulticastSpec& spec, Granularity which) {
  CallRecord record{.call = DriverCall::multicast_granularity, .team = spec, .which = which, .handle = spec.handle};
  forward(record, [&] { record.bytes = inner_->multicast_granularity(spec, which); });
  return record.bytes;
}

MemoryId DriverDecorator::create_multicast(const MulticastSpec& spec) {
  CallRecord record{.call = DriverCall::create_multicast, .bytes = spec.bytes, .team = spec, .handle = spec.handle};
  forward(record, [&] { record.memory = inner_->create_multicast(spec); });
  return record.memory;
}

void DriverDecorator::add_device(MemoryId object) {
  CallRecord record{.call = DriverCall::add_device, .object = object};
  forward(record, [&] { inner_->add_device(object); });
}

void DriverDecorator::bind_memory(MemoryId object, std::uint64_t offset, MemoryId memory, std::uint64_t bytes) {
  CallRecord record{.call = DriverCall::bind_memory, .bytes = bytes, .memory = memory, .object = object};
  forward(record, [&] { inner_->bind_memory(object, offset, memory, bytes); });
}

void DriverDecorator::unbind_memory(MemoryId object, std::uint64_t offset, std::uint64_t bytes) {
  CallRecord record{.call = DriverCall::unbind_memory, .bytes = bytes, .object = object};
  forward(record, [&] { inner_->unbind_memory(object, offset, bytes); });
}

DevicePtr DriverDecorator::allocate_local(std::uint64_t bytes) {
  CallRecord record{.call = DriverCall::allocate_local, .bytes = bytes};
  forward(record, [&] { record.address = inner_->allocate_local(bytes); });
  return record.address;
}

void DriverDecorator::free_local(DevicePtr address) {
  CallRecord record{.call = DriverCall::free_local, .address = address};
  forward(record, [&] { inner_->free_local(address); });
}

IpcBlob DriverDecorator::export_ipc(DevicePtr address) {
  CallRecord record{.call = DriverCall::export_ipc, .address = address, .handle = HandleType::cuda_ipc};
  IpcBlob handle;
  forward(record, [&] { handle = inner_->export_ipc(address); });
  return handle;
}

DevicePtr DriverDecorator::open_ipc(const IpcBlob& handle) {
  CallRecord record{.call = DriverCall::open_ipc, .handle = HandleType::cuda_ipc};
  forward(record, [&] { record.address = inner_->open_ipc(handle); });
  return record.address;
}

void DriverDecorator::close_ipc(DevicePtr address) {
  CallRecord record{.call = DriverCall::close_ipc, .address = address, .handle = HandleType::cuda_ipc};
  forward(record, [&] { inner_->close_ipc(address); });
}

DevicePtr DriverDecorator::register_host(void* memory, std::uint64_t bytes) {
  CallRecord record{.call = DriverCall::register_host, .bytes = bytes};
  forward(record, [&] { record.address = inner_->register_host(memory, bytes); });
  return record.address;
}

std::unique_ptr<Stream> DriverDecorator::make_stream() {
  CallRecord record{.call = DriverCall::make_stream};
  std::unique_ptr<Stream> stream;
  forward(record, [&] { stream = inner_->make_stream(); });
  return decorate(std::move(stream));
}

}  // namespace symmbench
