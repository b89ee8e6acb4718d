#include "device/host/host_driver.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/round.hpp"
#include "core/text.hpp"
#include "device/host/host_stream.hpp"
#include "device/host/system_memory.hpp"
#include "device/stream.hpp"

namespace symmbench {
namespace {

// Neither zero nor the Lamport sentinel, and a large odd number in every dtype: unwritten memory shows.
constexpr int kPoison = 0xDB;

void check_type(HandleType type, DriverCall call) {
  if (type != HandleType::cuda_ipc) return;
  throw_driver_error(call, driver_code::kInvalidValue, "memory to be shared as cuda_ipc is local memory");
}

/// version / divisor, modulo `modulus` where that is not 0.
std::optional<int> part_of(std::optional<int> version, int divisor, int modulus) {
  if (!version) return std::nullopt;
  const int part = *version / divisor;
  return modulus == 0 ? part : part % modulus;
}

std::uint64_t random_id() {
  std::uint64_t id = 0;
  if (::getrandom(&id, sizeof(id), 0) != sizeof(id)) throw_system_error("getrandom", errno);
  return id;
}

}  // namespace

HostDriver::HostDriver(const HostDriverOptions& options)
    : options_(options),
      driver_id_(random_id()),
      multicast_(options.multicast, options.multicast_supported, driver_id_) {
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  if (!std::has_single_bit(options.minimum_granularity) || options.minimum_granularity % page != 0 ||
      options.recommended_granularity == 0 || options.recommended_granularity % options.minimum_granularity != 0) {
    throw_driver_error(DriverCall::granularity, driver_code::kInvalidValue,
                       fmt::format("granularity minimum {}, recommended {}: the minimum must be a power of two and a "
                                   "multiple of the page size {}, the recommended one a multiple of the minimum",
                                   options.minimum_granularity, options.recommended_granularity, page));
  }
}

HostDriver::~HostDriver() {
  for (const auto& [address, placed] : placements_) forget_multicast_mapping(address);
  for (const auto& [address, bytes] : ranges_) ::munmap(to_pointer(address), bytes);
}

DeviceFacts HostDriver::facts() {
  return {
      .kind = "host",
      .name = options_.name ? fmt::format("emulated {} (host memory)", *options_.name)
                            : std::string("emulated device (host memory)"),
      .uuid = options_.uuid,
      .ordinal = options_.ordinal,
      .sm_major = part_of(options_.sm_version, 10, 0),
      .sm_minor = part_of(options_.sm_version, 1, 10),
      .multiprocessors = static_cast<int>(options_.block_threads),
      .driver_version = options_.driver_version,
      .posix_fd_supported = options_.posix_fd_supported,
      .fabric_supported = options_.fabric_supported,
      .ipc_supported = options_.ipc_supported,
      .multicast_supported = options_.multicast_supported,
      .gpu_direct_rdma_supported = options_.gpu_direct_rdma_supported,
      .confidential_computing = options_.confidential_computing,
      .imex_channels = options_.fabric_supported ? std::optional(options_.place.imex_channel ? 1 : 0) : std::nullopt,
      .fabric = options_.fabric.value_or(
          FabricFacts{.state = options_.fabric_supported ? kFabricCompleted : kFabricNotSupported})};
}

MemoryInfo HostDriver::memory_info() {
  MemoryInfo info = system_memory();
  if (options_.memory_limit_bytes) info.total_bytes = std::min(info.total_bytes, *options_.memory_limit_bytes);
  // Pages that were created and not yet touched count for this driver although the machine still shows them free.
  info.free_bytes = std::min(info.free_bytes, info.total_bytes - std::min(info.total_bytes, used_bytes_));
  return info;
}

std::uint64_t HostDriver::granularity(const AllocationSpec& spec, Granularity which) {
  check_type(spec.handle, DriverCall::granularity);
  return which == Granularity::minimum ? options_.minimum_granularity : options_.recommended_granularity;
}

void HostDriver::check_spec(const AllocationSpec& spec, DriverCall call) const {
  check_type(spec.handle, call);
  if (spec.handle == HandleType::posix_fd && !options_.posix_fd_supported) {
    throw_driver_error(call, driver_code::kNotSupported, "descriptors are not offered by this emulated device");
  }
  if (spec.handle == HandleType::fabric && !options_.fabric_supported) {
    throw_driver_error(call, driver_code::kNotPermitted, "fabric handles are not offered by this emulated device");
  }
  if (spec.handle == HandleType::fabric && !options_.place.imex_channel) {
    throw_driver_error(call, driver_code::kNotPermitted, "this host has no IMEX channel node");
  }
  if (spec.gpu_direct_rdma && !options_.gpu_direct_rdma_supported) {
    throw_driver_error(call, driver_code::kNotSupported, "this emulated device has no GPUDirect RDMA");
  }
}

void HostDriver::check_room(std::uint64_t bytes, DriverCall call) {
  const MemoryInfo info = memory_info();
  if (bytes <= info.free_bytes) return;
  throw_driver_error(
      call, driver_code::kOutOfMemory,
      fmt::format("{} asked, {} free of {}, {} held by this rank", format_bytes(bytes), format_bytes(info.free_bytes),
                  format_bytes(info.total_bytes), format_bytes(used_bytes_)));
}

const std::shared_ptr<HostMemory>& HostDriver::find(MemoryId id, DriverCall call) const {
  const auto at = memories_.find(id);
  if (multicast_.has(id)) throw_driver_error(call, driver_code::kInvalidValue, "a multicast object is no memory");
  if (at == memories_.end()) {
    throw_driver_error(
        call, driver_code::kInvalidHandle,
        fmt::format("memory {} {}", static_cast<std::uint64_t>(id),
                    id != MemoryId::none && static_cast<std::uint64_t>(id) <= last_id_ ? "was released before"
                                                                                       : "was never created"));
  }
  return at->second;
}

MemoryId HostDriver::keep(HostMemory memory) {
  if (!memory.imported) used_bytes_ += memory.bytes;
  const MemoryId id{++last_id_};
  memories_.emplace(id, std::make_shared<HostMemory>(std::move(memory)));
  return id;
}

void HostDriver::drop(const std::shared_ptr<HostMemory>& memory) {
  if (memory.use_count() == 1 && !memory->imported) used_bytes_ -= memory->bytes;
}

MemoryId HostDriver::create(std::uint64_t bytes, const AllocationSpec& spec) {
  check_spec(spec, DriverCall::create);
  if (bytes == 0 || bytes % options_.minimum_granularity != 0) {
    throw_driver_error(
        DriverCall::create, driver_code::kInvalidValue,
        fmt::format("{} bytes is not a positive multiple of the granularity {}", bytes, options_.minimum_granularity));
  }
  check_room(bytes, DriverCall::create);
  return keep(create_host_memory(bytes, spec.handle));
}

MemoryId HostDriver::keep_team(HostMulticast::Team team) {
  const MemoryId id{++last_id_};
  multicast_.keep(id, std::move(team));
  return id;
}

void HostDriver::release(MemoryId id) {
  if (multicast_.release(id)) return;
  std::shared_ptr<HostMemory> memory = find(id, DriverCall::release);
  memories_.erase(id);
  // A mapping keeps the bytes without the descriptor; only a fabric handle, which names it, needs it as long.
  if (memory->handle == HandleType::posix_fd) memory->fd.reset();
  drop(memory);
}

ShareableHandle HostDriver::export_handle(MemoryId id) {
  if (multicast_.has(id))
    return export_host_memory(multicast_.find(id, DriverCall::export_handle)->file(), options_.place);
  return export_host_memory(*find(id, DriverCall::export_handle), options_.place);
}

MemoryId HostDriver::import_handle(const ShareableHandle& handle) {
  if (std::holds_alternative<FabricBlob>(handle)) {
    check_spec({.handle = HandleType::fabric}, DriverCall::import_handle);
  }
  HostMemory memory = import_host_memory(handle, options_.minimum_granularity, options_.place);
  auto team = MulticastTeam::open(memory);
  if (!team) return keep(std::move(memory));
  multicast_.check_import();
  return keep_team(std::move(team));
}

DevicePtr HostDriver::reserve(std::uint64_t bytes, std::uint64_t alignment) {
  const std::uint64_t step = std::max(alignment, options_.minimum_granularity);
  if (bytes == 0 || bytes % options_.minimum_granularity != 0 || !std::has_single_bit(step)) {
    throw_driver_error(DriverCall::reserve, driver_code::kInvalidValue,
                       fmt::format("{} bytes aligned to {}: the size must be a positive multiple of {}, the alignment "
                                   "0 or a power of two",
                                   bytes, alignment, options_.minimum_granularity));
  }
  // mmap aligns to pages only: reserve more, then give back what lies before and behind the aligned part.
  const auto fail = [&] {
    throw_driver_error(DriverCall::reserve, driver_code::kOutOfMemory,
                       fmt::format("{} of address space asked: {}", format_bytes(bytes), std::strerror(errno)));
  };
  if (bytes + step < bytes) {
    errno = ENOMEM;
    fail();
  }
  void* whole = ::mmap(nullptr, bytes + step, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (whole == MAP_FAILED) fail();
  const auto base = reinterpret_cast<DevicePtr>(whole);
  const DevicePtr address = round_up(base, step);
  if (address > base) ::munmap(whole, address - base);
  if (address < base + step) ::munmap(to_pointer(address + bytes), base + step - address);
  ranges_.emplace(address, bytes);
  return address;
}

HostDriver::Placements::const_iterator HostDriver::first_after(DevicePtr address) const {
  auto at = placements_.upper_bound(address);
  if (at != placements_.begin() && std::prev(at)->first + std::prev(at)->second.bytes > address) --at;
  return at;
}

void HostDriver::free_range(DevicePtr address, std::uint64_t bytes) {
  const auto range = ranges_.find(address);
  if (range == ranges_.end() || range->second != bytes) {
    throw_driver_error(DriverCall::free_range, driver_code::kInvalidValue,
                       fmt::format("no range of {} was reserved at {:#x}", format_bytes(bytes), address));
  }
  const auto placed = first_after(address);
  if (placed != placements_.end() && placed->first < address + bytes) {
    throw_driver_error(DriverCall::free_range, driver_code::kIllegalState,
                       fmt::format("{} are still mapped at {:#x}", format_bytes(placed->second.bytes), placed->first));
  }
  if (::munmap(to_pointer(address), bytes) != 0) throw_mapping_error("munmap", errno);
  ranges_.erase(range);
}

void HostDriver::check_piece(DevicePtr address, std::uint64_t bytes, DriverCall call) const {
  if (bytes != 0 && address % options_.minimum_granularity == 0 && bytes % options_.minimum_granularity == 0) return;
  throw_driver_error(call, driver_code::kInvalidValue,
                     fmt::format("{} bytes at {:#x}: address and size must be multiples of {}", bytes, address,
                                 options_.minimum_granularity));
}

bool HostDriver::inside_a_range(DevicePtr address, std::uint64_t bytes) const {
  auto range = ranges_.upper_bound(address);
  if (range == ranges_.begin()) return false;
  --range;
  const std::uint64_t offset = address - range->first;
  return offset <= range->second && bytes <= range->second - offset;
}

void HostDriver::map(DevicePtr address, std::uint64_t bytes, MemoryId id) {
  const auto team = multicast_.has(id) ? multicast_.find(id, DriverCall::map) : nullptr;
  const auto memory = team ? nullptr : find(id, DriverCall::map);
  const std::uint64_t whole = team ? team->bytes() : memory->bytes;
  check_piece(address, bytes, DriverCall::map);
  const auto refuse = [](const std::string& why) {
    throw_driver_error(DriverCall::map, driver_code::kInvalidValue, why);
  };
  if (bytes != whole) {
    refuse(fmt::format("{} asked, but the memory has {}", format_bytes(bytes), format_bytes(whole)));
  }
  if (!inside_a_range(address, bytes)) {
    refuse(fmt::format("{} at {:#x} are not inside one reserved range", format_bytes(bytes), address));
  }
  const auto placed = first_after(address);
  if (placed != placements_.end() && placed->first < address + bytes) {
    refuse(fmt::format("{} at {:#x} overlap what is mapped at {:#x}", format_bytes(bytes), address, placed->first));
  }
  if (team) {
    multicast_.place(team, address);
    // The range stays without memory of its own: a plain access faults.
    placements_.emplace(address, Placed{.bytes = bytes, .memory = nullptr, .team = team});
    return;
  }
  void* at = ::mmap(to_pointer(address), bytes, PROT_NONE, MAP_SHARED | MAP_FIXED, memory->fd.get(), 0);
  if (at == MAP_FAILED) throw_mapping_error("mmap", errno);
  placements_.emplace(address, Placed{.bytes = bytes, .memory = memory});
}

void HostDriver::unmap(DevicePtr address, std::uint64_t bytes) {
  const auto placed = placements_.find(address);
  if (placed == placements_.end() || placed->second.bytes != bytes) {
    throw_driver_error(DriverCall::unmap, driver_code::kInvalidValue,
                       fmt::format("no mapping of {} was placed at {:#x}", format_bytes(bytes), address));
  }
  if (placed->second.team) {
    forget_multicast_mapping(address);
    placements_.erase(placed);
    return;
  }
  void* at =
      ::mmap(to_pointer(address), bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  if (at == MAP_FAILED) throw_mapping_error("mmap", errno);
  std::shared_ptr<HostMemory> memory = std::move(placed->second.memory);
  placements_.erase(placed);
  drop(memory);
}

void HostDriver::set_access(DevicePtr address, std::uint64_t bytes) {
  check_piece(address, bytes, DriverCall::set_access);
  DevicePtr covered = address;
  for (auto at = first_after(address); at != placements_.end() && at->first <= covered; ++at) {
    covered = at->first + at->second.bytes;
    if (covered >= address + bytes) break;
  }
  if (covered < address + bytes) {
    throw_driver_error(
        DriverCall::set_access, driver_code::kInvalidValue,
        fmt::format("nothing is mapped at {:#x}, inside {} at {:#x}", covered, format_bytes(bytes), address));
  }
  for (auto at = first_after(address); at != placements_.end() && at->first < address + bytes; ++at) {
    if (at->second.team) continue;
    const DevicePtr first = std::max(at->first, address), end = std::min(at->first + at->second.bytes, address + bytes);
    if (::mprotect(to_pointer(first), end - first, PROT_READ | PROT_WRITE) != 0) throw_mapping_error("mprotect", errno);
  }
}

MemoryId HostDriver::create_multicast(const MulticastSpec& spec) {
  check_spec({.handle = spec.handle}, DriverCall::create_multicast);
  return keep_team(multicast_.make(spec, options_.minimum_granularity));
}

void HostDriver::add_device(MemoryId object) { multicast_.add(object); }

void HostDriver::bind_memory(MemoryId object, std::uint64_t offset, MemoryId memory, std::uint64_t bytes) {
  multicast_.bind(object, offset, find(memory, DriverCall::bind_memory), bytes);
}

void HostDriver::unbind_memory(MemoryId object, std::uint64_t offset, std::uint64_t bytes) {
  drop(multicast_.unbind(object, offset, bytes));
}

DevicePtr HostDriver::allocate_local(std::uint64_t bytes) {
  if (bytes == 0) throw_driver_error(DriverCall::allocate_local, driver_code::kInvalidValue, "0 bytes asked");
  check_room(bytes, DriverCall::allocate_local);
  LocalMemory memory = LocalMemory::create({.driver = driver_id_, .allocation = ++last_local_}, bytes);
  const DevicePtr address = memory.address();
  std::memset(to_pointer(address), kPoison, bytes);
  locals_.emplace(address, std::move(memory));
  used_bytes_ += bytes;
  return address;
}

const LocalMemory& HostDriver::find_local(DevicePtr address, DriverCall call) const {
  const auto local = locals_.find(address);
  if (local == locals_.end()) {
    throw_driver_error(call, driver_code::kInvalidValue,
                       fmt::format("{:#x} is not the start of local memory", address));
  }
  return local->second;
}

void HostDriver::free_local(DevicePtr address) {
  const LocalMemory& memory = find_local(address, DriverCall::free_local);
  if (memory.open_elsewhere()) {
    throw_driver_error(DriverCall::free_local, driver_code::kIllegalState,
                       fmt::format("a peer still has the {} at {:#x} open: on a GPU the result would be undefined",
                                   format_bytes(memory.bytes()), address));
  }
  used_bytes_ -= memory.bytes();
  locals_.erase(address);
}

IpcBlob HostDriver::export_ipc(DevicePtr address) { return find_local(address, DriverCall::export_ipc).blob(); }

DevicePtr HostDriver::open_ipc(const IpcBlob& handle) {
  const LocalName name = name_in(handle);
  if (name.driver == driver_id_) {
    throw_driver_error(DriverCall::open_ipc, driver_code::kInvalidContext,
                       "the handle was exported by this process, which cannot open it");
  }
  for (auto& [address, opened] : opened_) {
    if (opened.name != name) continue;
    ++opened.times;
    return address;
  }
  LocalMemory memory = LocalMemory::open(handle);
  const DevicePtr address = memory.address();
  opened_.emplace(address, Opened{.name = name, .memory = std::move(memory)});
  return address;
}

void HostDriver::close_ipc(DevicePtr address) {
  const auto opened = opened_.find(address);
  if (opened == opened_.end()) {
    throw_driver_error(DriverCall::close_ipc, driver_code::kInvalidValue,
                       fmt::format("{:#x} is not the start of memory that was opened", address));
  }
  if (--opened->second.times == 0) opened_.erase(opened);
}

std::unique_ptr<Stream> HostDriver::make_stream() { return std::make_unique<HostStream>(options_.block_threads); }

}  // namespace symmbench
