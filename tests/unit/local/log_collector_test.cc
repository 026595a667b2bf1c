// The whole collector on hosts with a journal, with a log file, with both, with none.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "local/collector.h"
#include "support/log_host.h"
#include "support/stepped_clock.h"

namespace local {
namespace {

using model::LogEvent;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;
using test_support::JournalWriter;

constexpr const char* kAuthLog = "/var/log/auth.log";
constexpr const char* kNoLog =
    "there is no journal that may be read, and there is none of /var/log/auth.log, "
    "/var/log/secure, /var/log/messages";

class LogCollectorTest : public ::testing::Test {
 protected:
  LogCollectorTest() { start(); }

  void start() {
    collector_ = make_log_collector({log_.host(), clock_, state_.path().string()});
    facts_ = nullptr;
  }
  // What the collector complains about.
  std::string round() {
    model::HostFacts mine;
    auto error = collector_->collect({}, mine);
    facts_ = mine.log;
    return error;
  }
  std::uint64_t count(LogEvent event) { return facts_->of(event).count; }
  std::optional<model::LogLine> newest(LogEvent event) { return facts_->of(event).newest; }

  test_support::LogHost log_;
  test_support::TemporaryFolder state_;
  test_support::SteppedClock clock_;
  std::unique_ptr<Collector> collector_;
  std::shared_ptr<const model::LogFacts> facts_;
};

TEST_F(LogCollectorTest, FollowsAFile) {
  log_.write(kAuthLog,
             "2020-01-02T03:04:05Z host sshd[9]: Server listening on 192.0.2.1 port 22.\n");
  EXPECT_EQ(round(), "");
  ASSERT_TRUE(facts_);
  EXPECT_EQ(facts_->source, kAuthLog);
  EXPECT_EQ(count(LogEvent::listen_ok), 0U);
  const auto listen = newest(LogEvent::listen_ok);
  ASSERT_TRUE(listen);
  EXPECT_EQ(listen->address, "192.0.2.1");
  EXPECT_EQ(listen->port, 22);
  EXPECT_EQ(listen->time, base::WallTime(seconds(1'577'934'245)));
  EXPECT_FALSE(listen->trusted) << "anybody can write to syslog";
  const auto before = facts_;
  log_.append(kAuthLog, "2020-01-02T03:04:06Z host CRON[9]: Invalid user a from 192.0.2.1\n");
  EXPECT_EQ(round(), "");
  EXPECT_EQ(facts_, before) << "the same pointer for the same facts";
  log_.append(kAuthLog,
              "2020-01-02T03:04:07Z host sshd-session[9]: Invalid user a from 192.0.2.1\n"
              "2020-01-02T03:04:08Z host sshd[9]: Invalid user b from 192.0.2.2 port 1\n"
              "2020-01-02T03:04:09Z host systemd[1]: ssh.service: Start request repeated too "
              "quickly.\n"
              "2020-01-02T03:04:09Z host systemd[77]: ssh.service: Start request repeated too "
              "quickly.\n");
  EXPECT_EQ(round(), "");
  EXPECT_EQ(count(LogEvent::invalid_user), 2U);
  EXPECT_EQ(newest(LogEvent::invalid_user)->address, "192.0.2.2");
  EXPECT_EQ(count(LogEvent::sd_failed), 1U) << "a user's manager is not process 1";
  EXPECT_EQ(newest(LogEvent::sd_failed)->unit, "ssh.service");
  EXPECT_EQ(before->of(LogEvent::invalid_user).count, 0U);
}

TEST_F(LogCollectorTest, ATimeToComeIsNow) {
  log_.write(kAuthLog, "");
  round();
  log_.append(kAuthLog, "2199-01-02T03:04:07Z host sshd[9]: Invalid user a from 192.0.2.1\n");
  round();
  EXPECT_EQ(newest(LogEvent::invalid_user)->time, clock_.wall());
}

TEST_F(LogCollectorTest, TraditionalStamps) {
  const auto now = std::chrono::system_clock::to_time_t(clock_.wall() - hours(3));
  std::tm local{};
  ::localtime_r(&now, &local);
  char stamp[32];
  ASSERT_NE(std::strftime(stamp, sizeof stamp, "%b %e %H:%M:%S", &local), 0U);
  log_.write(kAuthLog, std::string(stamp) + " host sshd[9]: Invalid user a from 192.0.2.1\n");
  round();
  EXPECT_EQ(newest(LogEvent::invalid_user)->time, std::chrono::system_clock::from_time_t(now));
}

TEST_F(LogCollectorTest, AHostWithoutALogUntilThereIsOne) {
  EXPECT_EQ(round(), kNoLog);
  EXPECT_FALSE(facts_);
  EXPECT_EQ(round(), kNoLog);
  log_.write("/var/log/messages",
             "2020-01-02T03:04:07Z host auth.info sshd[9]: Invalid user a from 192.0.2.1\n");
  EXPECT_EQ(round(), "");
  ASSERT_TRUE(facts_);
  EXPECT_EQ(facts_->source, "/var/log/messages");
  EXPECT_EQ(count(LogEvent::invalid_user), 1U);
}

TEST_F(LogCollectorTest, AJournalThatComesLater) {
  EXPECT_EQ(round(), kNoLog);
  JournalWriter writer(log_);
  writer.sshd("Received SIGHUP; restarting.").flush("system.journal", false);
  EXPECT_EQ(round(), "");
  ASSERT_TRUE(facts_);
  EXPECT_EQ(facts_->source, "journal");
}

TEST_F(LogCollectorTest, TheJournalComesFirst) {
  log_.write(kAuthLog, "2020-01-02T03:04:07Z host sshd[9]: Invalid user a from 192.0.2.1\n");
  JournalWriter writer(log_);
  writer.sshd("Received SIGHUP; restarting.").flush();
  EXPECT_EQ(round(), "");
  EXPECT_EQ(facts_->source, "journal");
  EXPECT_FALSE(newest(LogEvent::invalid_user));
  const auto before = facts_;
  EXPECT_EQ(round(), "");
  EXPECT_EQ(facts_, before);
  writer.sshd("Received signal 15; terminating.").flush();
  start();
  EXPECT_EQ(round(), "");
  EXPECT_EQ(count(LogEvent::sigterm), 1U) << "written while the exporter was away";
  EXPECT_EQ(count(LogEvent::sighup), 0U);
}

TEST_F(LogCollectorTest, AJournalThatMayNotBeReadIsToldOf) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs another user's rights";
  JournalWriter writer(log_);
  writer.sshd("Received SIGHUP; restarting.").flush();
  std::filesystem::permissions(log_.at("/"), std::filesystem::perms(0755));
  std::filesystem::permissions(log_.at(writer.directory() + "/system.journal"),
                               std::filesystem::perms(0600));
  const auto as_nobody = [&] {
    const auto changed = ::seteuid(65534) == 0;
    auto error = round();
    return changed && ::seteuid(0) == 0 ? error : "seteuid failed";
  };
  const std::string denied = "the journal may not be read (group systemd-journal or adm is needed)";
  EXPECT_EQ(as_nobody(), denied +
                             ", and there is none of /var/log/auth.log, /var/log/secure, "
                             "/var/log/messages");
  EXPECT_FALSE(facts_);
  log_.write(kAuthLog, "2020-01-02T03:04:07Z host sshd[9]: Invalid user a from 192.0.2.1\n");
  EXPECT_EQ(as_nobody(), denied + "; following /var/log/auth.log instead");
  ASSERT_TRUE(facts_);
  EXPECT_EQ(facts_->source, kAuthLog);
  EXPECT_EQ(count(LogEvent::invalid_user), 1U);
  EXPECT_EQ(as_nobody(), denied + "; following /var/log/auth.log instead");
}

TEST_F(LogCollectorTest, LinesWrittenWhileAwayCountOnce) {
  log_.write(kAuthLog, "2020-01-02T03:04:07Z host sshd[9]: Invalid user a from 192.0.2.1\n");
  round();
  EXPECT_EQ(count(LogEvent::invalid_user), 0U);
  log_.append(kAuthLog, "2020-01-02T03:04:08Z host sshd[9]: Invalid user b from 192.0.2.1\n");
  start();
  EXPECT_EQ(round(), "");
  EXPECT_EQ(count(LogEvent::invalid_user), 1U);
  start();
  EXPECT_EQ(round(), "");
  EXPECT_EQ(count(LogEvent::invalid_user), 0U);
  EXPECT_TRUE(newest(LogEvent::invalid_user));
}

TEST_F(LogCollectorTest, ACorruptPositionIsAFirstStart) {
  log_.write(kAuthLog, "2020-01-02T03:04:07Z host sshd[9]: Invalid user a from 192.0.2.1\n");
  for (const auto& text : {std::string("garbage"), std::string(100'000, '\0'), std::string("\n")}) {
    std::ofstream(state_.path() / "log_position") << text;
    start();
    EXPECT_EQ(round(), "");
    EXPECT_EQ(count(LogEvent::invalid_user), 0U);
  }
}

TEST_F(LogCollectorTest, WorksWithoutAStateDirectory) {
  log_.write(kAuthLog, "");
  for (const auto* directory : {"", "/nonexistent"}) {
    collector_ = make_log_collector({log_.host(), clock_, directory});
    EXPECT_EQ(round(), "");
    log_.append(kAuthLog, "2020-01-02T03:04:08Z host sshd[9]: Invalid user b from 192.0.2.1\n");
    EXPECT_EQ(round(), "");
    EXPECT_EQ(count(LogEvent::invalid_user), 1U);
  }
}

TEST_F(LogCollectorTest, BinaryGarbage) {
  log_.write(kAuthLog, "");
  round();
  std::string garbage;
  for (std::uint32_t i = 0; i < 1'000'000; ++i) garbage += static_cast<char>(i * 7919U >> 5U);
  log_.append(kAuthLog, garbage + "\n");
  log_.append(kAuthLog,
              "2020-01-02T03:04:08Z host sshd[9]: Invalid user \x1b[2J\xff from 192.0.2.1\n");
  EXPECT_EQ(round(), "");
  EXPECT_EQ(count(LogEvent::invalid_user), 1U);
  EXPECT_EQ(newest(LogEvent::invalid_user)->message, "Invalid user ?[2J? from 192.0.2.1");
}

}  // namespace
}  // namespace local
