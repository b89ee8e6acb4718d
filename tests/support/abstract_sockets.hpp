#pragma once
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "comm/host_identity.hpp"
#include "core/unique_fd.hpp"
#include "support/require.hpp"

/// For tests of FdExchange: its sockets as a peer, or a stranger, sees them.
namespace symmbench::test {

inline std::string name_of_rank(int rank) { return "memory of rank " + std::to_string(rank); }

/// The gathered blob of a rank that keeps to the protocol so far.
inline std::string address_blob(const std::string& socket_name) {
  const HostIdentity host = this_host();
  std::string blob;
  for (const std::string& text : {socket_name, std::string(32, 't'), host.boot_id, host.network_namespace}) {
    const std::uint64_t length = text.size();
    blob.append(reinterpret_cast<const char*>(&length), sizeof length).append(text);
  }
  return blob;
}

struct AbstractAddress {
  explicit AbstractAddress(const std::string& name) {
    address.sun_family = AF_UNIX;
    std::copy(name.begin(), name.end(), address.sun_path + 1);
    length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
  sockaddr_un address{};
  socklen_t length = 0;
};

/// The abstract names of this job's sockets, as any process on the machine can read them.
inline std::vector<std::string> visible_names(const std::string& nonce) {
  std::vector<std::string> names;
  std::ifstream table("/proc/net/unix");
  for (std::string line; std::getline(table, line);) {
    const auto at = line.find("@symmbench." + nonce);
    if (at != std::string::npos) names.push_back(line.substr(at + 1));
  }
  return names;
}

inline UniqueFd connect_to(const std::string& name) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  const AbstractAddress address(name);
  if (::connect(socket.get(), address.get(), address.length) != 0) return {};
  return socket;
}

inline void send_with_descriptors(const UniqueFd& socket, std::string bytes, const std::vector<int>& fds) {
  std::vector<char> control(CMSG_SPACE(fds.size() * sizeof(int)));
  iovec part{bytes.data(), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  }
  require(::sendmsg(socket.get(), &message, MSG_NOSIGNAL) >= 0, "a stranger could not send");
}

}  // namespace symmbench::test
