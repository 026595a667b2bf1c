#include "local/log_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <tuple>
#include <utility>

#include "base/log.h"
#include "base/text.h"

namespace local {

namespace {

// Of the bytes before a position: some two or three lines, which no two logs share with their
// stamps.
constexpr std::size_t kFingerprinted = 256;

// As many bytes as there are, at most `size`; negative for an error.
ssize_t read_at(int fd, char* data, std::size_t size, std::uint64_t offset) {
  while (true) {
    const auto count = ::pread(fd, data, size, static_cast<off_t>(offset));
    if (count >= 0 || errno != EINTR) return count;
  }
}

// FNV-1a. Nobody gains by forging it: who can write the log can write any line.
std::uint64_t fingerprint_before(int fd, std::uint64_t position) {
  std::array<char, kFingerprinted> bytes;
  const auto size = std::min<std::uint64_t>(position, bytes.size());
  const auto count = read_at(fd, bytes.data(), size, position - size);
  std::uint64_t hash = 14695981039346656037U;
  for (ssize_t i = 0; i < count; ++i) {
    hash = (hash ^ static_cast<std::uint8_t>(bytes[static_cast<std::size_t>(i)])) * 1099511628211U;
  }
  return hash;
}

auto modified(const struct stat& status) {
  return std::make_tuple(status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

std::uint64_t size_of(const struct stat& status) {
  return static_cast<std::uint64_t>(status.st_size);
}

bool compressed(std::string_view name) {
  constexpr std::array<std::string_view, 5> kEnds{".gz", ".xz", ".bz2", ".zst", ".lz4"};
  return std::any_of(kEnds.begin(), kEnds.end(),
                     [&](std::string_view end) { return name.ends_with(end); });
}

}  // namespace

LogFile::LogFile(const Host& host, std::vector<std::string> paths,
                 std::optional<FilePosition> position)
    : host_(host), paths_(std::move(paths)), resume_(std::move(position)) {
  pending_.reserve(kChunk + kLineLimit);
}

std::optional<FilePosition> LogFile::position() const {
  if (!fd_.valid()) return resume_;
  return FilePosition{path_, device_, inode_, mark(), fingerprint_};
}

std::optional<LogFile::Opened> LogFile::open_live(const std::string& path) {
  // O_NONBLOCK: the name may be that of a FIFO.
  Opened file{host_.open(path, O_RDONLY | O_NONBLOCK)};
  if (!file.fd.valid() || ::fstat(file.fd.get(), &file.status) != 0) {
    if (errno != ENOENT) problem_ = path + ": " + std::generic_category().message(errno);
    return std::nullopt;
  }
  if (!S_ISREG(file.status.st_mode)) {
    problem_ = path + " is not a regular file";
    return std::nullopt;
  }
  problem_.clear();
  return file;
}

// What logrotate made of path_ (auth.log.1, auth.log-20261125), the last written first.
std::vector<LogFile::Opened> LogFile::open_rotated() const {
  const auto slash = path_.rfind('/');
  const auto directory = path_.substr(0, slash + 1);
  const auto name = path_.substr(slash + 1);
  std::vector<std::pair<struct stat, std::string>> found;
  for (const auto& entry : host_.list(directory)) {
    if (!entry.starts_with(name + ".") && !entry.starts_with(name + "-")) continue;
    if (compressed(entry)) continue;
    const auto status = host_.status(directory + entry);
    if (status && S_ISREG(status->st_mode)) found.emplace_back(*status, directory + entry);
  }
  std::sort(found.begin(), found.end(), [](const auto& left, const auto& right) {
    return modified(left.first) > modified(right.first);
  });
  std::vector<Opened> files;
  for (const auto& [status, path] : found) {
    if (files.size() == kRotatedLimit) break;
    Opened file{host_.open(path, O_RDONLY | O_NONBLOCK)};
    if (file.fd.valid() && ::fstat(file.fd.get(), &file.status) == 0) {
      files.push_back(std::move(file));
    }
  }
  return files;
}

// The file that holds this position, under whatever name it has now.
std::optional<LogFile::Opened> LogFile::locate(const FilePosition& position, bool live_too) {
  std::vector<Opened> files;
  if (live_too) {
    if (auto live = open_live(position.path)) files.push_back(std::move(*live));
  }
  for (auto& file : open_rotated()) files.push_back(std::move(file));
  // The file itself, then a copy of it.
  for (const auto copy : {false, true}) {
    for (auto& file : files) {
      const auto itself =
          file.status.st_ino == position.inode && file.status.st_dev == position.device;
      if (copy ? position.offset == 0 : !itself) continue;
      if (size_of(file.status) < position.offset) continue;
      if (fingerprint_before(file.fd.get(), position.offset) != position.fingerprint) continue;
      return std::move(file);
    }
  }
  return std::nullopt;
}

void LogFile::open_first() {
  if (resume_ && std::find(paths_.begin(), paths_.end(), resume_->path) != paths_.end()) {
    path_ = resume_->path;
    problem_.clear();
    if (auto file = locate(*resume_, true)) {
      start(std::move(*file), resume_->offset);
      resume_.reset();
      return;
    }
    if (auto live = open_live(path_)) {
      base::log::info("the kept log position is gone; going on at the file's beginning",
                      {{"file", path_}});
      start(std::move(*live), 0);
      resume_.reset();
      return;
    }
    if (!problem_.empty()) return;
  }
  resume_.reset();
  for (const auto& path : paths_) {
    problem_.clear();
    if (auto file = open_live(path)) {
      path_ = path;
      const auto size = size_of(file->status);
      start(std::move(*file), found_none_ ? 0 : size);
      return;
    }
    if (!problem_.empty()) return;
  }
  found_none_ = true;
  problem_ = "none of";
  for (const auto& path : paths_) problem_ += (path == paths_.front() ? " " : ", ") + path;
}

void LogFile::start(Opened file, std::uint64_t position) {
  fd_ = std::move(file.fd);
  device_ = file.status.st_dev;
  inode_ = file.status.st_ino;
  fresh_from_ = position;
  // One byte more: a line end there shows that the look back begins with a whole line.
  const auto begin = position > kLookBack ? position - kLookBack - 1 : 0;
  line_start_ = begin;
  read_ = begin;
  skipping_ = begin > 0;
  pending_.clear();
  fingerprint_ = fingerprint_before(fd_.get(), mark());
}

// copytruncate: what was not read yet is in the copy, if anywhere.
void LogFile::recover_from_truncation() {
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0) return;
  if (size_of(status) >= std::max(mark(), read_) &&
      fingerprint_before(fd_.get(), mark()) == fingerprint_) {
    return;
  }
  const auto position = this->position();
  if (position->offset > 0) {
    if (auto copy = locate(*position, false)) {
      start(std::move(*copy), position->offset);
      return;
    }
  }
  if (auto live = open_live(path_)) start(std::move(*live), 0);
}

// What was written after the file in hand, if that is final.
std::optional<LogFile::Opened> LogFile::next_file() {
  for (const auto& path : paths_) {
    if (path == path_) break;
    // It did not exist when this one was chosen.
    if (!host_.status(path)) continue;
    if (auto file = open_live(path)) {
      path_ = path;
      return file;
    }
  }
  auto live = open_live(path_);
  if (live && live->status.st_ino == inode_ && live->status.st_dev == device_) return std::nullopt;
  struct stat current {};
  if (::fstat(fd_.get(), &current) != 0) return std::nullopt;
  auto rotated = open_rotated();
  // The oldest of the newer ones: several rotations may have passed.
  std::reverse(rotated.begin(), rotated.end());
  for (auto& file : rotated) {
    const auto itself = file.status.st_ino == inode_ && file.status.st_dev == device_;
    if (!itself && modified(file.status) > modified(current)) return std::move(file);
  }
  // The writer goes on in the old file until it has opened the new one, and then writes there.
  if (live && live->status.st_size > 0) return live;
  return std::nullopt;
}

bool LogFile::read(const base::Clock& clock, base::SteadyTime deadline, const Take& take) {
  if (!fd_.valid()) open_first();
  if (!fd_.valid()) return false;
  recover_from_truncation();
  while (true) {
    if (read_to_end(clock, deadline, take)) return true;
    auto next = next_file();
    if (!next) return false;
    // What came between the end and the next file's first line.
    if (read_to_end(clock, deadline, take)) return true;
    start(std::move(*next), 0);
  }
}

bool LogFile::read_to_end(const base::Clock& clock, base::SteadyTime deadline, const Take& take) {
  const auto before = mark();
  bool more = false;
  while (true) {
    const auto kept = pending_.size();
    pending_.resize(kept + kChunk);
    const auto count = read_at(fd_.get(), pending_.data() + kept, kChunk, read_);
    pending_.resize(kept + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0) problem_ = path_ + ": " + std::generic_category().message(errno);
    if (count <= 0) break;
    read_ += static_cast<std::uint64_t>(count);
    const auto hole = kept == 0 && pending_.front() == '\0';
    take_lines(take);
    if (hole) skip_hole();
    if (clock.steady() >= deadline) {
      more = true;
      break;
    }
  }
  if (mark() != before) fingerprint_ = fingerprint_before(fd_.get(), mark());
  return more;
}

void LogFile::take_lines(const Take& take) {
  std::string_view rest = pending_;
  while (true) {
    if (!skipping_) {
      // Zeros stand where a crash lost what was written, or where copytruncate took the beginning
      // away from a writer that does not append.
      const auto zeros = std::min(rest.find_first_not_of('\0'), rest.size());
      rest.remove_prefix(zeros);
      line_start_ = read_ - rest.size();
    }
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) break;
    if (!skipping_) {
      const auto fresh = read_ - rest.size() + end >= fresh_from_;
      take(rest.substr(0, end), fresh ? Age::fresh : Age::past);
    }
    skipping_ = false;
    rest.remove_prefix(end + 1);
    line_start_ = read_ - rest.size();
  }
  if (rest.size() > kLineLimit) skipping_ = true;
  if (skipping_) rest = {};
  pending_.erase(0, pending_.size() - rest.size());
}

// Gigabytes of zeros that take no room on the disk need no reading either.
void LogFile::skip_hole() {
  if (!pending_.empty()) return;
  const auto data = ::lseek(fd_.get(), static_cast<off_t>(read_), SEEK_DATA);
  if (data < 0 || static_cast<std::uint64_t>(data) <= read_) return;
  read_ = static_cast<std::uint64_t>(data);
  if (!skipping_) line_start_ = read_;
}

}  // namespace local
