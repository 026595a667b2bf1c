#include "local/syslog_line.h"

#include <gtest/gtest.h>

#include <ctime>
#include <random>
#include <string>
#include <vector>

namespace local {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;

struct Form {
  const char* line;
  const char* ident;
  const char* pid;
  const char* message;
};

TEST(SyslogLine, FormsOfManyDaemons) {
  for (const auto& [text, ident, pid, message] : std::vector<Form>{
           {"Nov  5 02:46:06 host sshd[12]: Invalid user : x", "sshd", "12", "Invalid user : x"},
           {"Nov 25 02:46:06 host sshd-session[12]: a", "sshd-session", "12", "a"},
           {"Nov 25 02:46:06 host sshd: a  b", "sshd", "", "a  b"},
           {"Nov 25 02:46:06 host sshd[12]:", "sshd", "12", ""},
           {"Nov 25 02:46:06 host auth.info sshd[12]: a", "sshd", "12", "a"},
           {"Nov 25 02:46:06 sshd[12]: a", "sshd", "12", "a"},
           {"2026-11-25T02:46:06.123456+00:00 host.example sshd[12]: a", "sshd", "12", "a"},
           {"2026-11-25T02:46:06Z host systemd[1]: ssh.service: x", "systemd", "1",
            "ssh.service: x"}}) {
    const auto line = parse_syslog_line(text);
    ASSERT_TRUE(line) << text;
    EXPECT_EQ(line->ident, ident) << text;
    EXPECT_EQ(line->pid, pid) << text;
    EXPECT_EQ(line->message, message) << text;
  }
}

TEST(SyslogLine, RefusesTheRest) {
  for (const auto* text :
       {"", "sshd[12]: a", "Nov 25 02:46:06", "Nov 25 02:46:06 ", "Nov 25 02:46:06 host",
        "Nov 25 02:46:06 host some sshd[12]: a", "Nov 25 2:46:06 host sshd: a",
        "Xov 25 02:46:06 host sshd: a", "nov 25 02:46:06 host sshd: a",
        " Nov 25 02:46:06 host sshd: a", "2026-11-25 02:46:06 host sshd: a", "2026-11-25T02:46:06",
        "Nov 25 02:46:06 host ssh]: a", "Nov 25 02:46:06 host last message repeated 3 times"}) {
    EXPECT_FALSE(parse_syslog_line(text)) << text;
  }
}

TEST(SyslogLine, AnyBytes) {
  std::mt19937 random(1);
  const std::string good = "Nov 25 02:46:06 host auth.info sshd[12]: a";
  for (int i = 0; i < 50'000; ++i) {
    auto text = good.substr(0, random() % (good.size() + 1));
    for (auto edits = random() % 3; edits > 0 && !text.empty(); --edits) {
      text[random() % text.size()] = static_cast<char>(random());
    }
    if (const auto line = parse_syslog_line(text)) {
      (void)parse_syslog_stamp(line->stamp, base::WallTime(hours(1)));
    }
  }
}

base::WallTime utc(int year, unsigned month, unsigned day, seconds time = seconds(0)) {
  return base::WallTime(std::chrono::sys_days(std::chrono::year(year) / month / day)) + time;
}

TEST(SyslogStamp, WithZone) {
  const auto now = utc(2020, 1, 1);
  const auto time = hours(2) + minutes(46) + seconds(6);
  EXPECT_EQ(parse_syslog_stamp("2026-11-25T02:46:06Z", now), utc(2026, 11, 25, time));
  EXPECT_EQ(parse_syslog_stamp("2026-11-25T02:46:06.123456+01:00", now),
            utc(2026, 11, 25, time - hours(1)) + microseconds(123'456));
  EXPECT_EQ(parse_syslog_stamp("2026-11-25T02:46:06.5-0330", now),
            utc(2026, 11, 25, time + hours(3) + minutes(30)) + microseconds(500'000));
  EXPECT_EQ(parse_syslog_stamp("2026-11-25T02:46:06.1234567891Z", now),
            utc(2026, 11, 25, time) + microseconds(123'456));
  for (const auto* text :
       {"2026-11-25T02:46:06", "2026-13-25T02:46:06Z", "2026-02-29T02:46:06Z",
        "2026-11-25T24:46:06Z", "2026-11-25T02:60:06Z", "2026-11-25T02:46:61Z",
        "2026-11-25T02:46:06+", "2026-11-25T02:46:06+1:00", "2026-11-25T02:46:06x01:00",
        "2026-11-25T02:46:06ZZ", "1969-12-31T23:59:59Z", "2201-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z", "2026-00-25T02:46:06Z", "2026-11-00T02:46:06Z", "", "Nov"}) {
    EXPECT_EQ(parse_syslog_stamp(text, now), std::nullopt) << text;
  }
}

base::WallTime here(int year, int month, int day, int hour, int minute, int second) {
  std::tm local{};
  local.tm_year = year - 1900;
  local.tm_mon = month - 1;
  local.tm_mday = day;
  local.tm_hour = hour;
  local.tm_min = minute;
  local.tm_sec = second;
  local.tm_isdst = -1;
  return std::chrono::system_clock::from_time_t(std::mktime(&local));
}

TEST(SyslogStamp, WithoutYearIsTheLastOne) {
  const auto now = here(2027, 1, 1, 0, 0, 30);
  EXPECT_EQ(parse_syslog_stamp("Jan  1 00:00:10", now), here(2027, 1, 1, 0, 0, 10));
  EXPECT_EQ(parse_syslog_stamp("Dec 31 23:59:59", now), here(2026, 12, 31, 23, 59, 59));
  EXPECT_EQ(parse_syslog_stamp("Jan  1 12:00:00", now), here(2027, 1, 1, 12, 0, 0))
      << "another zone's, or a clock that was put back";
  EXPECT_EQ(parse_syslog_stamp("Jan  3 00:00:00", now), here(2026, 1, 3, 0, 0, 0));
  EXPECT_EQ(parse_syslog_stamp("Feb 29 12:00:00", now), here(2024, 2, 29, 12, 0, 0));
  const auto eve = here(2026, 12, 31, 23, 59, 59);
  EXPECT_EQ(parse_syslog_stamp("Jan  1 00:00:00", eve), here(2027, 1, 1, 0, 0, 0));
  for (const auto* text : {"Feb 30 12:00:00", "Nov 31 00:00:00", "Nov  0 00:00:00",
                           "Nov  5 24:00:00", "Nov xx 00:00:00"}) {
    EXPECT_EQ(parse_syslog_stamp(text, now), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace local
