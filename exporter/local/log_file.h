// Follows the first of some log files through whatever log rotation does to it. Hides renaming,
// truncation, half-written lines and where to go on after a restart. One thread at a time; read()
// blocks on the disk only.
//
// A file is recognised by its inode and by a fingerprint of the bytes before the position: inodes
// are used again, and a copy has another one.
#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "local/host.h"
#include "local/log_position.h"

namespace local {

class LogFile {
 public:
  // Of the past, as evidence: some 8,000 lines.
  static constexpr std::uint64_t kLookBack = 1U << 20U;
  // Longer lines are skipped: rsyslog's default limit is 8 KB.
  static constexpr std::size_t kLineLimit = 1U << 16U;
  // Read at once: at most one is read after the deadline.
  static constexpr std::size_t kChunk = 1U << 18U;
  // Rotated files to look at, the newest first: logrotate keeps 4 for most.
  static constexpr std::size_t kRotatedLimit = 16;

  // Whether a line is new, or was there before `position` or before the start.
  enum class Age : std::uint8_t { fresh, past };
  using Take = std::function<void(std::string_view line, Age age)>;

  // `paths`: by preference. `position`: from where all lines count; without it from the file's end
  // at the first read() that finds one, or from its beginning if an earlier read() found none.
  LogFile(const Host& host, std::vector<std::string> paths, std::optional<FilePosition> position);

  // Calls `take` with complete lines, without their ends, until there are no more or the deadline
  // has passed: then returns true, and the next call goes on there.
  bool read(const base::Clock& clock, base::SteadyTime deadline, const Take& take);

  // The followed file; empty if none could be opened so far.
  [[nodiscard]] std::string path() const { return fd_.valid() ? path_ : std::string(); }
  // Why nothing can be read; empty if it can.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] std::optional<FilePosition> position() const;

 private:
  struct Opened {
    base::Fd fd;
    struct stat status {};
  };

  void open_first();
  [[nodiscard]] std::optional<Opened> open_live(const std::string& path);
  [[nodiscard]] std::vector<Opened> open_rotated() const;
  [[nodiscard]] std::optional<Opened> locate(const FilePosition& position, bool live_too);
  [[nodiscard]] std::optional<Opened> next_file();
  void start(Opened file, std::uint64_t position);
  void recover_from_truncation();
  bool read_to_end(const base::Clock& clock, base::SteadyTime deadline, const Take& take);
  void take_lines(const Take& take);
  void skip_hole();
  // Where to go on after a restart.
  [[nodiscard]] std::uint64_t mark() const { return std::max(line_start_, fresh_from_); }

  const Host& host_;
  std::vector<std::string> paths_;
  std::optional<FilePosition> resume_;
  bool found_none_ = false;

  std::string path_;  // of the file that is written to; fd_ may be one that it was rotated to
  std::string problem_;
  base::Fd fd_;
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
  std::uint64_t line_start_ = 0;   // of the first line that was not taken
  std::uint64_t read_ = 0;         // up to where bytes were read
  std::uint64_t fresh_from_ = 0;   // lines that end here or later are fresh
  std::uint64_t fingerprint_ = 0;  // of the bytes before mark()
  bool skipping_ = false;          // until the next line end
  std::string pending_;            // the bytes from line_start_ to read_; empty while skipping
};

}  // namespace local
