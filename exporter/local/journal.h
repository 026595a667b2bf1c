// Reads what sshd, and systemd about SSH's units, wrote to the host's journal. Hides sd-journal,
// its cursors, and what the journal vouches for. sd-journal belongs to one thread: everything here
// is called by the same one. read() blocks on the disk only.
//
// Fields whose names begin with an underscore are journald's own words; everything else is said by
// the writer. Anybody can call himself sshd: only root's lines are looked at, and of those only
// sshd's own, or those that came from an SSH unit. Of a process that had ended before journald
// looked it only knows the user, and root's word is taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "local/host.h"
#include "local/log_position.h"
#include "local/log_tally.h"

struct sd_journal;

namespace local {

enum class JournalAccess : std::uint8_t { none, denied, readable };

// Whether this host has a system journal, and whether this process may read it.
JournalAccess journal_access(const Host& host);

class Journal {
 public:
  // Entries of the past that are looked at for evidence.
  static constexpr std::size_t kLookBack = 10'000;
  // Between two looks at the clock: some 2 ms.
  static constexpr std::size_t kBatch = 256;
  // sd-journal keeps what it has mapped, 64 windows of 8 MB; to open it anew after so many entries
  // (some 10 MB) gives it back, and takes a millisecond.
  static constexpr std::size_t kEntriesPerOpening = 10'000;

  // Without a position everything from now on counts.
  Journal(const Host& host, const base::Clock& clock, std::optional<JournalPosition> position);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Recalls lines of the past the first time, then counts new ones until there are no more or the
  // deadline has passed: then returns true, and the next call goes on there.
  bool read(base::SteadyTime deadline, LogTally& tally);

  // Why nothing can be read; empty if it can.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] const JournalPosition& position() const { return position_; }

 private:
  struct Close {
    void operator()(sd_journal* journal) const;
  };
  struct Entry;

  bool open();
  void seek();
  void look_back(base::SteadyTime deadline, LogTally& tally);
  enum class End : std::uint8_t { none_left, deadline, open_anew };
  End take_entries(base::SteadyTime deadline, LogTally& tally);
  [[nodiscard]] bool already_read();
  [[nodiscard]] std::uint64_t now() const;  // microseconds of the epoch
  [[nodiscard]] bool examine(LogTally& tally, Entry& entry);
  void fail(const char* what, int error);

  const Host& host_;
  const base::Clock& clock_;
  std::unique_ptr<sd_journal, Close> journal_;  // null: to be opened
  std::string machine_;                         // this host's id; empty if unknown
  std::size_t examined_ = 0;                    // entries since it was opened
  bool watched_ = false;                        // whether the journal tells of new files
  bool looked_back_ = false;
  bool resuming_ = false;  // the next entry may be the one that was read last
  bool has_position_ = false;
  JournalPosition position_;
  std::string problem_;
};

}  // namespace local
