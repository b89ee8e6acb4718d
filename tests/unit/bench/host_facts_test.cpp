#include "bench/host_facts.hpp"

#include <sys/resource.h>
#include <sys/stat.h>

#include <catch2/catch_test_macros.hpp>
#include <filesystem>

#include "support/contains.hpp"
#include "support/scratch_folder.hpp"

using namespace symmbench;

namespace {

/// A made-up "/" of a GPU host.
class HostRoot {
 public:
  HostRoot() {
    put("etc/os-release", "NAME=Ubuntu\nPRETTY_NAME=\"Ubuntu 24.04.3 LTS\"\n");
    put("proc/cpuinfo", "processor\t: 0\nmodel name\t: INTEL(R) XEON(R) PLATINUM 8570\n");
    put("proc/meminfo", "MemTotal:       2000 kB\nMemAvailable:       900 kB\n");
    put("proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (someone@build-host-7)\n");
    put("sys/module/nvidia/version", "580.95.05\n");
    put("sys/module/gdrdrv/version", "2.5\n");
    put("sys/module/ib_core/refcnt", "3\n");
    put("sys/module/snd_pcm/version", "1\n");
  }
  void put(const std::string& file, const std::string& text) const {
    const std::filesystem::path path = folder_ / file;
    std::filesystem::create_directories(path.parent_path());
    write_text(path, text);
  }
  void lose(const std::string& file) const { std::filesystem::remove_all(folder_ / file); }
  std::string at(const std::string& file) const { return folder_ / file; }
  Json facts() const { return host_facts(folder_.path()); }

 private:
  ScratchFolder folder_;
};

std::string why_unknown(const Json& facts, const std::string& fact) {
  for (const Json& entry : facts.at("unknown")) {
    if (entry.at("fact") == fact) return entry.at("why");
  }
  return "";
}

}  // namespace

TEST_CASE("a host tells its system, processor and memory") {
  const Json facts = HostRoot().facts();
  CHECK(facts.at("os") == "Ubuntu 24.04.3 LTS");
  CHECK(facts.at("cpu_model") == "INTEL(R) XEON(R) PLATINUM 8570");
  CHECK(facts.at("memory_total_bytes") == 2000 * 1024);
  CHECK(facts.at("memory_available_bytes") == 900 * 1024);
  CHECK_FALSE(facts.at("kernel").get<std::string>().empty());
  CHECK_FALSE(facts.at("architecture").get<std::string>().empty());
  CHECK(facts.at("unknown").empty());
}

TEST_CASE("an Arm processor is told by its numbers") {
  const HostRoot root;
  root.put("proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd4f\n");
  CHECK(root.facts().at("cpu_model") == "implementer 0x41 part 0xd4f");
}

TEST_CASE("of the loaded modules those that matter are told, with the versions that they have") {
  const Json facts = HostRoot().facts();
  CHECK(facts.at("modules") == Json{{{"name", "nvidia"}, {"version", "580.95.05"}},
                                    {{"name", "gdrdrv"}, {"version", "2.5"}},
                                    {{"name", "ib_core"}, {"version", nullptr}}});
}

TEST_CASE("the kernel's driver is told by its own line, without who built it and where") {
  CHECK(HostRoot().facts().at("kernel_driver") ==
        "NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build");
}

TEST_CASE("what cannot be read is null, with the file and the reason") {
  const HostRoot root;
  for (const char* file : {"proc/cpuinfo", "proc/meminfo", "proc/driver", "sys/module", "etc/os-release"})
    root.lose(file);
  const Json facts = root.facts();
  for (const char* fact :
       {"os", "cpu_model", "memory_total_bytes", "memory_available_bytes", "kernel_driver", "modules"}) {
    CHECK(facts.at(fact).is_null());
    CHECK(contains(why_unknown(facts, fact), "No such file"));
  }
  CHECK(contains(why_unknown(facts, "cpu_model"), "proc/cpuinfo"));
}

TEST_CASE("an answer that makes no sense is null, and is quoted") {
  const HostRoot root;
  root.put("proc/meminfo", "MemTotal: lots\nMemAvailable: 99999999999999999999 kB\n");
  root.put("etc/os-release", "what?\n");
  const Json facts = root.facts();
  CHECK(facts.at("memory_total_bytes").is_null());
  CHECK(contains(why_unknown(facts, "memory_total_bytes"), "'lots'"));
  CHECK(facts.at("memory_available_bytes").is_null());
  CHECK(facts.at("os").is_null());
  CHECK(contains(why_unknown(facts, "os"), "does not say"));
}

TEST_CASE("a pipe in the place of a file holds nobody up") {
  const HostRoot root;
  root.lose("etc/os-release");
  REQUIRE(::mkfifo(root.at("etc/os-release").c_str(), 0600) == 0);
  CHECK(root.facts().at("os").is_null());
}

TEST_CASE("signs of a container are named, each once, and none is none") {
  const HostRoot root;
  root.put(".dockerenv", "");
  root.put("proc/self/cgroup", "0::/kubepods/burstable/pod1/docker-2\n");
  CHECK(root.facts().at("container") == Json{"docker", "kubernetes"});
  CHECK(HostRoot().facts().at("container") == Json::array());
}

TEST_CASE("a process tells its limits, and null where there is none") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_CORE, &before) == 0);
  rlimit lower = before;
  lower.rlim_cur = 0;
  REQUIRE(::setrlimit(RLIMIT_CORE, &lower) == 0);
  const Json limits = process_limits();
  ::setrlimit(RLIMIT_CORE, &before);
  CHECK(limits.at("core").at("soft") == 0);
  CHECK(limits.at("core").at("hard") == (before.rlim_max == RLIM_INFINITY ? Json(nullptr) : Json(before.rlim_max)));
  for (const char* name : {"memlock", "nofile", "stack", "nproc", "address_space"})
    CHECK(limits.at(name).contains("hard"));
}
