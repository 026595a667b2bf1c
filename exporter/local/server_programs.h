// Whether what a running SSH server needs of the file system for its next connection is still
// there. Hides the two ways in which OpenSSH starts its children, and what was measured of each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "local/host.h"
#include "local/ssh_binary.h"

namespace local {

struct RunningServer {
  const Host& files;                 // as the server sees them
  base::Fd executable;               // what it runs; invalid if that may not be read
  std::vector<std::string> command;  // empty if unknown
  std::string path;                  // of its program: by its command, else by the kernel
  std::vector<std::string> library_directories;
};

struct ServerPrograms {
  bool replaced = false;  // another file is at `path`
  bool one_binary = true;
  std::optional<bool> can_start_children;
  std::string missing_helper;
  std::optional<bool> libwrap;
  std::string runtime_directory;  // empty if it cannot be told
};

// Measured with OpenSSH 9.2 and 10.0 of Debian on connections to a running server:
//   before 9.8, sshd's own file is       removed, a directory, not executable or no program at all:
//                                        works, the running image serves the connection itself
//                                        of 9.8 or later: closed at once ("-R not supported here")
//                                        cut off, or without its libraries: closed at once
//   from 9.8 on, sshd's own file is      anything: works
//                sshd-session is         removed, not executable, no program: closed at once
//                sshd-auth (from 10.0)   is so: closed after the identification
ServerPrograms inspect_programs(const RunningServer& server, BinaryCache& cache);

}  // namespace local
