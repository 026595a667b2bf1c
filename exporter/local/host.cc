#include "local/host.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <utility>

#include "local/program.h"

namespace local {

namespace {

// Links, also absolute ones, are resolved as if the root were /: a link of the host's must not lead
// into this container.
int open_below(int root, const char* path, int flags) {
  open_how how{};
  // openat2(2) refuses O_PATH together with flags that would mean nothing.
  const int meaningful = (flags & O_PATH) != 0 ? O_CLOEXEC : O_CLOEXEC | O_NOCTTY;
  how.flags = static_cast<std::uint64_t>(flags | meaningful);
  how.resolve = RESOLVE_IN_ROOT;
  return static_cast<int>(::syscall(SYS_openat2, root, path, &how, sizeof how));
}

bool is_of_proc(const std::string& path) { return path == "/proc" || path.starts_with("/proc/"); }

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

Host::Host(std::filesystem::path root) : root_(std::move(root)) {
  root_fd_ = base::Fd(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  has_proc_ = !moved() || ::access((root_ / "proc/1/stat").c_str(), F_OK) == 0;
}

base::Fd Host::open(const std::string& path, int flags) const {
  // /proc has links that only the kernel can follow, such as /proc/PID/exe.
  if (!moved() || is_of_proc(path)) {
    const auto whole = moved() && has_proc_ ? root_.string() + path : path;
    return base::Fd(::open(whole.c_str(), flags | O_CLOEXEC | O_NOCTTY));
  }
  return base::Fd(open_below(root_fd_.get(), path.c_str(), flags));
}

FileText Host::read(const std::string& path, std::size_t limit) const {
  FileText result;
  const auto file = open(path, O_RDONLY | O_NONBLOCK);
  if (!file.valid()) {
    result.error = errno;
    return result;
  }
  std::array<char, 16384> buffer;
  while (true) {
    const auto count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) result.error = errno;
    if (count <= 0) return result;
    const auto room = limit - result.text.size();
    result.text.append(buffer.data(), std::min(room, static_cast<std::size_t>(count)));
    if (static_cast<std::size_t>(count) > room) {
      result.truncated = true;
      return result;
    }
  }
}

std::optional<struct stat> Host::status(const std::string& path) const {
  const auto file = open(path, O_PATH);
  struct stat status {};
  if (!file.valid() || ::fstat(file.get(), &status) != 0) return std::nullopt;
  return status;
}

std::vector<std::string> Host::list(const std::string& path) const {
  std::vector<std::string> names;
  auto file = open(path, O_RDONLY | O_DIRECTORY);
  if (!file.valid()) return names;
  // The stream owns a descriptor of its own.
  const std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(::dup(file.get())));
  if (!directory) return names;
  errno = 0;
  while (const auto* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string Host::link(const std::string& path) const {
  std::array<char, PATH_MAX> buffer;
  ssize_t size = -1;
  if (!moved() || is_of_proc(path)) {
    const auto whole = moved() && has_proc_ ? root_.string() + path : path;
    size = ::readlink(whole.c_str(), buffer.data(), buffer.size());
  } else if (const auto file = open(path, O_PATH | O_NOFOLLOW); file.valid()) {
    size = ::readlinkat(file.get(), "", buffer.data(), buffer.size());
  }
  return size < 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(size));
}

ProgramEnd Host::run(const ProgramRun& program) const {
  return run_program(program, moved() ? root_.string() : std::string());
}

}  // namespace local
