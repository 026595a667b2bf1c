// The SSH servers' processes of this host, each looked at once, and what each of them is. Hides how
// /proc is searched at little cost, and what makes a process one of the host's own:
//   its name is an SSH server's, which anybody's may be: it also has to be root's through and
//   through, its program's file has to be an SSH server's, and it has to be in the network
//   namespace of the host (of process 1 below a moved root, else the exporter's own).
// So a user's own sshd on a high port is no server of the host: its options and files are its
// user's, and must never be acted upon as root. Nor is one in a container with a network of its
// own.
#pragma once

#include <string>
#include <vector>

#include "local/host.h"
#include "local/proc.h"
#include "local/sshd_title.h"

namespace local {

struct SshProcess {
  pid_t pid = 0;
  ProcessStat stat;
  bool roots = false;      // counts as one of the host's own; else it matters as a child only
  std::string executable;  // as the kernel gives it; empty if it may not be read
  SshdTitle title;
};

struct ProcessTable {
  std::vector<SshProcess> processes;  // by pid
  bool complete = true;               // false if other users' processes are hidden
  std::string error;                  // if /proc cannot be read at all

  [[nodiscard]] const SshProcess* find(pid_t pid) const;
};

ProcessTable read_process_table(const Host& host);

// Those of them that listen for connections.
std::vector<const SshProcess*> find_servers(const Host& host, const ProcessTable& table);

// Connections to OpenSSH, by whether somebody is logged in. Of other servers it cannot be told.
struct Connections {
  std::uint32_t authenticated = 0;
  std::uint32_t unauthenticated = 0;
};
Connections count_connections(const ProcessTable& table,
                              const std::vector<const SshProcess*>& servers);

}  // namespace local
