// What Linux tells of a process in /proc/PID, as values: hides the layout of those files. The
// parsers are pure; every file is taken to be cut anywhere, and a name to hold anything.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "local/host.h"

namespace local {

struct ProcessStat {
  std::string name;  // at most 15 bytes, as the process chose it
  char state = '?';
  pid_t parent = 0;
  std::uint64_t start_ticks = 0;  // since boot; with the pid it names a process for good
};
std::optional<ProcessStat> parse_process_stat(std::string_view text);

// Whether /proc/PID/status says that all of real, effective, saved and file-system user are root.
bool is_roots(std::string_view status);

// The soft limit of /proc/PID/limits; the greatest number for "unlimited", 0 if there is none.
std::uint64_t parse_open_files_limit(std::string_view limits);

// The systemd unit of /proc/PID/cgroup, of either hierarchy: the outermost one that is no slice,
// which is the one that this host's manager knows. Empty if there is none, or if the path leads out
// of the reader's own control group namespace.
std::string unit_of_cgroup(std::string_view cgroup);

// When this kernel booted. "btime" of /proc/stat is rounded to a second: too coarse to tell whether
// a line of the log was written before a process started.
base::WallTime boot_time(const base::Clock& clock);

// Inodes of listening TCP sockets in /proc/PID/net/tcp or tcp6. The kernel lists them first, so
// that the beginning of the file is enough.
std::vector<std::uint64_t> parse_listening_inodes(std::string_view table);

// Directories of the shared libraries in /proc/PID/maps, each once.
std::vector<std::string> parse_library_directories(std::string_view maps);

// Where this host's procfs shows a process's root directory; a Host made of it sees files as the
// process does.
std::string root_of_process(const Host& host, pid_t pid);

}  // namespace local
