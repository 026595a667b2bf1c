// What syslog daemons write into files: "STAMP HOST IDENT[PID]: MESSAGE". Hides the forms of the
// stamp: RFC 3164's "Nov  5 02:46:06" and RFC 3339's "2026-11-05T02:46:06.123456+01:00".
// No state, any thread.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace local {

// Views into the line.
struct SyslogLine {
  std::string_view stamp;
  std::string_view ident;
  std::string_view pid;  // empty if there is none
  std::string_view message;
};

// nullopt if it is none. BusyBox's forms are known as well: a word such as auth.info before the
// ident, or no host name.
std::optional<SyslogLine> parse_syslog_line(std::string_view line);

// The time of a stamp of such a line; nullopt for days and hours that do not exist. RFC 3164 tells
// neither year nor zone: it is the last such time of this process's zone that is not after `now`,
// a day's grace for zones and clocks allowed.
std::optional<base::WallTime> parse_syslog_stamp(std::string_view stamp, base::WallTime now);

}  // namespace local
