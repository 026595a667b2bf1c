// Journal files made by systemd's own writer, read while they grow, rotate, vanish and break.

#include "local/journal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "support/log_host.h"
#include "support/stepped_clock.h"

namespace local {
namespace {

using model::LogEvent;
using std::chrono::seconds;
using test_support::JournalWriter;
using Fields = JournalWriter::Fields;

const std::string kInvalid = "Invalid user x from 192.0.2.1 port 5";

class JournalTest : public ::testing::Test {
 protected:
  void start(std::optional<JournalPosition> position = std::nullopt) {
    tally_ = std::make_unique<LogTally>();
    journal_ = std::make_unique<Journal>(log_.host(), clock_, std::move(position));
    round();
  }
  void restart() { start(journal_->position()); }
  void round() {
    EXPECT_FALSE(journal_->read(clock_.steady() + seconds(3), *tally_));
    EXPECT_EQ(journal_->problem(), "");
  }
  std::uint64_t count(LogEvent event = LogEvent::invalid_user) {
    return tally_->facts("journal")->of(event).count;
  }
  std::optional<model::LogLine> newest(LogEvent event = LogEvent::invalid_user) {
    return tally_->facts("journal")->of(event).newest;
  }

  test_support::LogHost log_;
  JournalWriter writer_{log_};
  test_support::SteppedClock clock_;
  std::unique_ptr<LogTally> tally_;
  std::unique_ptr<Journal> journal_;
};

TEST_F(JournalTest, OldEntriesAreEvidenceAndNewOnesCount) {
  writer_.sshd("Invalid user old from 192.0.2.1 port 4").sshd(kInvalid);
  writer_.sshd("Accepted publickey for root from 192.0.2.1 port 6 ssh2: ED25519 SHA256:x").flush();
  start();
  EXPECT_EQ(count(), 0U);
  ASSERT_TRUE(newest());
  EXPECT_EQ(newest()->message, kInvalid);
  EXPECT_EQ(newest()->time, base::WallTime(seconds(1'700'000'002)));
  EXPECT_EQ(newest()->unit, "ssh.service");
  EXPECT_TRUE(newest()->trusted);
  writer_.sshd("Invalid user new from 192.0.2.9 port 7").sshd("nothing of interest").flush();
  round();
  EXPECT_EQ(count(), 1U);
  EXPECT_EQ(newest()->address, "192.0.2.9");
  EXPECT_EQ(newest()->port, 7);
  round();
  EXPECT_EQ(count(), 1U);
}

TEST_F(JournalTest, ARestartLosesAndRepeatsNothing) {
  writer_.sshd(kInvalid).flush();
  start();
  writer_.sshd(kInvalid).flush();
  round();
  EXPECT_EQ(count(), 1U);
  writer_.sshd(kInvalid).sshd(kInvalid).flush();
  restart();
  EXPECT_EQ(count(), 2U);
  restart();
  EXPECT_EQ(count(), 0U);
  EXPECT_TRUE(newest());
}

TEST_F(JournalTest, BeforeTheFirstEntryOfInterest) {
  writer_.entry({{"MESSAGE", "x"}, {"SYSLOG_IDENTIFIER", "cron"}, {"_UID", "0"}}).flush();
  // Entries of this writer are later than 1,700,000,000 s; the clock stands far beyond.
  start(JournalPosition{"", 1'700'000'001'000'000});
  EXPECT_EQ(count(), 0U);
  restart();
  writer_.sshd(kInvalid).flush();
  round();
  EXPECT_EQ(count(), 1U);
  restart();
  EXPECT_EQ(count(), 0U);
}

TEST_F(JournalTest, OnlyWhatTheJournalVouchesForCounts) {
  writer_.sshd("nothing").flush();
  start();
  const Fields said{{"MESSAGE", kInvalid}, {"SYSLOG_IDENTIFIER", "sshd"}};
  const auto with = [&](Fields more) {
    more.insert(more.begin(), said.begin(), said.end());
    writer_.entry(more);
  };
  // logger -t sshd, by a user, inside his session and inside a unit that calls itself one of SSH.
  with({{"_UID", "1000"}, {"_COMM", "logger"}});
  with({{"_UID", "1000"}, {"_COMM", "sshd"}, {"_SYSTEMD_UNIT", "ssh.service"}});
  // By root's hand, or another daemon that passes on other hosts' lines.
  with({{"_UID", "0"}, {"_COMM", "logger"}, {"_SYSTEMD_UNIT", "session-1.scope"}});
  with({{"_UID", "0"}, {"_COMM", "rsyslogd"}, {"_SYSTEMD_UNIT", "rsyslog.service"}});
  with({{"_UID", "0"}, {"_COMM", "logger"}});
  with({});
  // Of a user's own service manager.
  for (const auto* pid : {"2", "11", ""}) {
    writer_.entry({{"MESSAGE", "ssh.service: Failed with result 'exit-code'."},
                   {"SYSLOG_IDENTIFIER", "systemd"},
                   {"UNIT", "ssh.service"},
                   {"_UID", "0"},
                   {"_PID", pid}});
  }
  writer_.flush();
  round();
  EXPECT_EQ(count(), 0U);
  EXPECT_EQ(count(LogEvent::sd_failed), 0U);
  EXPECT_FALSE(newest());

  with({{"_UID", "0"}, {"_COMM", "sshd-session"}, {"_SYSTEMD_UNIT", "session-1.scope"}});
  writer_.flush();
  round();
  EXPECT_EQ(count(), 1U);
  EXPECT_TRUE(newest()->trusted);
  with({{"_UID", "0"}, {"_COMM", "wrapper"}, {"_SYSTEMD_UNIT", "ssh.service"}});
  writer_.flush();
  round();
  EXPECT_EQ(count(), 2U);
  EXPECT_TRUE(newest()->trusted);
  // It had ended before journald looked it up.
  with({{"_UID", "0"}});
  writer_.flush();
  round();
  EXPECT_EQ(count(), 3U);
  EXPECT_TRUE(newest()->trusted);
}

TEST_F(JournalTest, SystemdSpeaksOfItsUnits) {
  writer_.sshd("nothing").flush();
  start();
  writer_.systemd("sshd.socket", "sshd.socket: Trigger limit hit, refusing further activation.");
  writer_.systemd("ssh.service", "ssh.service: Start request repeated too quickly.");
  writer_.systemd("cron.service", "ssh.service: Failed with result 'exit-code'.");
  // Words of sshd by systemd are none, and the other way round.
  writer_.systemd("ssh.service", kInvalid);
  writer_.sshd("ssh.service: Start request repeated too quickly.").flush();
  round();
  EXPECT_EQ(count(LogEvent::sd_trigger_limit), 1U);
  EXPECT_EQ(count(LogEvent::sd_failed), 1U);
  EXPECT_EQ(count(), 0U);
  EXPECT_EQ(newest(LogEvent::sd_failed)->unit, "ssh.service");
  EXPECT_TRUE(newest(LogEvent::sd_failed)->trusted);
}

TEST_F(JournalTest, OtherMachinesLinesAreNotOurs) {
  writer_.sshd("nothing").flush();
  JournalWriter container(log_, "ffffffffffffffffffffffffffffffff");
  start();
  container.sshd(kInvalid).flush();
  round();
  EXPECT_EQ(count(), 0U);
  restart();
  EXPECT_EQ(count(), 0U);
  EXPECT_FALSE(newest());
}

TEST_F(JournalTest, WithoutAMachineIdNothingIsTrusted) {
  writer_.sshd(kInvalid).flush();
  std::filesystem::remove(log_.at("/etc/machine-id"));
  start();
  ASSERT_TRUE(newest());
  EXPECT_FALSE(newest()->trusted);
}

TEST_F(JournalTest, Rotation) {
  writer_.sshd(kInvalid).flush();
  start();
  writer_.sshd(kInvalid).flush();
  log_.rename(writer_.directory() + "/system.journal", writer_.directory() + "/system@1.journal");
  writer_.sshd(kInvalid).flush();
  round();
  EXPECT_EQ(count(), 2U);
  // Vacuumed: the old file goes, and with it the position.
  writer_.sshd(kInvalid).flush("system@2.journal");
  std::filesystem::remove(log_.at(writer_.directory() + "/system@1.journal"));
  writer_.sshd(kInvalid).flush();
  round();
  EXPECT_EQ(count(), 4U);
}

TEST_F(JournalTest, VacuumedWhileAway) {
  writer_.sshd(kInvalid).flush("system@1.journal");
  start();
  std::filesystem::remove(log_.at(writer_.directory() + "/system@1.journal"));
  writer_.sshd(kInvalid).sshd(kInvalid).flush();
  restart();
  EXPECT_EQ(count(), 2U);
  restart();
  EXPECT_EQ(count(), 0U);
}

TEST_F(JournalTest, FlushedFromVolatileToPersistent) {
  const auto volatile_file = log_.at(writer_.directory(false) + "/system.journal");
  const auto entries = [&](JournalWriter& writer) {
    writer.sshd("Invalid user a from 192.0.2.1 port 1").sshd(kInvalid);
  };
  entries(writer_);
  writer_.flush("system.journal", false);
  start();
  // journald writes the same entries anew, with numbers of another file.
  JournalWriter persistent(log_);
  entries(persistent);
  persistent.flush();
  std::filesystem::remove(volatile_file);
  round();
  EXPECT_EQ(count(), 0U);
  restart();
  EXPECT_EQ(count(), 0U);
  persistent.sshd(kInvalid).flush();
  round();
  EXPECT_EQ(count(), 1U);
}

TEST_F(JournalTest, BrokenFilesAreSkipped) {
  writer_.sshd(kInvalid).flush();
  const auto folder = log_.at(writer_.directory());
  std::ofstream(folder / "system@broken.journal") << std::string(100'000, 'x');
  std::ofstream(folder / "system@empty.journal");
  start();
  EXPECT_TRUE(newest());
  // The head is whole, the rest is garbage.
  writer_.sshd(kInvalid).sshd(kInvalid).flush("system@half.journal");
  {
    const auto file = folder / "system@half.journal";
    const base::Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    const std::string garbage(1U << 20U, '\xa5');
    ASSERT_GT(::pwrite(fd.get(), garbage.data(), garbage.size(), 4096), 0);
  }
  writer_.sshd("Invalid user last from 192.0.2.1 port 5").flush();
  round();
  EXPECT_GE(count(), 1U);
  EXPECT_EQ(newest()->message, "Invalid user last from 192.0.2.1 port 5");
  restart();
}

TEST_F(JournalTest, HostileMessages) {
  writer_.sshd("nothing").flush();
  start();
  const std::string binary("Invalid user \0\x1b[2J\xff\n from 192.0.2.1 port 5", 38);
  writer_.sshd(binary);
  writer_.sshd("Invalid user \x1b[2J\xff from 192.0.2.1 port 6");
  writer_.sshd("Invalid user " + std::string(1'000'000, 'a') + " from 192.0.2.1 port 5");
  writer_.sshd("x\nServer listening on 0.0.0.0 port 22.");
  writer_.sshd("");
  writer_.flush();
  round();
  EXPECT_EQ(count(), 1U);
  EXPECT_EQ(newest()->message, "Invalid user ?[2J? from 192.0.2.1 port 6");
  EXPECT_EQ(count(LogEvent::listen_ok), 0U);
}

TEST_F(JournalTest, AKeptPositionMayBeGarbage) {
  writer_.sshd(kInvalid).flush();
  for (const auto* cursor : {"garbage", "s=;i=;", "s=x;i=99999999999999999999", "i=1"}) {
    start(JournalPosition{cursor, 0});
    writer_.sshd(kInvalid).flush();
    round();
  }
}

class ImpatientClock final : public base::Clock {
 public:
  [[nodiscard]] base::SteadyTime steady() const override { return base::SteadyTime(++passed_); }
  [[nodiscard]] base::WallTime wall() const override { return {}; }

 private:
  mutable seconds passed_{0};
};

TEST_F(JournalTest, ABacklogIsReadInSeveralRounds) {
  writer_.sshd("nothing").flush();
  start();
  constexpr std::uint64_t kEntries = 2000;
  for (std::uint64_t i = 0; i < kEntries; ++i) writer_.sshd(kInvalid);
  writer_.flush();
  const ImpatientClock clock;
  Journal journal(log_.host(), clock, journal_->position());
  LogTally tally;
  int rounds = 1;
  while (journal.read(clock.steady() + seconds(2), tally)) ++rounds;
  EXPECT_EQ(tally.facts("journal")->of(LogEvent::invalid_user).count, kEntries);
  EXPECT_GE(rounds, 4);
}

TEST(JournalAccess, NoneDeniedReadable) {
  const test_support::LogHost log;
  EXPECT_EQ(journal_access(log.host()), JournalAccess::none);
  JournalWriter writer(log);
  std::filesystem::create_directories(log.at(writer.directory()));
  EXPECT_EQ(journal_access(log.host()), JournalAccess::none) << "no files";
  std::ofstream(log.at(writer.directory() + "/user-1000.journal"));
  EXPECT_EQ(journal_access(log.host()), JournalAccess::none) << "a user's";
  JournalWriter other(log, "ffffffffffffffffffffffffffffffff");
  other.sshd(kInvalid).flush();
  EXPECT_EQ(journal_access(log.host()), JournalAccess::none) << "another machine's";
  writer.sshd(kInvalid).flush("system.journal", false);
  EXPECT_EQ(journal_access(log.host()), JournalAccess::readable);
  if (::geteuid() != 0) GTEST_SKIP() << "needs another user's rights";
  std::filesystem::permissions(log.at("/"), std::filesystem::perms(0755));
  const auto denied = [&](const std::string& path) {
    std::filesystem::permissions(log.at(path), std::filesystem::perms(0600));
    const auto changed = ::seteuid(65534) == 0;
    const auto access = journal_access(log.host());
    return changed && ::seteuid(0) == 0 && access == JournalAccess::denied;
  };
  EXPECT_TRUE(denied(writer.directory(false) + "/system.journal"));
  EXPECT_TRUE(denied(writer.directory(false)));
  EXPECT_TRUE(denied("/run/log/journal"));
}

}  // namespace
}  // namespace local
