#include "local/journal.h"

#include <fcntl.h>
#include <systemd/sd-journal.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "base/text.h"

namespace local {

namespace {

using std::chrono::microseconds;

// Compressed data is unpacked to at most this: a message that counts is shorter.
constexpr std::size_t kDataLimit = 2 * LogEvents::kMessageLimit;
constexpr std::size_t kMachineId = 32;  // hexadecimal digits
// Looking back must leave time to count.
constexpr base::Duration kLookBackTime = std::chrono::seconds(1);

// Sets of fields, of which one must hold: sd-journal finds such entries by its index. The last set
// is systemd's own lines, which only process 1 can write.
constexpr std::array<const char*, 4> kSshd{"SYSLOG_IDENTIFIER=sshd",
                                           "SYSLOG_IDENTIFIER=sshd-session",
                                           "SYSLOG_IDENTIFIER=sshd-auth", "_UID=0"};
constexpr std::array<const char*, 5> kSystemd{"UNIT=ssh.service", "UNIT=sshd.service",
                                              "UNIT=ssh.socket", "UNIT=sshd.socket", "_PID=1"};

constexpr std::array<const char*, 2> kDirectories{"/var/log/journal", "/run/log/journal"};

bool is_machine_id(std::string_view name) {
  return name.size() == kMachineId && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string machine_id(const Host& host) {
  auto text = host.read("/etc/machine-id", kMachineId).text;
  return is_machine_id(text) ? text : std::string();
}

bool is_system_journal(std::string_view name) {
  return name == "system.journal" || (name.starts_with("system@") &&
                                      (name.ends_with(".journal") || name.ends_with(".journal~")));
}

// The value of a field; nullopt if the entry has none, or it cannot be read.
std::optional<std::string_view> field(sd_journal* journal, const char* name) {
  const void* data = nullptr;
  std::size_t size = 0;
  if (sd_journal_get_data(journal, name, &data, &size) < 0) return std::nullopt;
  std::string_view text(static_cast<const char*>(data), size);
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  return text.substr(equals + 1);
}

std::string cursor_of(sd_journal* journal) {
  char* text = nullptr;
  if (sd_journal_get_cursor(journal, &text) < 0) return {};
  const std::unique_ptr<char, decltype(&std::free)> owner(text, &std::free);
  return text;
}

// Boot, times and content: the same for an entry and its copy in another file. journald copies
// entries when it moves the journal from /run to /var.
std::string_view without_file(std::string_view cursor) {
  const auto boot = cursor.find(";b=");
  return boot == std::string_view::npos ? cursor : cursor.substr(boot);
}

}  // namespace

JournalAccess journal_access(const Host& host) {
  const auto mine = machine_id(host);
  auto access = JournalAccess::none;
  for (const std::string directory : kDirectories) {
    errno = 0;
    const auto machines = host.list(directory);
    if (machines.empty() && errno == EACCES) access = JournalAccess::denied;
    for (const auto& machine : machines) {
      // Those of containers and of other hosts lie beside it.
      if (!is_machine_id(machine) || (!mine.empty() && machine != mine)) continue;
      auto below = directory;
      below.append("/").append(machine);
      errno = 0;
      const auto names = host.list(below);
      if (names.empty() && errno == EACCES) access = JournalAccess::denied;
      for (const auto& name : names) {
        if (!is_system_journal(name)) continue;
        auto path = below;
        path.append("/").append(name);
        if (host.open(path, O_RDONLY | O_NONBLOCK).valid()) {
          return JournalAccess::readable;
        }
        if (errno == EACCES || errno == EPERM) access = JournalAccess::denied;
      }
    }
  }
  return access;
}

void Journal::Close::operator()(sd_journal* journal) const { sd_journal_close(journal); }

// Views that hold until the next entry.
struct Journal::Entry {
  model::LogEvent event;
  SeenLine line;
  std::string message;
  std::string unit;
};

Journal::Journal(const Host& host, const base::Clock& clock,
                 std::optional<JournalPosition> position)
    : host_(host), clock_(clock), has_position_(position.has_value()) {
  if (position) position_ = std::move(*position);
}

Journal::~Journal() = default;

void Journal::fail(const char* what, int error) {
  problem_ =
      std::string("the journal cannot be ") + what + ": " + std::generic_category().message(-error);
  journal_.reset();
}

bool Journal::open() {
  sd_journal* journal = nullptr;
  auto result = sd_journal_open_directory(&journal, host_.root().c_str(),
                                          SD_JOURNAL_OS_ROOT | SD_JOURNAL_SYSTEM);
  journal_.reset(journal);
  if (result < 0) {
    fail("opened", result);
    return false;
  }
  for (const auto* match : kSshd) {
    if (result >= 0) result = sd_journal_add_match(journal, match, 0);
  }
  if (result >= 0) result = sd_journal_add_disjunction(journal);
  for (const auto* match : kSystemd) {
    if (result >= 0) result = sd_journal_add_match(journal, match, 0);
  }
  if (result >= 0) result = sd_journal_set_data_threshold(journal, kDataLimit);
  if (result < 0) {
    fail("searched", result);
    return false;
  }
  // Without inotify new files are found by opening the journal anew.
  watched_ = sd_journal_get_fd(journal) >= 0;
  machine_ = machine_id(host_);
  examined_ = 0;
  problem_.clear();
  return true;
}

std::uint64_t Journal::now() const {
  const auto since_epoch = clock_.wall().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<microseconds>(since_epoch).count());
}

void Journal::seek() {
  const auto result = position_.cursor.empty()
                          ? sd_journal_seek_realtime_usec(journal_.get(), position_.since)
                          : sd_journal_seek_cursor(journal_.get(), position_.cursor.c_str());
  if (result < 0) {
    base::log::warn("the kept journal position cannot be used; starting anew at the journal's end");
    position_ = {{}, now()};
    sd_journal_seek_realtime_usec(journal_.get(), position_.since);
  }
  resuming_ = true;
}

// From the position, or from the journal's end, towards the past.
void Journal::look_back(base::SteadyTime deadline, LogTally& tally) {
  if (!has_position_) {
    position_.since = now();
    sd_journal_seek_tail(journal_.get());
  } else {
    seek();
  }
  for (std::size_t i = 0; i < kLookBack; ++i) {
    const auto result = sd_journal_previous(journal_.get());
    if (result < 0) return fail("read", result);
    if (result == 0) break;
    if (!has_position_) {
      // Not counted, but the next ones are.
      has_position_ = true;
      position_.cursor = cursor_of(journal_.get());
    }
    ++examined_;
    Entry entry;
    if (examine(tally, entry) && !tally.has_line(entry.event)) {
      tally.recall(entry.event, entry.line);
    }
    if (i % kBatch == kBatch - 1 && clock_.steady() >= deadline) break;
  }
  has_position_ = true;
  looked_back_ = true;
  seek();
}

bool Journal::read(base::SteadyTime deadline, LogTally& tally) {
  if (journal_ && !watched_) journal_.reset();
  if (journal_) {
    // Files that came or went.
    if (const auto result = sd_journal_process(journal_.get()); result < 0) journal_.reset();
  }
  if (!journal_) {
    if (!open()) return false;
    if (looked_back_) seek();
  }
  if (!looked_back_) look_back(std::min(deadline, clock_.steady() + kLookBackTime), tally);
  while (journal_) {
    const auto end = take_entries(deadline, tally);
    if (end != End::open_anew) return end == End::deadline;
    journal_.reset();
    if (open()) seek();
  }
  return false;
}

// Whether the first entry after seeking is the one read last; it is gone if the journal was
// shortened meanwhile.
bool Journal::already_read() {
  resuming_ = false;
  if (position_.cursor.empty()) return false;
  if (without_file(cursor_of(journal_.get())) == without_file(position_.cursor)) return true;
  base::log::info("the kept journal position is gone; going on at the next entry");
  return false;
}

Journal::End Journal::take_entries(base::SteadyTime deadline, LogTally& tally) {
  auto end = End::none_left;
  bool moved = false;
  int error = 0;
  while (true) {
    if (examined_ >= kEntriesPerOpening) {
      end = End::open_anew;
      break;
    }
    const auto result = sd_journal_next(journal_.get());
    if (result < 0) error = result;
    if (result <= 0) break;
    ++examined_;
    if (resuming_ && already_read()) continue;
    moved = true;
    Entry entry;
    if (examine(tally, entry)) tally.count(entry.event, entry.line);
    if (examined_ % kBatch == 0 && clock_.steady() >= deadline) {
      end = End::deadline;
      break;
    }
  }
  if (moved) {
    if (auto cursor = cursor_of(journal_.get()); !cursor.empty()) {
      position_.cursor = std::move(cursor);
    }
  }
  if (error < 0) fail("read", error);
  return end;
}

// Whether the entry is an event's line that may be believed.
bool Journal::examine(LogTally& tally, Entry& entry) {
  auto* journal = journal_.get();
  const auto message = field(journal, "MESSAGE");
  if (!message || message->size() > LogEvents::kMessageLimit) return false;
  entry.message = *message;
  // The index found it by one set of fields or the other.
  const auto writer = field(journal, "_PID") == "1" ? LogWriter::systemd : LogWriter::sshd;
  const auto event = tally.find(writer, entry.message);
  if (!event) return false;
  entry.event = *event;
  if (!machine_.empty() && field(journal, "_MACHINE_ID") != machine_) return false;
  if (writer == LogWriter::systemd) {
    entry.unit = field(journal, "UNIT").value_or("");
    entry.line.trusted = true;
  } else {
    const auto command = field(journal, "_COMM");
    const bool is_sshd = command && command->starts_with("sshd");
    entry.unit = field(journal, "_SYSTEMD_UNIT").value_or("");
    // An sshd that cannot start is often gone before journald has looked at it.
    const bool gone = !command && entry.unit.empty();
    entry.line.trusted = is_sshd || is_ssh_unit(entry.unit) || gone;
    if (!entry.line.trusted) return false;
  }
  if (machine_.empty()) entry.line.trusted = false;
  std::uint64_t time = 0;
  if (sd_journal_get_realtime_usec(journal, &time) < 0) return false;
  entry.line.time = base::WallTime(microseconds(time));
  entry.line.message = entry.message;
  entry.line.unit = entry.unit;
  return true;
}

}  // namespace local
