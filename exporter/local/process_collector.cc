// The processes of SSH servers, and what they need of the file system. Keeps what it knows of
// programs and of libwrap's files for as long as those stay the same.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <utility>

#include "base/text.h"
#include "local/collector.h"
#include "local/file_identity.h"
#include "local/process_table.h"
#include "local/server_programs.h"
#include "local/wrapper_rules.h"

namespace local {

namespace {

// The kernel's own limit of a name is 15 bytes; a character that has to be replaced may cost more.
constexpr std::size_t kNameLimit = 63;
constexpr std::size_t kPathLimit = 4096;  // PATH_MAX
// A server has some 30 mappings; more than these belong to no SSH server.
constexpr std::size_t kMapsLimit = 256U << 10U;
// Some 30,000 lines of addresses.
constexpr std::size_t kWrapperFileLimit = 1U << 20U;

constexpr std::string_view kDeleted = " (deleted)";

// Where to look for what would be started, if nothing runs.
constexpr std::array<const char*, 3> kInstalled{"/usr/sbin/sshd", "/usr/bin/sshd",
                                                "/usr/local/sbin/sshd"};

class ProcessCollector : public Collector {
 public:
  explicit ProcessCollector(const CollectorContext& context)
      : host_(context.host), clock_(context.clock) {}

  std::string collect(const model::HostFacts& known, model::HostFacts& mine) override;

 private:
  struct Server {
    model::ServerProcess facts;
    ServerPrograms programs;
    std::unique_ptr<Host> files;
  };
  struct KnownWrapperFile {
    std::optional<FileIdentity> identity;
    WrapperFile content;
  };

  Server look_at(const SshProcess& process);
  base::WallTime started(const SshProcess& process);
  ServerPrograms look_at_installed();
  std::string read_wrapper_rules(const Host& files, std::vector<model::WrapperRule>& rules);

