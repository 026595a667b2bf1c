// What an SSH server's program file tells without being run: its version, the helper that it
// starts, its privilege separation directory, its libraries. Hides ELF and where such strings lie.
// Every offset is checked: the file may be anything. A BinaryCache belongs to one thread.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "local/file_identity.h"

namespace local {

struct SshBinary {
  enum class Format : std::uint8_t {
    other,   // execve(2) refuses it: ENOEXEC
    script,  // #!
    elf,
  };
  Format format = Format::other;
  std::string version;  // "OpenSSH_9.2p1 Debian-2+deb12u10"; empty if it is not said, or twice
  std::string release;  // "9.2"
  // Before OpenSSH 9.8 sshd starts itself for each connection, since then sshd-session. Absent if
  // the file is neither for sure.
  std::optional<bool> one_binary;
  std::string session_helper;          // where it looks for sshd-session; empty if it does not
  std::string auth_helper;             // where it looks for sshd-auth (from OpenSSH 10.0 on)
  std::string runtime_directory;       // of privilege separation; empty if it cannot be told
  std::vector<std::string> libraries;  // DT_NEEDED
  bool libwrap = false;                // linked with it, dynamically or not
};

SshBinary read_ssh_binary(std::string_view bytes);

// Reads a file once for as long as it stays the same: 1.4 MB and 2 ms for OpenSSH 9.2.
class BinaryCache {
 public:
  // An open file; O_PATH is not enough. Null if it cannot be read, or is too large to be an SSH
  // server. Valid until the next call.
  const SshBinary* look(const base::Fd& file);

 private:
  struct Entry {
    FileIdentity identity;
    SshBinary binary;
  };
  std::list<Entry> entries_;  // the one used last is in front
};

}  // namespace local
