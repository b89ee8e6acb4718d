#include "device/host/multicast_team.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

#include "core/clock.hpp"
#include "core/text.hpp"
#include "device/stream.hpp"

namespace symmbench {
namespace {

constexpr const char* kFileName = "symmbench-multicast";
constexpr int kMostDevices = 128;

enum MemberState : std::uint32_t { kEmpty = 0, kJoined = 1, kBound = 2 };

/// Whether the descriptor is a file of create_host_memory(..., kFileName).
bool has_file_name(int fd) {
  std::array<char, 64> target{};
  const auto length = ::readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), target.data(), target.size());
  return length > 0 &&
         std::string_view(target.data(), static_cast<std::size_t>(length)).find(kFileName) != std::string_view::npos;
}

DevicePtr map_file(int fd, std::uint64_t bytes) {
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) throw_mapping_error("mmap", errno);
  return reinterpret_cast<DevicePtr>(at);
}

std::mutex mappings_mutex;
std::map<DevicePtr, std::weak_ptr<MulticastTeam>>& mappings() {
  static std::map<DevicePtr, std::weak_ptr<MulticastTeam>> all;
  return all;
}

}  // namespace

/// Of one device. What is bound: the file that descriptor `fd` of process `pid` is, proved by its inode.
struct MulticastTeam::Member {
  std::atomic<std::uint32_t> state;
  std::uint64_t device;
  std::int64_t pid, fd;
  std::uint64_t file_system, inode;
  std::uint64_t offset, bytes;
};

struct MulticastTeam::Page {
  std::uint32_t devices, partition;
  std::uint64_t bytes;
  std::atomic<std::uint32_t> taken, joined;  ///< places given out; places filled in
  std::array<Member, kMostDevices> member;
};

