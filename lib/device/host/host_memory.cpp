#include "device/host/host_memory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <variant>

#include "core/text.hpp"
#include "device/driver_call.hpp"

namespace symmbench {
namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
constexpr std::uint64_t kBlobMagic = 0x31'30'42'46'4D'59'53'68;  // "hSYMFB01" in memory

/// What the 64 bytes of an emulated fabric handle mean.
struct Blob {
  std::uint64_t magic;
  std::int64_t pid;
  std::int64_t fd;              ///< kInFolder: a file of fabric_folder()
  std::uint64_t device, inode;  ///< tell a descriptor that was closed and used again
  EmulatedPlace place;          ///< of the exporter
};
static_assert(sizeof(Blob) <= sizeof(FabricBlob));
constexpr std::int64_t kInFolder = -1;

UniqueFd duplicate(int fd) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) throw_system_error("fcntl(F_DUPFD_CLOEXEC)", errno);
  return UniqueFd(copy);
}

struct stat status_of(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw_system_error("fstat", errno);
  return status;
}

[[noreturn]] void refuse(const std::string& why) {
  throw_driver_error(DriverCall::import_handle, driver_code::kInvalidHandle, why);
}

/// Throws where it is no memfd of create_host_memory().
UniqueFd sealed(UniqueFd file) {
  // The kernel may have added F_SEAL_EXEC (vm.memfd_noexec).
  const int seals = ::fcntl(file.get(), F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals) refuse("the descriptor is not memory of an emulated device");
  return file;
}

UniqueFd open_posix(const UniqueFd& handle) {
  if (!handle) refuse("no descriptor");
  if (::fcntl(handle.get(), F_GETFD) < 0) refuse(fmt::format("descriptor {} is not open", handle.get()));
  return sealed(duplicate(handle.get()));
}

std::string why_out_of_reach(const EmulatedPlace& own, const EmulatedPlace& exporter) {
  if (own.domain != exporter.domain) return "the exporter's GPU is in another cluster or clique of the NVLink fabric";
  return fmt::format("the IMEX daemon of the {} host does not serve the domain",
                     own.imex_daemon ? "exporter's" : "importing");
}

/// The file behind a blob, or nothing; then errno says why.
UniqueFd open_exported(const Blob& blob) {
  if (blob.fd != kInFolder) {
    return UniqueFd(::open(fmt::format("/proc/{}/fd/{}", blob.pid, blob.fd).c_str(), O_RDWR | O_CLOEXEC));
  }
  const std::string folder = fabric_folder();
  if (folder.empty())
    refuse(fmt::format("the exporter's memory is in a folder, and {} is not set here", kFabricFolderVariable));
  return open_fabric_file(folder, blob.inode);
}

UniqueFd open_fabric(const FabricBlob& handle, const EmulatedPlace& place) {
  Blob blob{};
  std::memcpy(&blob, handle.bytes.data(), sizeof(blob));
  if (blob.magic != kBlobMagic) refuse("not a fabric handle of the emulated device");
  if (!place.reaches(blob.place)) refuse(why_out_of_reach(place, blob.place));
  UniqueFd opened = open_exported(blob);
  if (!opened && (errno == EMFILE || errno == ENFILE)) throw_system_error("open", errno);
  if (!opened) {
    const char* why = std::strerror(errno);
    refuse(blob.fd == kInFolder
               ? fmt::format("{} is not the exporter's folder, or its memory is gone: {}", fabric_folder(), why)
               : fmt::format("process {} is not to be seen here, or no longer offers descriptor {}: {} (hosts that are "
                             "containers share a folder that {} names)",
                             blob.pid, blob.fd, why, kFabricFolderVariable));
  }
  const struct stat status = status_of(opened.get());
  if (status.st_dev != blob.device || status.st_ino != blob.inode) {
    refuse(fmt::format("process {} has released the memory behind the handle", blob.pid));
  }
  return blob.fd == kInFolder ? std::move(opened)
                              : sealed(std::move(opened));  // a file has no seals: its name marks it
}

}  // namespace

void throw_system_error(std::string_view call, int error) {
  const bool exhausted = error == EMFILE || error == ENFILE;
  std::string detail = std::strerror(error);
  if (error == EMFILE) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    detail = fmt::format(
        "all {} file descriptors of this process are in use and one more is needed (RLIMIT_NOFILE: soft {}, hard {}); "
        "raise it with ulimit -n or use fewer ranks",
        limit.rlim_cur, limit.rlim_cur, limit.rlim_max);
  } else if (error == ENFILE) {
    detail = "the machine is out of open files (fs.file-max)";
  }
  throw Error({.layer = Layer::environment,
               .reason = exhausted ? Reason::capacity_exceeded : Reason::io_error,
               .call = std::string(call),
               .detail = std::move(detail),
               .code = error});
}

void throw_mapping_error(std::string_view call, int error) {
  if (error != ENOMEM) throw_system_error(call, error);
  throw Error({.layer = Layer::environment,
               .reason = Reason::capacity_exceeded,
               .call = std::string(call),
               .detail = "no room for one more mapping (vm.max_map_count, ulimit -v)",
               .code = error});
}

HostMemory create_host_memory(std::uint64_t bytes, HandleType handle, const char* file_name) {
  if (const std::string folder = fabric_folder(); handle == HandleType::fabric && !folder.empty()) {
    auto [file, entry] = create_fabric_file(folder, bytes);
    return {.fd = std::move(file), .bytes = bytes, .handle = handle, .entry = std::move(entry)};
  }
  const int fd = ::memfd_create(file_name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) throw_system_error("memfd_create", errno);
  HostMemory memory{.fd = UniqueFd(fd), .bytes = bytes, .handle = handle};
  if (::ftruncate(fd, static_cast<off_t>(bytes)) != 0) throw_system_error("ftruncate", errno);
  if (::fcntl(fd, F_ADD_SEALS, kSeals) != 0) throw_system_error("fcntl(F_ADD_SEALS)", errno);
  return memory;
}

ShareableHandle export_host_memory(const HostMemory& memory, const EmulatedPlace& place) {
  if (memory.handle == HandleType::posix_fd) return duplicate(memory.fd.get());
  const struct stat status = status_of(memory.fd.get());
  const Blob blob{.magic = kBlobMagic,
                  .pid = ::getpid(),
                  .fd = memory.entry ? kInFolder : memory.fd.get(),
                  .device = status.st_dev,
                  .inode = status.st_ino,
                  .place = place};
  FabricBlob bytes;
  std::memcpy(bytes.bytes.data(), &blob, sizeof(blob));
  return bytes;
}

HostMemory import_host_memory(const ShareableHandle& handle, std::uint64_t granularity, const EmulatedPlace& place) {
  if (std::holds_alternative<IpcBlob>(handle)) refuse("an IPC handle is opened, not imported");
  const auto* posix = std::get_if<UniqueFd>(&handle);
  HostMemory memory{.fd = posix ? open_posix(*posix) : open_fabric(std::get<FabricBlob>(handle), place),
                    .handle = posix ? HandleType::posix_fd : HandleType::fabric,
                    .imported = true};
  memory.bytes = static_cast<std::uint64_t>(status_of(memory.fd.get()).st_size);
  if (memory.bytes == 0 || memory.bytes % granularity != 0) {
    refuse(fmt::format("{} is not a multiple of the granularity {}", format_bytes(memory.bytes),
                       format_bytes(granularity)));
  }
  return memory;
}

}  // namespace symmbench
