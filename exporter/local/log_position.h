// How far the log has been read, kept in a small file so that lines written while the exporter is
// away are counted once. Hides the file's form. One thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace local {

// Of the journal: the entry read last, or, while there was none, the time to begin at.
struct JournalPosition {
  std::string cursor;
  std::uint64_t since = 0;  // microseconds of the epoch
  bool operator==(const JournalPosition&) const = default;
};

// Of a file: where the first line begins that has not been read.
struct FilePosition {
  std::string path;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;
  std::uint64_t fingerprint = 0;  // of the bytes before it
  bool operator==(const FilePosition&) const = default;
};

struct LogPosition {
  // At most one of them.
  std::optional<JournalPosition> journal;
  std::optional<FilePosition> file;
  bool operator==(const LogPosition&) const = default;
};

std::string print(const LogPosition& position);
// nullopt for anything that print() did not write.
std::optional<LogPosition> parse_log_position(std::string_view text);

class LogPositionStore {
 public:
  // An empty directory: nothing is kept.
  explicit LogPositionStore(const std::string& directory);

  // nullopt if there is none, or none that can be used.
  [[nodiscard]] std::optional<LogPosition> load() const;
  // Does nothing if it is the one kept already. The first failure is logged, all are survived.
  void save(const LogPosition& position);

 private:
  std::string path_;  // empty: nothing is kept
  LogPosition saved_;
  bool failed_ = false;
};

}  // namespace local
