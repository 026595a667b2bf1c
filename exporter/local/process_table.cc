#include "local/process_table.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.h"

namespace local {

namespace {

// A title takes the room of argv and environment; a path with all of sshd's options is far shorter.
constexpr std::size_t kCommandLineLimit = 64U << 10U;
// stat has 52 numbers, status some 60 lines.
constexpr std::size_t kSmallFileLimit = 16U << 10U;
// Listening sockets come first; 160 bytes each.
constexpr std::size_t kSocketTableLimit = 64U << 10U;

constexpr std::array<std::string_view, 5> kNames{"sshd", "sshd-session", "sshd-auth", "dropbear",
                                                 "dropbearmulti"};

// Serving one connection (from inetd, or systemd with Accept=yes, or the listener), and printing or
// testing the configuration.
constexpr std::string_view kOtherModes = "iRtTGV";

bool is_dropbear(const SshProcess& process) { return process.stat.name.starts_with("dropbear"); }

std::string folder_of(pid_t pid) { return "/proc/" + std::to_string(pid); }

// Of each process of the host, so it has to be quick: no path from the root, one read.
std::string read_name(int proc, const std::string& pid) {
  const base::Fd file(::openat(proc, (pid + "/comm").c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return "";
  std::array<char, 64> buffer;
  const auto size = ::read(file.get(), buffer.data(), buffer.size());
  if (size <= 0) return "";
  std::string_view name(buffer.data(), static_cast<std::size_t>(size));
  if (name.ends_with('\n')) name.remove_suffix(1);
  return std::string(name);
}

bool is_server_program(std::string_view executable) {
  const auto name = executable.substr(executable.rfind('/') + 1);
  return name.starts_with("sshd") || name.starts_with("dropbear");
}

std::string network_of_host(const Host& host) {
  return host.link(host.moved() ? "/proc/1/ns/net" : "/proc/self/ns/net");
}

std::optional<SshProcess> look_at(const Host& host, pid_t pid, const std::string& network) {
  const auto folder = folder_of(pid);
  auto stat = parse_process_stat(host.read(folder + "/stat", kSmallFileLimit).text);
  if (!stat || stat->state == 'Z' || stat->state == 'X') return std::nullopt;
  SshProcess process;
  process.pid = pid;
  process.stat = std::move(*stat);
  process.title = parse_sshd_title(host.read(folder + "/cmdline", kCommandLineLimit).text);
  process.roots = is_roots(host.read(folder + "/status", kSmallFileLimit).text);
  if (!process.roots) return process;
  process.executable = host.link(folder + "/exe");
  if (!process.executable.empty() && !is_server_program(process.executable)) return std::nullopt;
  const auto own = host.link(folder + "/ns/net");
  if (!own.empty() && !network.empty() && own != network) return std::nullopt;
  return process;
}

// Nothing if its files may not be looked at.
std::optional<bool> owns_listening_socket(const Host& host, pid_t pid) {
  const auto folder = folder_of(pid);
  std::vector<std::uint64_t> inodes;
  for (const auto* table : {"/net/tcp", "/net/tcp6"}) {
    const auto found = parse_listening_inodes(host.read(folder + table, kSocketTableLimit).text);
    inodes.insert(inodes.end(), found.begin(), found.end());
  }
  errno = 0;
  const auto files = host.list(folder + "/fd");
  if (files.empty() && errno != 0) return std::nullopt;
  return std::any_of(files.begin(), files.end(), [&](const std::string& file) {
    const auto target = host.link(folder + "/fd/" + file);
    return std::any_of(inodes.begin(), inodes.end(), [&](std::uint64_t inode) {
      return target == "socket:[" + std::to_string(inode) + "]";
    });
  });
}

using Kind = SshdTitle::Kind;

// Of sshd itself, not of a connection that it has told apart from itself.
bool looks_like_listener(const SshProcess& process) {
  if (!process.roots) return false;
  if (is_dropbear(process)) return true;
  return process.stat.name == "sshd" &&
         (process.title.kind == Kind::listener || process.title.kind == Kind::cut ||
          process.title.kind == Kind::none);
}

bool listens(const Host& host, const SshProcess& process) {
  if (process.title.kind == Kind::listener) return true;
  const auto owns = owns_listening_socket(host, process.pid);
  if (owns) return *owns;
  // Without the right to see that, its command tells.
  if (is_dropbear(process) || process.title.kind == Kind::cut) return true;
  const auto& command = process.title.command;
  return !command.empty() && command.front().ends_with("sshd") &&
         std::none_of(kOtherModes.begin(), kOtherModes.end(),
                      [&command](char flag) { return has_flag(command, flag); });
}

bool is_connection(const SshProcess& process) {
  return process.roots && !is_dropbear(process) && !looks_like_listener(process) &&
         process.title.kind != Kind::none;
}

}  // namespace

const SshProcess* ProcessTable::find(pid_t pid) const {
  const auto found = std::lower_bound(
      processes.begin(), processes.end(), pid,
      [](const SshProcess& process, pid_t wanted) { return process.pid < wanted; });
  return found != processes.end() && found->pid == pid ? &*found : nullptr;
}

ProcessTable read_process_table(const Host& host) {
  ProcessTable table;
  const auto proc = host.open("/proc/", O_RDONLY | O_DIRECTORY);
  errno = 0;
  const auto names = host.list("/proc/");
  if (!proc.valid() || names.empty()) {
    table.complete = false;
    table.error = "/proc cannot be read";
    return table;
  }
  // hidepid= takes away the folders or what is in them, and process 1 is somebody else's.
  table.complete = !read_name(proc.get(), "1").empty();
  const auto network = network_of_host(host);
  for (const auto& entry : names) {
    const auto pid = base::parse_integer<pid_t>(entry);
    if (!pid || *pid <= 0) continue;
    const auto name = read_name(proc.get(), entry);
    if (std::find(kNames.begin(), kNames.end(), name) == kNames.end()) continue;
    if (auto process = look_at(host, *pid, network)) table.processes.push_back(std::move(*process));
  }
  std::sort(table.processes.begin(), table.processes.end(),
            [](const SshProcess& a, const SshProcess& b) { return a.pid < b.pid; });
  return table;
}

std::vector<const SshProcess*> find_servers(const Host& host, const ProcessTable& table) {
  std::vector<const SshProcess*> servers;
  for (const auto& process : table.processes) {
    if (!looks_like_listener(process)) continue;
    // For a moment a listener's child looks like it.
    const auto* parent = table.find(process.stat.parent);
    if (parent != nullptr && looks_like_listener(*parent)) continue;
    if (listens(host, process)) servers.push_back(&process);
  }
  return servers;
}

Connections count_connections(const ProcessTable& table,
                              const std::vector<const SshProcess*>& servers) {
  const auto is_server = [&servers](const SshProcess* process) {
    return std::find(servers.begin(), servers.end(), process) != servers.end();
  };
  Connections connections;
  for (const auto& process : table.processes) {
    const auto* parent = table.find(process.stat.parent);
    if (!process.roots || is_dropbear(process) || is_server(&process)) continue;
    if (!is_connection(process)) {
      // Just forked: it has no title of its own yet.
      if (parent != nullptr && is_server(parent)) ++connections.unauthenticated;
      continue;
    }
    // Root's sessions have two processes of root's, and sshd may have a helper for PAM.
    if (parent != nullptr && is_connection(*parent)) continue;
    const bool in_login =
        process.title.kind == Kind::accepted || process.title.kind == Kind::network ||
        std::any_of(table.processes.begin(), table.processes.end(), [&](const SshProcess& child) {
          return child.stat.parent == process.pid && child.title.kind == Kind::network &&
                 (child.title.name.empty() || child.title.name == process.title.name);
        });
    ++(in_login ? connections.unauthenticated : connections.authenticated);
  }
  return connections;
}

}  // namespace local
