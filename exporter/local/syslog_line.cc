#include "local/syslog_line.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <ctime>

#include "base/text.h"

namespace local {

namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kShortStamp = 15;  // "Nov  5 02:46:06"
constexpr std::string_view kClock = "dd:dd:dd";
// The clock's 64 bits of nanoseconds end in 2262.
constexpr int kFirstYear = 1970;
constexpr int kLastYear = 2200;

// `shape`: d stands for a digit, every other character for itself.
bool has_shape(std::string_view text, std::string_view shape) {
  return text.size() == shape.size() &&
         std::equal(text.begin(), text.end(), shape.begin(), [](char c, char wanted) {
           return wanted == 'd' ? c >= '0' && c <= '9' : c == wanted;
         });
}

int number(std::string_view digits) { return base::parse_integer<int>(digits).value_or(-1); }

int month_of(std::string_view name) {
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto* found = std::find(kMonths.begin(), kMonths.end(), name);
  return found == kMonths.end() ? 0 : static_cast<int>(found - kMonths.begin()) + 1;
}

// hh:mm:ss, up to a leap second.
std::optional<seconds> time_of_day(std::string_view text) {
  if (!has_shape(text, kClock)) return std::nullopt;
  const auto hour = number(text.substr(0, 2));
  const auto minute = number(text.substr(3, 2));
  const auto second = number(text.substr(6, 2));
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return hours(hour) + minutes(minute) + seconds(second);
}

std::optional<std::chrono::sys_days> date(int year, int month, int day) {
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || year < kFirstYear || year > kLastYear) return std::nullopt;
  return std::chrono::sys_days(date);
}

bool looks_short(std::string_view line) {
  return line.size() > kShortStamp && line[3] == ' ' && line[6] == ' ' && line[15] == ' ' &&
         has_shape(line.substr(7, 8), kClock) && month_of(line.substr(0, 3)) != 0;
}

bool looks_long(std::string_view line) {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
  return line.size() > kShape.size() && has_shape(line.substr(0, kShape.size()), kShape);
}

std::string_view take_word(std::string_view& rest) {
  const auto end = std::min(rest.find(' '), rest.size());
  const auto word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

std::optional<base::WallTime> long_stamp(std::string_view stamp) {
  const auto day =
      date(number(stamp.substr(0, 4)), number(stamp.substr(5, 2)), number(stamp.substr(8, 2)));
  const auto time = time_of_day(stamp.substr(11, 8));
  if (!day || !time) return std::nullopt;
  auto rest = stamp.substr(19);
  microseconds fraction{0};
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    microseconds unit{100'000};
    while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9') {
      fraction += (rest.front() - '0') * unit;
      unit /= 10;
      rest.remove_prefix(1);
    }
  }
  seconds zone{0};
  if (rest != "Z") {
    const auto with_colon = has_shape(rest.substr(std::min<std::size_t>(1, rest.size())), "dd:dd");
    if (!with_colon && (rest.empty() || !has_shape(rest.substr(1), "dddd"))) return std::nullopt;
    if (rest.front() != '+' && rest.front() != '-') return std::nullopt;
    zone = hours(number(rest.substr(1, 2))) + minutes(number(rest.substr(with_colon ? 4 : 3, 2)));
    if (rest.front() == '-') zone = -zone;
  }
  return base::WallTime(*day) + *time + fraction - zone;
}

std::optional<base::WallTime> short_stamp(std::string_view stamp, base::WallTime now) {
  const auto month = month_of(stamp.substr(0, 3));
  auto day_text = stamp.substr(4, 2);
  if (day_text.front() == ' ') day_text.remove_prefix(1);
  const auto day = number(day_text);
  const auto time = time_of_day(stamp.substr(7, 8));
  if (month == 0 || day < 1 || !time) return std::nullopt;
  const auto this_year =
      static_cast<int>(std::chrono::year_month_day(std::chrono::floor<days>(now + days(1))).year());
  // February 29 may lie eight years back (1896 to 1904, 2096 to 2104).
  for (int year = this_year; year >= this_year - 8; --year) {
    if (!date(year, month, day)) continue;
    const auto in_day = static_cast<int>(time->count());
    std::tm local{};
    local.tm_year = year - 1900;
    local.tm_mon = month - 1;
    local.tm_mday = day;
    local.tm_hour = in_day / 3600;
    local.tm_min = in_day / 60 % 60;
    local.tm_sec = in_day % 60;
    local.tm_isdst = -1;
    const auto found = std::chrono::system_clock::from_time_t(std::mktime(&local));
    if (found <= now + days(1)) return found;
  }
  return std::nullopt;
}

}  // namespace

std::optional<SyslogLine> parse_syslog_line(std::string_view line) {
  SyslogLine result;
  std::string_view rest;
  if (looks_short(line)) {
    result.stamp = line.substr(0, kShortStamp);
    rest = line.substr(kShortStamp + 1);
  } else if (looks_long(line)) {
    rest = line;
    result.stamp = take_word(rest);
  } else {
    return std::nullopt;
  }
  // HOST IDENT:, HOST FACILITY.LEVEL IDENT: or IDENT:
  auto word = take_word(rest);
  if (!word.ends_with(':')) word = take_word(rest);
  if (!word.ends_with(':') && word.find('.') != std::string_view::npos) word = take_word(rest);
  if (!word.ends_with(':')) return std::nullopt;
  word.remove_suffix(1);
  result.message = rest;
  result.ident = word;
  if (word.ends_with(']')) {
    const auto bracket = word.rfind('[');
    if (bracket == std::string_view::npos) return std::nullopt;
    result.ident = word.substr(0, bracket);
    result.pid = word.substr(bracket + 1, word.size() - bracket - 2);
  }
  return result;
}

std::optional<base::WallTime> parse_syslog_stamp(std::string_view stamp, base::WallTime now) {
  if (looks_long(stamp)) return long_stamp(stamp);
  if (stamp.size() != kShortStamp) return std::nullopt;
  return short_stamp(stamp, now);
}

}  // namespace local
