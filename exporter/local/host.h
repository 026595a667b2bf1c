// The one door to the host: its files below a root that can be moved, and its programs. Everything
// here blocks; each call belongs to the thread that makes it, and one Host serves many threads.
//
// Paths are the host's own ("/etc/ssh/sshd_config"). Symbolic links are followed inside the root.
// Paths below /proc mean the procfs that is mounted there, or this process's own if none is.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"

namespace local {

struct FileText {
  std::string text;
  int error = 0;  // errno; 0: read
  bool truncated = false;
};

struct ProgramRun {
  std::vector<std::string> argv;  // argv[0] is the program's path on the host
  base::Duration deadline = std::chrono::seconds(5);
};

struct ProgramEnd {
  int error = 0;           // errno if it could not be started
  bool timed_out = false;  // it was killed, with its whole process group
  int exit_status = -1;    // -1 if a signal ended it
  int signal = 0;
  std::string out;  // at most kProgramOutputLimit bytes each
  std::string err;
};

class Host {
 public:
  // sshd -T prints some 6 KB; a configuration of 10,000 lines may print them all.
  static constexpr std::size_t kProgramOutputLimit = 1U << 20U;

  explicit Host(std::filesystem::path root = "/");
  virtual ~Host() = default;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  [[nodiscard]] bool moved() const { return root_ != "/"; }

  // At most `limit` bytes. Never waits for a writer of a FIFO.
  [[nodiscard]] FileText read(const std::string& path, std::size_t limit = 1U << 20U) const;
  // Invalid, with errno set, if it cannot be opened. `flags` as for open(2); O_CLOEXEC is added.
  [[nodiscard]] base::Fd open(const std::string& path, int flags) const;
  // nullopt, with errno set, if there is none or it may not be seen. Follows links.
  [[nodiscard]] std::optional<struct stat> status(const std::string& path) const;
  // The names in a directory, sorted, without . and ..; empty, with errno set, if it cannot be
  // read.
  [[nodiscard]] std::vector<std::string> list(const std::string& path) const;
  // A link's text, unresolved; empty, with errno set, if it cannot be read.
  [[nodiscard]] std::string link(const std::string& path) const;

  // Runs a program of the host to its end, inside the root: no shell, no input, an empty
  // environment but for PATH and LC_ALL=C, a process group of its own.
  [[nodiscard]] virtual ProgramEnd run(const ProgramRun& program) const;

 private:
  std::filesystem::path root_;
  base::Fd root_fd_;
  bool has_proc_ = false;
};

}  // namespace local
