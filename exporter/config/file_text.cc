#include "config/file_text.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/fd.h"
#include "config/limits.h"

namespace config {

base::Result<std::string> read_text(const std::filesystem::path& file) {
  constexpr std::size_t kStep = 1U << 16U;
  auto wrong = [&](const std::string& what) { return base::Error{file.string() + ": " + what}; };
  auto refused = [&] { return wrong(std::generic_category().message(errno)); };
  base::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return refused();
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return refused();
  // A character device is /dev/null, an empty file.
  if (!S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode)) return wrong("is not a file");
  std::string text;
  text.reserve(std::min(static_cast<std::size_t>(status.st_size), kFileBytesLimit) + kStep);
  ssize_t count = 0;
  do {
    const auto filled = text.size();
    text.resize(filled + kStep);
    count = ::read(fd.get(), text.data() + filled, kStep);
    if (count < 0) return refused();
    text.resize(filled + static_cast<std::size_t>(count));
    if (text.size() > kFileBytesLimit) {
      return wrong("is larger than " + std::to_string(kFileBytesLimit >> 20U) + " MiB");
    }
  } while (count > 0);
  return text;
}

}  // namespace config
