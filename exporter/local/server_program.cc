#include "local/server_program.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "local/sshd_config.h"

namespace local {

namespace {

using model::ServerProcess;
using model::UnitFacts;

constexpr std::size_t kDefaultsLimit = 64U << 10U;  // /etc/default/ssh has a few lines
constexpr std::size_t kProcessLimit = 128U << 10U;  // a command line is not longer by default

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// A program that nobody but root can replace: it will be run with our rights. What is ours is as
// good as we are.
bool is_trusted_program(const Host& host, const std::string& path) {
  const auto status = host.status(path);
  if (!status || !S_ISREG(status->st_mode)) return false;
  const auto safe = [](const struct stat& file, mode_t writers) {
    return (file.st_uid == 0 || file.st_uid == ::geteuid()) && (file.st_mode & writers) == 0;
  };
  if (!safe(*status, S_IWGRP | S_IWOTH)) return false;
  for (auto slash = path.rfind('/'); slash != 0 && slash != std::string::npos;
       slash = path.rfind('/', slash - 1)) {
    // Debian's /usr/local belongs to a group of administrators.
    const auto directory = host.status(path.substr(0, slash));
    if (!directory || !safe(*directory, S_IWOTH)) return false;
  }
  return true;
}

bool is_roots(const Host& host, const std::string& directory) {
  const auto status = host.read(directory + "/status", kProcessLimit).text;
  return status.find("\nUid:\t0\t0\t0\t0\n") != std::string::npos;
}

// Anybody can start a process that is called sshd, and name any file or program on its command
// line. Only root's are believed, on this host's root file system and not a container's.
bool is_trusted_process(const Host& host, const ServerProcess& process) {
  const auto directory = "/proc/" + std::to_string(process.pid);
  if (!is_roots(host, directory)) return false;
  const auto root = host.status(directory + "/root/");
  if (root) {
    const auto ours = host.status("/");
    if (!ours || ours->st_dev != root->st_dev || ours->st_ino != root->st_ino) return false;
  } else if (errno != EACCES || ::geteuid() == 0) {
    return false;  // without root's rights there is nothing to lose either
  }
  // The number may have passed to another process since it was listed.
  std::string words;
  for (const auto& word : process.command) words += (words.empty() ? "" : " ") + word;
  auto now = host.read(directory + "/cmdline", kProcessLimit).text;
  std::replace(now.begin(), now.end(), '\0', ' ');
  return now.find(words) != std::string::npos && is_roots(host, directory);
}

std::vector<std::string> bounded(const std::vector<std::string>& words, std::size_t from) {
  std::vector<std::string> kept;
  for (auto i = from; i < words.size() && kept.size() < kWordLimit; ++i) {
    // systemd puts nothing in the place of a variable that is not set.
    if (!words[i].empty() && words[i].size() <= kWordLengthLimit && words[i][0] != '$') {
      kept.push_back(words[i]);
    }
  }
  return kept;
}

bool names_service(const UnitFacts& unit, std::string_view name) {
  return unit.name == name ||
         std::find(unit.aliases.begin(), unit.aliases.end(), name) != unit.aliases.end();
}

bool is_main_unit(std::string_view unit) {
  return unit == "ssh.service" || unit == "sshd.service" || unit == "dropbear.service";
}

// Where the distributions install them; NixOS has its own.
std::string installed(const Host& host, const std::string& name) {
  constexpr std::array<std::string_view, 5> kDirectories{"/usr/sbin/", "/usr/bin/",
                                                         "/usr/local/sbin/", "/usr/lib/openssh/",
                                                         "/run/current-system/sw/bin/"};
  for (const auto directory : kDirectories) {
    auto path = std::string(directory) + name;
    if (is_trusted_program(host, path)) return path;
  }
  return {};
}

// Of several servers the one that a distribution's own unit runs; else the first.
const ServerProcess* find_process(const Host& host, const model::HostFacts& known,
                                  std::string_view name) {
  const ServerProcess* found = nullptr;
  if (!known.processes) return nullptr;
  for (const auto& process : known.processes->servers) {
    if (process.name != name || !is_trusted_process(host, process)) continue;
    if (is_main_unit(process.unit)) return &process;
    if (found == nullptr) found = &process;
  }
  return found;
}

const UnitFacts* find_unit(const model::HostFacts& known, const std::string& program) {
  if (!known.systemd) return nullptr;
  const auto find = [&](std::string_view name) -> const UnitFacts* {
    for (const auto& unit : known.systemd->units) {
      if (names_service(unit, name) && unit.service && !unit.service->start_command.empty()) {
        return &unit;
      }
    }
    return nullptr;
  };
  if (program == "dropbear") return find("dropbear.service");
  const auto* unit = find("ssh.service");
  return unit != nullptr ? unit : find("sshd.service");
}

bool is_wanted(const UnitFacts* unit) {
  return unit != nullptr && (unit->unit_file_state == "enabled" || unit->active_state == "active" ||
                             unit->active_state == "failed" || unit->active_state == "activating");
}

ServerProgram of_process(const Host& host, const ServerProcess& process) {
  ServerProgram server;
  server.name = process.name;
  const auto first = process.command.empty() ? std::string() : process.command.front();
  for (const auto& path : {process.executable, first}) {
    if (path.starts_with('/') && base_name(path) == process.name &&
        is_trusted_program(host, path)) {
      server.binary = path;
      break;
    }
  }
  server.words = bounded(process.command, 1);
  return server;
}

ServerProgram of_unit(const Host& host, const std::string& name, const UnitFacts& unit) {
  ServerProgram server;
  server.name = name;
  const auto& command = unit.service->start_command;
  // systemd's own marks before a path.
  const auto begin = std::min(command[0].find_first_not_of("-@:+!|"), command[0].size());
  const auto path = command[0].substr(begin);
  if (base_name(path) == name && is_trusted_program(host, path)) server.binary = path;
  server.words = bounded(command, 1);
  return server;
}

// Where no systemd tells: the variables that the start scripts read.
std::vector<std::string> words_of_defaults(const Host& host, const std::string& name) {
  struct Source {
    std::string_view program;
    const char* file;
    std::string_view variable;
    const char* option;  // before the value; null if the value is words
  };
  constexpr std::array<Source, 4> kSources{
      Source{"sshd", "/etc/default/ssh", "SSHD_OPTS", nullptr},
      Source{"sshd", "/etc/sysconfig/sshd", "OPTIONS", nullptr},
      Source{"dropbear", "/etc/default/dropbear", "DROPBEAR_PORT", "-p"},
      Source{"dropbear", "/etc/default/dropbear", "DROPBEAR_EXTRA_ARGS", nullptr}};
  std::vector<std::string> words;
  for (const auto& source : kSources) {
    if (source.program != name) continue;
    const auto text = host.read(source.file, kDefaultsLimit).text;
    std::string value;  // the last assignment counts
    for (std::size_t begin = 0; begin < text.size();) {
      const auto end = std::min(text.find('\n', begin), text.size());
      const auto line = std::string_view(text).substr(begin, end - begin);
      begin = end + 1;
      if (!line.starts_with(source.variable) ||
          !line.substr(source.variable.size()).starts_with('=')) {
        continue;
      }
      const auto quoted = split_arguments(line.substr(source.variable.size() + 1));
      value = quoted && !quoted->empty() ? quoted->front() : std::string();
    }
    const auto parts = split_arguments(value);
    if (!parts || parts->empty()) continue;
    if (source.option != nullptr) words.emplace_back(source.option);
    words.insert(words.end(), parts->begin(), parts->end());
  }
  return bounded(words, 0);
}

ServerProgram of_name(const Host& host, const model::HostFacts& known, const std::string& name) {
  ServerProgram server;
  server.name = name;
  if (const auto* process = find_process(host, known, name)) {
    server = of_process(host, *process);
  } else if (const auto* unit = find_unit(known, name)) {
    server = of_unit(host, name, *unit);
  } else {
    server.words = words_of_defaults(host, name);
  }
  if (server.binary.empty()) server.binary = installed(host, name);
  if (server.binary.empty()) return {};
  return server;
}

}  // namespace

ServerProgram find_server(const Host& host, const model::HostFacts& known) {
  const bool dropbear_runs = find_process(host, known, "dropbear") != nullptr;
  const bool dropbear_wanted = dropbear_runs || is_wanted(find_unit(known, "dropbear"));
  const bool sshd_wanted =
      find_process(host, known, "sshd") != nullptr || is_wanted(find_unit(known, "sshd"));
  // Where both are installed, sshd unless only the other one is in use.
  const bool dropbear_first = dropbear_wanted && !sshd_wanted;
  auto server = of_name(host, known, dropbear_first ? "dropbear" : "sshd");
  if (!server.binary.empty()) return server;
  if (dropbear_first) return of_name(host, known, "sshd");
  // Where systemd has no unit of dropbear, its program is there for other purposes.
  const auto is_socket = [](const UnitFacts& unit) { return unit.name == "dropbear.socket"; };
  const bool dropbear_serves =
      dropbear_runs || !known.systemd || find_unit(known, "dropbear") != nullptr ||
      std::any_of(known.systemd->units.begin(), known.systemd->units.end(), is_socket);
  return dropbear_serves ? of_name(host, known, "dropbear") : ServerProgram{};
}

SshdOptions sshd_options(const std::vector<std::string>& words) {
  // sshd.c, getopt(3): these have an argument.
  constexpr std::string_view kWithArgument = "CEbcfghkopu";
  SshdOptions options;
  const auto take = [&](char letter, const std::string& value) {
    switch (letter) {
      case 'f':
        options.file = value;
        break;
      case 'p':
        options.ports_given = true;
        options.settings.emplace_back("port", value);
        break;
      case 'o':
        options.settings.emplace_back("", value);
        break;
      case 'h':
        options.settings.emplace_back("hostkey", value);
        break;
      case 'g':
        options.settings.emplace_back("logingracetime", value);
        break;
      case 'c':
        break;
      default:
        return;
    }
    options.arguments.push_back(std::string("-") + letter);
    options.arguments.push_back(value);
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    // sshd takes no operands: getopt stops at the first.
    if (word.size() < 2 || word[0] != '-' || word == "--") break;
    for (std::size_t j = 1; j < word.size(); ++j) {
      const char letter = word[j];
      if (letter == '4' || letter == '6') {
        options.settings.emplace_back("addressfamily", letter == '4' ? "inet" : "inet6");
        options.arguments.push_back(std::string("-") + letter);
      }
      if (kWithArgument.find(letter) == std::string_view::npos) continue;
      if (j + 1 < word.size()) {
        take(letter, word.substr(j + 1));
      } else if (i + 1 < words.size()) {
        take(letter, words[++i]);
      }
      break;
    }
  }
  return options;
}

}  // namespace local