DevicePtr MulticastTeam::map_member(const Member& member) {
  const UniqueFd file(::open(fmt::format("/proc/{}/fd/{}", member.pid, member.fd).c_str(), O_RDWR | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || status.st_dev != member.file_system ||
      status.st_ino != member.inode) {
    throw_driver_error(DriverCall::bind_memory, driver_code::kIllegalState,
                       fmt::format("process {} no longer has the memory that it bound", member.pid));
  }
  return map_file(file.get(), member.bytes);
}

MulticastTeam::MulticastTeam(HostMemory file)
    : file_(std::move(file)), page_(reinterpret_cast<Page*>(map_file(file_.fd.get(), sizeof(Page)))) {}

MulticastTeam::~MulticastTeam() {
  for (const Mapped& one : mapped_) ::munmap(to_pointer(one.address), one.bytes);
  ::munmap(page_, sizeof(Page));
}

std::shared_ptr<MulticastTeam> MulticastTeam::create(const MulticastSpec& spec, std::uint64_t granularity,
                                                     std::uint32_t partition) {
  if (spec.devices < 1 || spec.devices > kMostDevices) {
    throw_driver_error(DriverCall::create_multicast, driver_code::kInvalidValue,
                       fmt::format("a team of {} devices: 1 to {} are possible", spec.devices, kMostDevices));
  }
  // As large as the smallest memory, so that a handle of it is read like any other.
  std::shared_ptr<MulticastTeam> team(new MulticastTeam(create_host_memory(granularity, spec.handle, kFileName)));
  team->page_->devices = static_cast<std::uint32_t>(spec.devices);
  team->page_->partition = partition;
  team->page_->bytes = spec.bytes;
  return team;
}

std::shared_ptr<MulticastTeam> MulticastTeam::open(HostMemory& memory) {
  if (!has_file_name(memory.fd.get())) return nullptr;
  return std::shared_ptr<MulticastTeam>(new MulticastTeam(std::move(memory)));
}

std::uint64_t MulticastTeam::bytes() const { return page_->bytes; }

int MulticastTeam::place_of(std::uint64_t device) const {
  for (int i = 0; i < static_cast<int>(page_->devices); ++i) {
    const Member& member = page_->member[i];
    if (member.state.load(std::memory_order_acquire) != kEmpty && member.device == device) return i;
  }
  return -1;
}

void MulticastTeam::add(std::uint64_t device, std::uint32_t partition) {
  const auto refuse = [](int code, std::string why) {
    throw_driver_error(DriverCall::add_device, code, std::move(why));
  };
  if (place_of(device) >= 0) refuse(driver_code::kInvalidValue, "this device is in the team already");
  if (partition != page_->partition) {
    refuse(driver_code::kNotSupported,
           fmt::format("a team cannot be split: this device is of partition {} of the fabric, the team of {}",
                       partition, page_->partition));
  }
  const std::uint32_t place = page_->taken.fetch_add(1, std::memory_order_relaxed);
  if (place >= page_->devices) {
    page_->taken.fetch_sub(1, std::memory_order_relaxed);
    refuse(driver_code::kInvalidValue, fmt::format("all {} devices of the team were added before", page_->devices));
  }
  Member& member = page_->member[place];
  member.device = device;
  member.state.store(kJoined, std::memory_order_release);
  page_->joined.fetch_add(1, std::memory_order_release);
}

void MulticastTeam::wait_complete(std::chrono::milliseconds limit, DriverCall call) const {
  const auto deadline = Clock::now() + limit;
  for (;;) {
    const std::uint32_t joined = page_->joined.load(std::memory_order_acquire);
    if (joined == page_->devices) return;
    if (Clock::now() >= deadline) {
      throw Error(
          {.layer = Layer::driver,
           .reason = Reason::timed_out,
           .call = std::string(name_of(call)),
           .detail = fmt::format("{} of the {} devices of the team were added within {} ms; the CUDA driver would "
                                 "wait without end",
                                 joined, page_->devices, limit.count())});
    }
    constexpr timespec kNap{.tv_sec = 0, .tv_nsec = 200'000};
    ::nanosleep(&kNap, nullptr);
  }
}

void MulticastTeam::require_member(std::uint64_t device) const {
  if (place_of(device) >= 0) return;
  throw_driver_error(DriverCall::bind_memory, driver_code::kInvalidDevice, "this device was not added to the team");
}

void MulticastTeam::bind(std::uint64_t device, std::uint64_t offset, const HostMemory& memory, std::uint64_t bytes) {
  const auto refuse = [](int code, std::string why) {
    throw_driver_error(DriverCall::bind_memory, code, std::move(why));
  };
  if (offset > page_->bytes || bytes > page_->bytes - offset) {
    refuse(driver_code::kInvalidValue, fmt::format("{} at offset {} exceed the team's {}", format_bytes(bytes), offset,
                                                   format_bytes(page_->bytes)));
  }
  Member& member = page_->member[place_of(device)];
  if (member.state.load(std::memory_order_relaxed) == kBound) {
    refuse(driver_code::kIllegalState, "this device has memory bound already");
  }
  const int copy = ::fcntl(memory.fd.get(), F_DUPFD_CLOEXEC, 3);
  if (copy < 0) throw_system_error("fcntl(F_DUPFD_CLOEXEC)", errno);
  bound_ = UniqueFd(copy);
  struct stat status {};
  if (::fstat(copy, &status) != 0) throw_system_error("fstat", errno);
  member.pid = ::getpid();
  member.fd = copy;
  member.file_system = status.st_dev;
  member.inode = status.st_ino;
  member.offset = offset;
  member.bytes = bytes;
  member.state.store(kBound, std::memory_order_release);
}

void MulticastTeam::unbind(std::uint64_t device, std::uint64_t offset, std::uint64_t bytes) {
  const int place = place_of(device);
  Member* member = place < 0 ? nullptr : &page_->member[place];
  if (member == nullptr || member->state.load(std::memory_order_relaxed) != kBound || member->offset != offset ||
      member->bytes != bytes) {
    throw_driver_error(DriverCall::unbind_memory, driver_code::kInvalidValue,
                       fmt::format("this device has not bound {} at offset {}", format_bytes(bytes), offset));
  }
  member->state.store(kJoined, std::memory_order_release);
  bound_.reset();
}

const std::vector<DevicePtr>& MulticastTeam::members() {
  if (!members_.empty()) return members_;
  for (std::uint32_t i = 0; i < page_->devices; ++i) {
    if (page_->member[i].state.load(std::memory_order_acquire) == kBound) continue;
    throw_driver_error(DriverCall::bind_memory, driver_code::kIllegalState,
                       fmt::format("device {} of the team's {} has bound no memory", i, page_->devices));
  }
  for (std::uint32_t i = 0; i < page_->devices; ++i) {
    const Member& member = page_->member[i];
    mapped_.push_back({map_member(member), member.bytes});
  }
  for (std::uint32_t i = 0; i < page_->devices; ++i) {
    members_.push_back(mapped_[i].address - page_->member[i].offset);
  }
  return members_;
}

std::vector<DevicePtr> multicast_members(DevicePtr address) {
  const std::scoped_lock lock(mappings_mutex);
  const auto at = mappings().upper_bound(address);
  const auto team = at == mappings().begin() ? nullptr : std::prev(at)->second.lock();
  if (!team || address - std::prev(at)->first >= team->bytes()) {
    throw_driver_error("multimem.st", driver_code::kIllegalAddress,
                       fmt::format("no multicast object is mapped at {:#x}", address));
  }
  std::vector<DevicePtr> members = team->members();
  for (DevicePtr& member : members) member += address - std::prev(at)->first;
  return members;
}

void note_multicast_mapping(DevicePtr address, const std::shared_ptr<MulticastTeam>& team) {
  const std::scoped_lock lock(mappings_mutex);
  mappings()[address] = team;
}

void forget_multicast_mapping(DevicePtr address) {
  const std::scoped_lock lock(mappings_mutex);
  mappings().erase(address);
}

}  // namespace symmbench
