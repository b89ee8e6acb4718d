#include "supervise/process_identity.hpp"

#include <fmt/format.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <system_error>

#include "comm/host_identity.hpp"
#include "core/text.hpp"

namespace symmbench {
namespace {

/// The file's text, or "" when it may not be read or the process is gone.
std::string proc_file(pid_t pid, const char* name) {
  std::ifstream file(fmt::format("/proc/{}/{}", pid, name));
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) text.pop_back();
  return text;
}

struct Stat {
  char state = '?';
  pid_t parent = 0;
  unsigned flags = 0;  ///< the kernel's PF_...
  std::uint64_t started = 0;
};

std::string link_target(const char* path) {
  char target[PATH_MAX];
  const ssize_t length = readlink(path, target, sizeof target);
  return length > 0 ? std::string(target, static_cast<std::size_t>(length)) : std::string{};
}

/// Where /proc is of another pid namespace (a container with its host's), its numbers are those of strangers.
bool proc_is_ours() { return link_target("/proc/self") == std::to_string(getpid()); }

/// Of /proc/PID/stat, a thread's id being good as well; nullopt when there is none such, or none can be seen.
std::optional<Stat> stat_of(pid_t pid) {
  if (!proc_is_ours()) return std::nullopt;
  const std::string text = proc_file(pid, "stat");
  const auto name_end = text.rfind(')');  // the name in front may hold anything
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  Stat stat;
  fields >> stat.state >> stat.parent;
  constexpr int kFlags = 9, kStartTime = 22;  // as proc(5) counts; the state is the third field
  std::string field;
  for (int i = 5; i < kFlags; ++i) fields >> field;
  fields >> stat.flags;
  for (int i = kFlags + 1; i < kStartTime; ++i) fields >> field;
  fields >> stat.started;
  return stat;
}

bool is_stopped_state(char state) { return state == 'T' || state == 't'; }

const char* state_name(char state) {
  switch (state) {
    case 'R':
      return "running";
    case 'S':
      return "sleeping";
    case 'D':
      return "in an uninterruptible wait";
    case 'T':
      return "stopped by a signal";
    case 't':
      return "stopped by a debugger";
    case 'Z':
      return "dead";
    default:
      return "unknown";
  }
}

}  // namespace

std::string ProcessIdentity::text() const {
  return pid == 0 ? std::string("an unknown host") : fmt::format("{}, pid {}", host, pid);
}

std::uint64_t start_time_of(pid_t pid) {
  const auto stat = stat_of(pid);
  return stat ? stat->started : 0;
}

ProcessIdentity this_process() {
  char host[HOST_NAME_MAX + 1] = "";
  gethostname(host, sizeof host - 1);
  return {.host = host,
          .boot_id = this_host().boot_id,
          .pid_namespace = link_target("/proc/self/ns/pid"),
          .time_namespace = link_target("/proc/self/ns/time"),
          .pid = getpid(),
          .started = start_time_of(getpid())};
}

Json to_json(const ProcessIdentity& identity) {
  return {{"host", identity.host},
          {"boot_id", identity.boot_id},
          {"pid_namespace", identity.pid_namespace},
          {"time_namespace", identity.time_namespace},
          {"pid", identity.pid},
          {"started", identity.started}};
}

ProcessIdentity process_identity_from(const Json& json) {
  return {.host = json.value("host", std::string{}),
          .boot_id = json.value("boot_id", std::string{}),
          .pid_namespace = json.value("pid_namespace", std::string{}),
          .time_namespace = json.value("time_namespace", std::string{}),
          .pid = json.value("pid", 0),
          .started = json.value("started", std::uint64_t{0})};
}

bool share_clock(const ProcessIdentity& a, const ProcessIdentity& b) {
  // A kernel without time namespaces has one for all.
  return !a.boot_id.empty() && a.boot_id == b.boot_id && a.time_namespace == b.time_namespace;
}

ProcessSight look_at(const ProcessIdentity& identity) {
  static const ProcessIdentity self = this_process();
  const bool comparable = identity.started != 0 && !identity.pid_namespace.empty() &&
                          identity.pid_namespace == self.pid_namespace && identity.boot_id == self.boot_id;
  if (!comparable) return ProcessSight::unseen;
  const auto stat = stat_of(identity.pid);
  // A process that cannot be looked at, for want of descriptors here say, is not dead for that.
  if (!stat && (::kill(identity.pid, 0) == 0 || errno != ESRCH)) return ProcessSight::unseen;
  if (!stat || stat->started != identity.started || stat->state == 'Z' || stat->state == 'X') return ProcessSight::gone;
  return is_stopped_state(stat->state) ? ProcessSight::stopped : ProcessSight::alive;
}

bool is_exiting(pid_t task) {
  constexpr unsigned kExiting = 0x4;  // PF_EXITING
  const auto stat = stat_of(task);
  return !stat || (stat->flags & kExiting) != 0;
}

bool is_stopped(pid_t pid) {
  const auto stat = stat_of(pid);
  return stat && is_stopped_state(stat->state);
}

std::optional<pid_t> parent_of(pid_t pid) {
  const auto stat = stat_of(pid);
  return stat ? std::optional(stat->parent) : std::nullopt;
}

std::string process_name_of(pid_t pid) { return proc_is_ours() ? proc_file(pid, "comm") : std::string{}; }

std::vector<std::string> command_line_of(pid_t pid) {
  const std::string line = proc_is_ours() ? proc_file(pid, "cmdline") : std::string{};
  return line.empty() ? std::vector<std::string>{} : split_list(line, '\0');
}

std::optional<std::string> environment_of(pid_t pid) {
  if (!proc_is_ours()) return std::nullopt;
  std::ifstream file(fmt::format("/proc/{}/environ", pid), std::ios::binary);
  if (!file) return std::nullopt;
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return file.bad() ? std::nullopt : std::optional(std::move(text));
}

std::string proc_evidence(pid_t pid) {
  const auto stat = pid > 0 ? stat_of(pid) : std::nullopt;
  if (!stat) return {};
  std::string text = fmt::format("state {} ({})", stat->state, state_name(stat->state));
  if (const auto where = proc_file(pid, "wchan"); !where.empty() && where != "0") text += ", in " + where;
  const auto call = proc_file(pid, "syscall");  // "202 0x7f.. ..", "running", or not ours to read
  const auto number = call.substr(0, call.find(' '));
  if (!number.empty() && std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    text += ", system call " + number;
  }
  return text;
}

bool is_being_killed(pid_t pid) {
  const auto stat = stat_of(pid);
  if (!stat) return false;
  if (stat->state == 'Z' || stat->state == 'X') return true;
  // A SIGKILL that was sent is pending in every thread until that thread has acted on it.
  std::istringstream status(proc_file(pid, "status"));
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("SigPnd:") && !line.starts_with("ShdPnd:")) continue;
    const auto pending = std::strtoull(line.c_str() + sizeof "SigPnd:", nullptr, 16);
    if ((pending >> (SIGKILL - 1) & 1) != 0) return true;
  }
  return false;
}

}  // namespace symmbench
