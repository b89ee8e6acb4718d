#include "bench/host_facts.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <string_view>

#include "core/deadlines.hpp"
#include "core/finishes_within.hpp"
#include "core/unique_fd.hpp"

namespace symmbench {
namespace {

namespace fs = std::filesystem;

/// Enough for the first processor of /proc/cpuinfo, and for all of the others.
constexpr std::size_t kFileBytes = 8192;
constexpr std::size_t kLongestFact = 200;

/// Those by which GPUs, their links and registered memory work, or do not.
constexpr std::array kModules{"nvidia",      "nvidia_uvm", "nvidia_modeset", "nvidia_drm",       "nvidia_peermem",
                              "nv_peer_mem", "nvidia_fs",  "gdrdrv",         "nvidia_vgpu_vfio", "ib_core",
                              "ib_uverbs",   "ib_umad",    "mlx5_core",      "mlx5_ib",          "rdma_cm",
                              "efa",         "xpmem",      "knem",           "vfio_pci"};

constexpr std::array kNoFacts{
    "os",        "kernel",        "architecture", "cpu_model", "memory_total_bytes", "memory_available_bytes",
    "container", "kernel_driver", "modules"};

/// The beginning of a file, or why there is none.
struct FileText {
  std::string text;
  std::string problem;  ///< empty: it was read
};

FileText beginning_of(const fs::path& path) {
  FileText file;
  // Non-blocking: what lies there may be a pipe.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  const auto failed = [&] { file.problem = fmt::format("{}: {}", path.string(), std::strerror(errno)); };
  if (!fd) return failed(), file;
  std::array<char, kFileBytes> part;
  while (file.text.size() < kFileBytes) {
    const auto got = ::read(fd.get(), part.data(), kFileBytes - file.text.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) failed();
    if (got <= 0) break;
    file.text.append(part.data(), static_cast<std::size_t>(got));
  }
  return file;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n\"'";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1).substr(0, kLongestFact);
}

/// Of "key : value" or "KEY=value" lines the first with this key; empty: none.
std::string_view value_of(std::string_view text, std::string_view key, char separator) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    const auto at = line.find(separator);
    if (at != std::string_view::npos && trimmed(line.substr(0, at)) == key) return trimmed(line.substr(at + 1));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

class Facts {
 public:
  Facts() {
    for (const char* key : kNoFacts) json_[key] = nullptr;
    json_["unknown"] = Json::array();
  }

  void know(const char* fact, Json value) { json_[fact] = std::move(value); }
  void miss(const char* fact, const std::string& why) { json_["unknown"].push_back({{"fact", fact}, {"why", why}}); }
  void text(const char* fact, std::string_view value, const std::string& why) {
    value.empty() ? miss(fact, why) : know(fact, value);
  }
  /// A fact out of a file's text; `pick` gives it, empty where the text does not say.
  template <class Pick>
  void of_file(const char* fact, const fs::path& path, const Pick& pick) {
    const FileText file = beginning_of(path);
    if (!file.problem.empty()) return miss(fact, file.problem);
    text(fact, pick(std::string_view(file.text)), fmt::format("{} does not say", path.string()));
  }

  Json json() && { return std::move(json_); }