  const Host& host_;
  const base::Clock& clock_;
  BinaryCache binaries_;
  // The time of the boot moves when the clock is set: it is asked for once for each server.
  std::map<std::pair<pid_t, std::uint64_t>, base::WallTime> started_;
  std::array<KnownWrapperFile, 2> wrapper_files_;
};

base::WallTime ProcessCollector::started(const SshProcess& process) {
  const auto [entry, is_new] =
      started_.try_emplace({process.pid, process.stat.start_ticks}, base::WallTime{});
  if (is_new) {
    const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    entry->second =
        boot_time(clock_) + std::chrono::milliseconds(process.stat.start_ticks * 1000 / ticks);
  }
  return entry->second;
}

ProcessCollector::Server ProcessCollector::look_at(const SshProcess& process) {
  const auto folder = "/proc/" + std::to_string(process.pid);
  Server server;
  auto& facts = server.facts;
  facts.pid = process.pid;
  facts.name = base::printable(process.stat.name, kNameLimit);
  facts.state = process.stat.state;
  facts.started = started(process);
  facts.command = process.title.command;
  facts.startups = process.title.startups;
  facts.unit = base::printable(unit_of_cgroup(host_.read(folder + "/cgroup").text), kPathLimit);
  facts.open_files = host_.list(folder + "/fd").size();
  facts.open_files_limit = parse_open_files_limit(host_.read(folder + "/limits").text);

  server.files = std::make_unique<Host>(root_of_process(host_, process.pid));
  RunningServer running{*server.files, {}, facts.command, "", {}};
  std::string_view executable = process.executable;
  if (executable.ends_with(kDeleted)) {
    facts.executable_deleted = true;
    executable.remove_suffix(kDeleted.size());
  }
  facts.executable = base::printable(executable, kPathLimit);
  running.path = facts.executable;
  if (!facts.command.empty() && facts.command.front().starts_with('/')) {
    running.path = facts.command.front();
  }
  if (running.path.empty()) return server;
  // Without the right to look into a process its root is closed as well. What is installed here is
  // then all that is left to tell the generation by.
  if (::access(server.files->root().c_str(), X_OK) != 0) {
    const RunningServer guess{host_, {}, {}, running.path, {}};
    facts.one_binary = inspect_programs(guess, binaries_).one_binary;
    return server;
  }
  running.executable = host_.open(folder + "/exe", O_RDONLY | O_NONBLOCK);
  running.library_directories =
      parse_library_directories(host_.read(folder + "/maps", kMapsLimit).text);
  server.programs = inspect_programs(running, binaries_);
  facts.executable_replaced = server.programs.replaced;
  facts.one_binary = server.programs.one_binary;
  facts.can_start_children = server.programs.can_start_children;
  facts.missing_helper = server.programs.missing_helper;
  return server;
}

ServerPrograms ProcessCollector::look_at_installed() {
  for (const auto* path : kInstalled) {
    RunningServer server{host_, {}, {}, path, {}};
    server.executable = host_.open(path, O_RDONLY | O_NONBLOCK);
    if (server.executable.valid()) return inspect_programs(server, binaries_);
  }
  return {};
}

std::string ProcessCollector::read_wrapper_rules(const Host& files,
                                                 std::vector<model::WrapperRule>& rules) {
  std::string error;
  constexpr std::array<std::pair<const char*, bool>, 2> kFiles{
      {{"/etc/hosts.allow", true}, {"/etc/hosts.deny", false}}};
  for (std::size_t i = 0; i < kFiles.size(); ++i) {
    const auto& [path, allow] = kFiles[i];
    auto& source = wrapper_files_[i];
    const auto status = files.status(path);
    const auto identity = status ? std::optional(identity_of(*status)) : std::nullopt;
    if (!identity || identity != source.identity) {
      const auto file = files.read(path, kWrapperFileLimit);
      if (file.error != 0 && file.error != ENOENT) error = std::string(path) + " cannot be read";
      const bool debian = files.status("/etc/debian_version").has_value();
      // The end of a file that is cut here is not its end.
      auto text = file.truncated ? file.text.substr(0, file.text.rfind('\n') + 1) : file.text;
      source.content = parse_wrapper_file(text, {path, allow, debian});
      source.content.truncated |= file.truncated;
      source.identity = file.error == 0 ? identity : std::nullopt;
    }
    if (source.content.truncated) error = std::string(path) + " is too long to be read whole";
    rules.insert(rules.end(), source.content.rules.begin(), source.content.rules.end());
  }
  return error;
}

std::optional<model::RuntimeDirectory> look_at_directory(const Host& files,
                                                         const std::string& path) {
  if (path.empty()) return std::nullopt;
  model::RuntimeDirectory directory;
  directory.path = path;
  const auto status = files.status(path);
  if (!status && errno != ENOENT && errno != ENOTDIR) return std::nullopt;
  directory.present = status && S_ISDIR(status->st_mode);
  if (directory.present) {
    directory.safe = status->st_uid == 0 && (status->st_mode & (S_IWGRP | S_IWOTH)) == 0;
  }
  return directory;
}

std::string ProcessCollector::collect(const model::HostFacts& /*known*/, model::HostFacts& mine) {
  const auto table = read_process_table(host_);
  if (!table.error.empty()) return table.error;
  auto facts = std::make_shared<model::ProcessFacts>();
  facts->complete = table.complete;
  const auto processes = find_servers(host_, table);
  const auto connections = count_connections(table, processes);
  facts->sessions = connections.authenticated;
  facts->unauthenticated = connections.unauthenticated;

  std::vector<Server> servers;
  bool unreadable = false;
  for (const auto* process : processes) {
    servers.push_back(look_at(*process));
    unreadable |= process->executable.empty();
  }
  std::erase_if(started_, [&processes](const auto& entry) {
    return std::none_of(processes.begin(), processes.end(), [&entry](const SshProcess* process) {
      return entry.first == std::pair(process->pid, process->stat.start_ticks);
    });
  });
  // OpenSSH before others: what follows is said of one server only.
  const auto first = std::find_if(servers.begin(), servers.end(),
                                  [](const Server& server) { return server.facts.name == "sshd"; });
  const bool runs = first != servers.end();
  const auto programs = runs ? first->programs : look_at_installed();
  const Host& files =
      runs && ::access(first->files->root().c_str(), X_OK) == 0 ? *first->files : host_;
  facts->libwrap = programs.libwrap;
  facts->runtime_directory = look_at_directory(files, programs.runtime_directory);
  auto error = read_wrapper_rules(files, facts->wrapper_rules);
  for (auto& server : servers) facts->servers.push_back(std::move(server.facts));
  mine.processes = std::move(facts);
  if (!table.complete) {
    return "Other users' processes are hidden (/proc is mounted with hidepid=): run the exporter "
           "in "
           "the group that gid= of that mount names";
  }
  if (unreadable) {
    return "The programs that SSH servers run cannot be read: that takes CAP_SYS_PTRACE and "
           "CAP_DAC_READ_SEARCH";
  }
  return error;
}

}  // namespace

std::unique_ptr<Collector> make_process_collector(const CollectorContext& context) {
  return std::make_unique<ProcessCollector>(context);
}

}  // namespace local
