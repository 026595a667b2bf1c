// The log: the journal where there is one, else the file that a syslog daemon writes. The tally is
// the same for both; the position is kept after every round.

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "local/collector.h"
#include "local/journal.h"
#include "local/log_file.h"
#include "local/log_position.h"
#include "local/log_tally.h"
#include "local/syslog_line.h"

namespace local {

namespace {

// A round ends before the collector's deadline, 5 s, even if the disk is slow for its last chunk.
constexpr base::Duration kRoundTime = std::chrono::seconds(3);

// Debian's, Red Hat's, and that of BusyBox and others.
const std::vector<std::string>& log_files() {
  static const std::vector<std::string> kLogFiles{"/var/log/auth.log", "/var/log/secure",
                                                  "/var/log/messages"};
  return kLogFiles;
}

// Turns lines of a file into events. Nobody vouches for a file's lines: any user can write some.
class FileLines {
 public:
  FileLines(LogTally& tally, base::WallTime now) : tally_(tally), now_(now) {}

  void take(std::string_view text, LogFile::Age age) {
    const auto line = parse_syslog_line(text);
    if (!line) return;
    const auto writer = log_writer(line->ident);
    if (!writer || (*writer == LogWriter::systemd && line->pid != "1")) return;
    const auto event = tally_.find(*writer, line->message);
    if (!event) return;
    const auto time = time_of(line->stamp);
    if (!time) return;
    SeenLine seen{*time, line->message, {}, false};
    if (*writer == LogWriter::systemd) {
      seen.unit = line->message.substr(0, line->message.find(':'));
    }
    if (age == LogFile::Age::fresh) {
      tally_.count(*event, seen);
    } else {
      tally_.recall(*event, seen);
    }
  }

 private:
  // Lines of the same second have the same stamp, and mktime(3) takes longer than all the rest.
  std::optional<base::WallTime> time_of(std::string_view stamp) {
    if (stamp == stamp_) return time_;
    stamp_ = stamp;
    time_ = parse_syslog_stamp(stamp, now_);
    // Clocks and zones differ, but what has been read has been written.
    if (time_ && *time_ > now_) time_ = now_;
    return time_;
  }

  LogTally& tally_;
  base::WallTime now_;
  std::string stamp_;
  std::optional<base::WallTime> time_;
};

class LogCollector final : public Collector {
 public:
  explicit LogCollector(const CollectorContext& context)
      : host_(context.host), clock_(context.clock), store_(context.state_directory) {}

  std::string collect(const model::HostFacts& /*known*/, model::HostFacts& mine) override {
    if (!loaded_) {
      loaded_ = true;
      resume_ = store_.load();
    }
    const auto deadline = clock_.steady() + kRoundTime;
    choose();
    auto problem = journal_ ? read_journal(deadline, mine) : read_file(deadline, mine);
    return problem;
  }

 private:
  // A journal is kept to once it is chosen, and so is a file that has been opened: to read both
  // would count lines twice.
  void choose() {
    if (journal_ || (file_ && !file_->path().empty())) return;
    denied_ = false;
    switch (journal_access(host_)) {
      case JournalAccess::readable:
        journal_ = std::make_unique<Journal>(
            host_, clock_, resume_ ? resume_->journal : std::optional<JournalPosition>());
        file_.reset();
        return;
      case JournalAccess::denied:
        denied_ = true;
        break;
      case JournalAccess::none:
        break;
    }
    if (file_) return;
    file_ = std::make_unique<LogFile>(host_, log_files(),
                                      resume_ ? resume_->file : std::optional<FilePosition>());
  }

  std::string read_journal(base::SteadyTime deadline, model::HostFacts& mine) {
    journal_->read(deadline, tally_);
    if (!journal_->problem().empty()) return journal_->problem();
    mine.log = tally_.facts("journal");
    store_.save({journal_->position(), std::nullopt});
    return {};
  }

  std::string read_file(base::SteadyTime deadline, model::HostFacts& mine) {
    FileLines lines(tally_, clock_.wall());
    file_->read(clock_, deadline,
                [&](std::string_view line, LogFile::Age age) { lines.take(line, age); });
    const std::string may_not =
        "the journal may not be read (group systemd-journal or adm is needed)";
    if (file_->path().empty()) {
      return (denied_ ? may_not : "there is no journal that may be read") + ", and " +
             (file_->problem().starts_with("none of") ? "there is " : "") + file_->problem();
    }
    mine.log = tally_.facts(file_->path());
    if (const auto position = file_->position()) store_.save({std::nullopt, position});
    if (!file_->problem().empty()) return file_->problem();
    return denied_ ? may_not + "; following " + file_->path() + " instead" : std::string();
  }

  const Host& host_;
  const base::Clock& clock_;
  LogPositionStore store_;
  bool loaded_ = false;
  std::optional<LogPosition> resume_;
  bool denied_ = false;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<LogFile> file_;
  LogTally tally_;
};

}  // namespace

std::unique_ptr<Collector> make_log_collector(const CollectorContext& context) {
  return std::make_unique<LogCollector>(context);
}

}  // namespace local
