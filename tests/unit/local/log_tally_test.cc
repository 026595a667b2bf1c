#include "local/log_tally.h"

#include <gtest/gtest.h>

#include <string>

namespace local {
namespace {

using model::LogEvent;
using std::chrono::seconds;

SeenLine line(int second, std::string_view message) {
  return {base::WallTime(seconds(second)), message, "ssh.service", true};
}

TEST(LogTally, CountsAndKeepsTheNewest) {
  LogTally tally;
  tally.recall(LogEvent::sigterm, line(1, "Received signal 2; terminating."));
  tally.count(LogEvent::invalid_user, line(2, "Invalid user a from 192.0.2.1 port 1"));
  tally.count(LogEvent::invalid_user, line(3, "Invalid user b from 192.0.2.2 port 2"));
  const auto facts = tally.facts("journal");
  EXPECT_EQ(facts->source, "journal");
  EXPECT_EQ(facts->events.size(), model::all_log_events().size());
  const auto& invalid = facts->of(LogEvent::invalid_user);
  EXPECT_EQ(invalid.count, 2U);
  ASSERT_TRUE(invalid.newest);
  EXPECT_EQ(invalid.newest->time, base::WallTime(seconds(3)));
  EXPECT_EQ(invalid.newest->message, "Invalid user b from 192.0.2.2 port 2");
  EXPECT_EQ(invalid.newest->address, "192.0.2.2");
  EXPECT_EQ(invalid.newest->port, 2);
  EXPECT_EQ(invalid.newest->unit, "ssh.service");
  EXPECT_TRUE(invalid.newest->trusted);
  EXPECT_EQ(facts->of(LogEvent::sigterm).count, 0U) << "recalled, not counted";
  EXPECT_TRUE(facts->of(LogEvent::sigterm).newest);
  EXPECT_FALSE(facts->of(LogEvent::sd_failed).newest);
  EXPECT_TRUE(tally.has_line(LogEvent::sigterm));
  EXPECT_FALSE(tally.has_line(LogEvent::sd_failed));
}

TEST(LogTally, SharesFactsUntilSomethingChanges) {
  LogTally tally;
  const auto none = tally.facts("journal");
  EXPECT_EQ(tally.facts("journal"), none);
  tally.count(LogEvent::sighup, line(1, "Received SIGHUP; restarting."));
  const auto one = tally.facts("journal");
  EXPECT_NE(one, none);
  EXPECT_EQ(tally.facts("journal"), one);
  EXPECT_EQ(none->of(LogEvent::sighup).count, 0U) << "published facts never change";
  const auto other = tally.facts("/var/log/auth.log");
  EXPECT_EQ(other->source, "/var/log/auth.log");
  EXPECT_EQ(other->of(LogEvent::sighup).newest->message, "Received SIGHUP; restarting.");
}

TEST(LogTally, UnitsOfStrangersAreBounded) {
  LogTally tally;
  const std::string unit = "\x1b" + std::string(10'000, 'u');
  tally.count(LogEvent::sighup, {{}, "Received SIGHUP; restarting.", unit, false});
  const auto facts = tally.facts("journal");
  EXPECT_EQ(facts->of(LogEvent::sighup).newest->unit, "?" + std::string(255, 'u'));
}

}  // namespace
}  // namespace local
