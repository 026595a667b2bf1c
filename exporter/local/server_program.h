// Which SSH server this host has, and with which options it is started: from the running process,
// else from its unit, else as the distributions install it. Looks at files on the caller's thread.
#pragma once

#include <string>
#include <vector>

#include "local/host.h"
#include "model/host_facts.h"

namespace local {

struct ServerProgram {
  std::string name;                // sshd, dropbear; empty if none is installed
  std::string binary;              // its path
  std::vector<std::string> words;  // of its start, without the program
};

ServerProgram find_server(const Host& host, const model::HostFacts& known);

// sshd's options as far as they decide what it listens on and accepts.
struct SshdOptions {
  std::string file = "/etc/ssh/sshd_config";
  // To pass on to `sshd -T`: -f, -p, -o, -h, -c, -g, -4 and -6, never one that starts a daemon.
  std::vector<std::string> arguments;
  // The same as lines of a configuration, which come before those of the file.
  std::vector<std::pair<std::string, std::string>> settings;  // keyword, value; or "", whole line
  bool ports_given = false;  // with -p: Port lines of the file do not count
};

SshdOptions sshd_options(const std::vector<std::string>& words);

// A command line has a dozen words; more is not an administrator's.
constexpr std::size_t kWordLimit = 256;
constexpr std::size_t kWordLengthLimit = 4096;

}  // namespace local
