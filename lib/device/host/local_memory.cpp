#include "device/host/local_memory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <utility>

#include "core/round.hpp"
#include "device/driver_call.hpp"
#include "device/host/host_memory.hpp"
#include "device/stream.hpp"
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace symmbench {
namespace {

constexpr std::uint64_t kTicketMagic = 0x31'30'43'50'49'59'53'68;  // "hSYIPC01" in memory

/// What the 64 bytes of an emulated IPC handle mean.
struct Ticket {
  std::uint64_t magic;
  LocalName name;
  std::int64_t pid;
  std::int64_t fd;  ///< of that process
};
static_assert(sizeof(Ticket) <= sizeof(IpcBlob));

[[noreturn]] void refuse_open(int code, std::string why) {
  throw_driver_error(DriverCall::open_ipc, code, std::move(why));
}

Ticket read_ticket(const IpcBlob& blob) {
  Ticket ticket{};
  std::memcpy(&ticket, blob.bytes.data(), sizeof(ticket));
  if (ticket.magic != kTicketMagic) refuse_open(driver_code::kInvalidValue, "not an IPC handle of the emulated device");
  return ticket;
}

std::uint64_t page_bytes() { return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)); }

/// The file's name tells which memory a descriptor is, whatever happened to descriptor numbers since.
std::string local_file_name(const LocalName& name) {
  return fmt::format("symmbench-local-{:016x}-{}", name.driver, name.allocation);
}

bool is_file_of(int fd, const LocalName& name) {
  std::array<char, 128> target{};
  const ssize_t length = ::readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), target.data(), target.size());
  return length > 0 && std::string_view(target.data(), static_cast<std::size_t>(length)) ==
                           fmt::format("/memfd:{} (deleted)", local_file_name(name));
}

bool has_ended(pid_t process) { return ::kill(process, 0) != 0 && errno == ESRCH; }

UniqueFd open_file(const Ticket& ticket) {
  const auto pid = static_cast<pid_t>(ticket.pid);
  UniqueFd file(::open(fmt::format("/proc/{}/fd/{}", pid, ticket.fd).c_str(), O_RDWR | O_CLOEXEC));
  if (file && is_file_of(file.get(), ticket.name)) return file;
  const int error = file ? ENOENT : errno;
  if (error == EMFILE || error == ENFILE) throw_system_error("open", error);
  if (error != ENOENT) {
    refuse_open(driver_code::kInvalidHandle, fmt::format("process {} is out of reach: {}", pid, std::strerror(error)));
  }
  if (has_ended(pid)) {
    refuse_open(driver_code::kInvalidHandle, fmt::format("process {}, which had the memory, has ended", pid));
  }
  refuse_open(driver_code::kInvalidValue, fmt::format("process {} has freed the memory behind the handle", pid));
}

struct flock whole_file(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

/// Under AddressSanitizer the bytes between the end of the memory and the end of its last page are off limits too.
void forbid_tail([[maybe_unused]] DevicePtr address, [[maybe_unused]] std::uint64_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  __asan_poison_memory_region(to_pointer(address + bytes), round_up(bytes, page_bytes()) - bytes);
#endif
}
void allow_tail([[maybe_unused]] DevicePtr address, [[maybe_unused]] std::uint64_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  __asan_unpoison_memory_region(to_pointer(address), round_up(bytes, page_bytes()));
#endif
}

}  // namespace

LocalMemory::LocalMemory(UniqueFd fd, const LocalName& name, std::uint64_t bytes)
    : fd_(std::move(fd)), name_(name), bytes_(bytes) {
  const std::uint64_t mapped = round_up(bytes, page_bytes());
  void* reserved =
      ::mmap(nullptr, mapped + page_bytes(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) throw_mapping_error("mmap", errno);
  if (::mmap(reserved, mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd_.get(), 0) == MAP_FAILED) {
    const int error = errno;
    ::munmap(reserved, mapped + page_bytes());
    throw_mapping_error("mmap", error);
  }
  address_ = reinterpret_cast<DevicePtr>(reserved);
  forbid_tail(address_, bytes_);
}

LocalMemory::LocalMemory(LocalMemory&& other) noexcept
    : fd_(std::move(other.fd_)), name_(other.name_), bytes_(other.bytes_), address_(std::exchange(other.address_, 0)) {}

LocalMemory::~LocalMemory() {
  if (address_ == 0) return;
  allow_tail(address_, bytes_);
  ::munmap(to_pointer(address_), round_up(bytes_, page_bytes()) + page_bytes());
}

LocalMemory LocalMemory::create(const LocalName& name, std::uint64_t bytes) {
  HostMemory file =
      create_host_memory(round_up(bytes, page_bytes()), HandleType::cuda_ipc, local_file_name(name).c_str());
  return {std::move(file.fd), name, bytes};
}

LocalMemory LocalMemory::open(const IpcBlob& blob) {
  const Ticket ticket = read_ticket(blob);
  UniqueFd file = open_file(ticket);
  struct stat status {};
  struct flock lock = whole_file(F_RDLCK);
  if (::fstat(file.get(), &status) != 0) throw_system_error("fstat", errno);
  if (::fcntl(file.get(), F_OFD_SETLK, &lock) != 0) throw_system_error("fcntl(F_OFD_SETLK)", errno);
  return {std::move(file), ticket.name, static_cast<std::uint64_t>(status.st_size)};
}

IpcBlob LocalMemory::blob() const {
  const Ticket ticket{.magic = kTicketMagic, .name = name_, .pid = ::getpid(), .fd = fd_.get()};
  IpcBlob blob;
  std::memcpy(blob.bytes.data(), &ticket, sizeof(ticket));
  return blob;
}

bool LocalMemory::open_elsewhere() const {
  struct flock lock = whole_file(F_WRLCK);  // asks what would stand in its way
  if (::fcntl(fd_.get(), F_OFD_GETLK, &lock) != 0) throw_system_error("fcntl(F_OFD_GETLK)", errno);
  return lock.l_type != F_UNLCK;
}

LocalName name_in(const IpcBlob& blob) { return read_ticket(blob).name; }

}  // namespace symmbench
