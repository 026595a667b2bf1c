// Hostile log lines: whatever is in a file, what is kept of it is printable and bounded; and no
// user name or identification makes sshd's line about it another event.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.h"
#include "fuzz/split.h"
#include "local/log_events.h"
#include "local/syslog_line.h"

namespace {

using local::LogEvents;
using local::LogWriter;
using model::LogEvent;

void require_bounded(const model::LogLine& line) {
  for (const auto* text : {&line.message, &line.address, &line.file, &line.why}) {
    fuzz::require(base::is_valid_utf8(*text) && text->size() <= LogEvents::kKeptMessage);
    fuzz::require(base::printable(*text, text->size()) == *text);
  }
}

void try_message(LogEvents& events, LogWriter writer, std::string_view message) {
  const auto event = events.find(writer, message);
  if (!event) return;
  fuzz::require(message.size() <= LogEvents::kMessageLimit);
  model::LogLine line;
  events.read(*event, message, line);
  require_bounded(line);
}

// As a name that a stranger chose: one line, one event, sshd's address.
void try_name(LogEvents& events, std::string_view name) {
  if (name.size() > 1000 || name.find('\n') != std::string_view::npos) return;
  const auto message = "Invalid user " + std::string(name) + " from 192.0.2.1 port 5";
  fuzz::require(events.find(LogWriter::sshd, message) == LogEvent::invalid_user);
  model::LogLine line;
  events.read(LogEvent::invalid_user, message, line);
  fuzz::require(line.address == "192.0.2.1" && line.port == 5);
  const auto closed =
      "Connection closed by invalid user " + std::string(name) + " 192.0.2.1 port 5";
  fuzz::require(events.find(LogWriter::sshd, closed) == LogEvent::closed);
  const auto ident =
      "Bad protocol version identification '" + std::string(name) + "' from 192.0.2.1";
  fuzz::require(events.find(LogWriter::sshd, ident) == LogEvent::bad_ident);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static LogEvents events;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try_message(events, LogWriter::sshd, text);
  try_message(events, LogWriter::systemd, text);
  try_name(events, text);
  const auto line = local::parse_syslog_line(text);
  if (!line) return 0;
  const base::WallTime now(std::chrono::seconds(1'800'000'000));
  const auto time = local::parse_syslog_stamp(line->stamp, now);
  if (time && line->stamp.size() == 15) fuzz::require(*time <= now + std::chrono::hours(25));
  if (const auto writer = local::log_writer(line->ident)) {
    try_message(events, *writer, line->message);
  }
  return 0;
}
