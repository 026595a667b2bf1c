#include "local/log_position.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdio>
#include <system_error>

#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"

namespace local {

namespace {

constexpr std::string_view kTitle = "ssh_refusal_exporter log position 1";
constexpr std::string_view kFileName = "log_position";
// A cursor has some 130 bytes, a path at most PATH_MAX.
constexpr std::size_t kFileLimit = PATH_MAX + 1024;
constexpr std::size_t kCursorLimit = 512;

std::string_view take_whole_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  if (end == std::string_view::npos) return {};
  const auto line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

// The value of a line `name=value`, which must come next.
std::optional<std::string_view> take_value(std::string_view& rest, std::string_view name) {
  auto line = take_whole_line(rest);
  if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != '=') {
    return std::nullopt;
  }
  line.remove_prefix(name.size() + 1);
  return line;
}

bool take_number(std::string_view& rest, std::string_view name, std::uint64_t& number) {
  const auto text = take_value(rest, name);
  const auto value = text ? base::parse_integer<std::uint64_t>(*text) : std::nullopt;
  if (value) number = *value;
  return value.has_value();
}

bool plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::optional<JournalPosition> take_journal(std::string_view& rest) {
  JournalPosition journal;
  const auto cursor = take_value(rest, "cursor");
  if (!cursor || cursor->size() > kCursorLimit || !plain(*cursor)) return std::nullopt;
  journal.cursor = *cursor;
  if (!take_number(rest, "since", journal.since)) return std::nullopt;
  return journal;
}

std::optional<FilePosition> take_file(std::string_view& rest) {
  FilePosition file;
  const auto path = take_value(rest, "path");
  if (!path || !path->starts_with('/') || path->find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  file.path = *path;
  if (!take_number(rest, "device", file.device) || !take_number(rest, "inode", file.inode) ||
      !take_number(rest, "offset", file.offset) ||
      !take_number(rest, "fingerprint", file.fingerprint)) {
    return std::nullopt;
  }
  constexpr auto kOffsetLimit = static_cast<std::uint64_t>(LLONG_MAX);  // off_t
  if (file.offset > kOffsetLimit) return std::nullopt;
  return file;
}

std::string read_file(const std::string& path, std::size_t limit) {
  const base::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  std::string text;
  if (!file.valid()) return text;
  std::array<char, 1024> buffer;
  while (text.size() < limit) {
    const auto count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

// All of it, or errno.
int write_file(const std::string& path, std::string_view text) {
  constexpr mode_t kMode = 0600;
  const base::Fd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kMode));
  if (!file.valid()) return errno;
  while (!text.empty()) {
    const auto count = ::write(file.get(), text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return 0;
}

}  // namespace

std::string print(const LogPosition& position) {
  std::string text(kTitle);
  text += '\n';
  if (const auto& journal = position.journal) {
    text += "cursor=" + journal->cursor + "\nsince=" + std::to_string(journal->since) + "\n";
  }
  if (const auto& file = position.file) {
    text += "path=" + file->path + "\ndevice=" + std::to_string(file->device) +
            "\ninode=" + std::to_string(file->inode) + "\noffset=" + std::to_string(file->offset) +
            "\nfingerprint=" + std::to_string(file->fingerprint) + "\n";
  }
  return text;
}

std::optional<LogPosition> parse_log_position(std::string_view text) {
  if (take_whole_line(text) != kTitle) return std::nullopt;
  LogPosition position;
  if (text.starts_with("cursor=")) {
    position.journal = take_journal(text);
  } else {
    position.file = take_file(text);
  }
  if (!text.empty() || (!position.journal && !position.file)) return std::nullopt;
  return position;
}

LogPositionStore::LogPositionStore(const std::string& directory) {
  if (!directory.empty()) path_ = directory + "/" + std::string(kFileName);
}

std::optional<LogPosition> LogPositionStore::load() const {
  if (path_.empty()) return std::nullopt;
  const auto text = read_file(path_, kFileLimit);
  if (text.empty()) return std::nullopt;
  auto position = parse_log_position(text);
  if (!position) {
    base::log::warn("the kept log position cannot be understood; starting anew at the log's end",
                    {{"file", path_}});
  }
  return position;
}

void LogPositionStore::save(const LogPosition& position) {
  if (path_.empty() || position == saved_) return;
  // Renaming replaces the old position at once and whole.
  const auto fresh = path_ + ".new";
  auto error = write_file(fresh, print(position));
  if (error == 0 && ::rename(fresh.c_str(), path_.c_str()) != 0) error = errno;
  if (error == 0) {
    saved_ = position;
    failed_ = false;
    return;
  }
  if (failed_) return;
  failed_ = true;
  base::log::warn(
      "the log position cannot be kept; lines logged while the exporter is away will "
      "not be counted",
      {{"file", path_}, {"error", std::generic_category().message(error)}});
}

}  // namespace local
