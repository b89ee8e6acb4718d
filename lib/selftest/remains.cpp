#include "selftest/remains.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "bench/open_descriptors.hpp"
#include "supervise/process_identity.hpp"

namespace symmbench {
namespace {

namespace fs = std::filesystem;

bool is_number(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code failed;
  for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    names.push_back(at->path().filename());
  }
  return names;
}

std::vector<std::string> children_now() {
  std::vector<std::string> children;
  for (const std::string& name : names_in("/proc")) {
    if (is_number(name) && parent_of(std::stoi(name)) == ::getpid()) children.push_back(name);
  }
  return children;
}

std::vector<std::string> sockets_now(const std::string& prefix) {
  std::vector<std::string> sockets;
  std::ifstream file("/proc/net/unix");
  for (std::string line; std::getline(file, line);) {
    if (const auto at = line.find("@" + prefix); at != std::string::npos) sockets.push_back(line.substr(at));
  }
  return sockets;
}

void add_new(std::vector<std::string>& left, std::string_view what, const std::vector<std::string>& before,
             const std::vector<std::string>& now, int world_rank) {
  for (const std::string& each : now) {
    if (std::ranges::find(before, each) == before.end()) {
      left.push_back(fmt::format("{} {} of rank {}", what, each, world_rank));
    }
  }
}

}  // namespace

Remains remains_now(const std::string& nonce, int world_rank) {
  Remains remains{.descriptors = open_descriptors(),
                  .children = children_now(),
                  .sockets = sockets_now(fmt::format("symmbench.{}.{}.", nonce, world_rank)),
                  .shared = names_in("/dev/shm")};
  std::erase_if(remains.shared, [](const std::string& name) { return !name.starts_with("symmbench"); });
  return remains;
}

std::vector<std::string> left_since(const Remains& before, const Remains& now, int world_rank) {
  std::vector<std::string> left;
  add_new(left, "process", before.children, now.children, world_rank);
  add_new(left, "socket", before.sockets, now.sockets, world_rank);
  add_new(left, "/dev/shm file", before.shared, now.shared, world_rank);
  if (now.descriptors > before.descriptors) {
    left.push_back(fmt::format("{} descriptors of rank {}", now.descriptors - before.descriptors, world_rank));
  }
  return left;
}

}  // namespace symmbench