 private:
  Json json_ = Json::object();
};

void add_system(Facts& facts, const fs::path& root) {
  const auto pretty = [](std::string_view text) { return value_of(text, "PRETTY_NAME", '='); };
  std::error_code ignored;
  const fs::path etc = root / "etc/os-release";
  facts.of_file("os", fs::exists(etc, ignored) ? etc : root / "usr/lib/os-release", pretty);
  utsname name{};
  if (::uname(&name) == 0) {
    facts.know("kernel", name.release);
    facts.know("architecture", name.machine);
  } else {
    for (const char* fact : {"kernel", "architecture"})
      facts.miss(fact, fmt::format("uname: {}", std::strerror(errno)));
  }
  facts.of_file("cpu_model", root / "proc/cpuinfo", [](std::string_view text) {
    if (const auto model = value_of(text, "model name", ':'); !model.empty()) return std::string(model);
    // Arm tells numbers: 0x41 and 0xd4f are a Neoverse V2.
    const auto implementer = value_of(text, "CPU implementer", ':'), part = value_of(text, "CPU part", ':');
    return part.empty() ? std::string() : fmt::format("implementer {} part {}", implementer, part);
  });
}

void add_memory(Facts& facts, const fs::path& root) {
  const fs::path path = root / "proc/meminfo";
  const FileText file = beginning_of(path);
  for (const auto& [fact, key] :
       {std::pair("memory_total_bytes", "MemTotal"), {"memory_available_bytes", "MemAvailable"}}) {
    if (!file.problem.empty()) {
      facts.miss(fact, file.problem);
      continue;
    }
    const auto words = value_of(file.text, key, ':');
    std::uint64_t kib = 0;
    const auto [end, error] = std::from_chars(words.data(), words.data() + words.size(), kib);
    const bool whole = error == std::errc() && std::string_view(end, words.data() + words.size()) == " kB";
    if (whole && kib <= UINT64_MAX / 1024) {
      facts.know(fact, kib * 1024);
    } else {
      facts.miss(fact, fmt::format("{} has '{}' for {}", path.string(), words, key));
    }
  }
}

void add_container(Facts& facts, const fs::path& root) {
  std::set<std::string> signs;
  std::error_code ignored;
  for (const auto& [file, what] : {std::pair(".dockerenv", "docker"),
                                   {"run/.containerenv", "podman"},
                                   {".singularity.d", "apptainer"},
                                   {"var/run/secrets/kubernetes.io", "kubernetes"}}) {
    if (fs::exists(root / file, ignored)) signs.insert(what);
  }
  for (const auto& [variable, what] : {std::pair("KUBERNETES_SERVICE_HOST", "kubernetes"),
                                       {"APPTAINER_CONTAINER", "apptainer"},
                                       {"SINGULARITY_CONTAINER", "apptainer"},
                                       {"ENROOT_ROOTFS", "enroot"}}) {
    if (std::getenv(variable) != nullptr) signs.insert(what);
  }
  const FileText groups = beginning_of(root / "proc/self/cgroup");
  for (const auto& [word, what] : {std::pair("kubepods", "kubernetes"),
                                   {"docker", "docker"},
                                   {"libpod", "podman"},
                                   {"lxc", "lxc"},
                                   {"containerd", "containerd"}}) {
    if (groups.text.find(word) != std::string::npos) signs.insert(what);
  }
  facts.know("container", signs);
}

void add_modules(Facts& facts, const fs::path& root) {
  std::error_code problem;
  const fs::path folder = root / "sys/module";
  if (!fs::is_directory(folder, problem)) {
    facts.miss("modules", fmt::format("{}: {}", folder.string(), problem ? problem.message() : "no folder"));
  } else {
    Json modules = Json::array();
    for (const char* name : kModules) {
      if (!fs::exists(folder / name, problem)) continue;
      const std::string text = beginning_of(folder / name / "version").text;
      const auto version = trimmed(text);
      modules.push_back({{"name", name}, {"version", version.empty() ? Json(nullptr) : Json(version)}});
    }
    facts.know("modules", std::move(modules));
  }
  // "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (who@where)"
  facts.of_file("kernel_driver", root / "proc/driver/nvidia/version", [](std::string_view text) {
    const auto line = value_of(text, "NVRM version", ':');
    return trimmed(line.substr(0, line.find('(')));
  });
}

Json gathered(const fs::path& root) {
  Facts facts;
  add_system(facts, root);
  add_memory(facts, root);
  add_container(facts, root);
  add_modules(facts, root);
  return std::move(facts).json();
}

}  // namespace

Json host_facts(const fs::path& root) {
  if (auto facts = result_within(deadline::kFileSystem_s, [root] { return gathered(root); })) return std::move(*facts);
  Facts none;
  for (const char* fact : kNoFacts)
    none.miss(fact, fmt::format("a file of it did not answer in {} s", deadline::kFileSystem_s));
  return std::move(none).json();
}

Json process_limits() {
  Json limits = Json::object();
  const auto bound = [](rlim_t value) { return value == RLIM_INFINITY ? Json(nullptr) : Json(std::uint64_t{value}); };
  for (const auto& [name, which] : {std::pair("memlock", RLIMIT_MEMLOCK),
                                    {"nofile", RLIMIT_NOFILE},
                                    {"core", RLIMIT_CORE},
                                    {"stack", RLIMIT_STACK},
                                    {"nproc", RLIMIT_NPROC},
                                    {"address_space", RLIMIT_AS}}) {
    rlimit limit{};
    limits[name] = ::getrlimit(which, &limit) == 0
                       ? Json{{"soft", bound(limit.rlim_cur)}, {"hard", bound(limit.rlim_max)}}
                       : Json(nullptr);
  }
  return limits;
}

}  // namespace symmbench
