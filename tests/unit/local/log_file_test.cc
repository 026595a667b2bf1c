// A real file under everything that writers and log rotation do to it, and restarts in between.

#include "local/log_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/log_host.h"
#include "support/stepped_clock.h"

namespace local {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Lines = std::vector<std::string>;

constexpr const char* kLog = "/var/log/auth.log";

class LogFileTest : public ::testing::Test {
 protected:
  // As if the exporter were started: with the position of before, or none.
  void restart(bool with_position) {
    const auto position =
        with_position && file_ ? file_->position() : std::optional<FilePosition>();
    file_ = std::make_unique<LogFile>(log_.host(), Lines{kLog, "/var/log/secure"}, position);
  }
  void start() { restart(false); }

  // The fresh lines of one round; those of the past are in past_.
  Lines round() {
    Lines fresh;
    past_.clear();
    more_ = file_->read(clock_, clock_.steady() + seconds(3),
                        [&](std::string_view line, LogFile::Age age) {
                          (age == LogFile::Age::fresh ? fresh : past_).emplace_back(line);
                        });
    EXPECT_FALSE(more_);
    return fresh;
  }
  // Modification times order rotated files; the kernel stamps with its tick, up to 10 ms.
  static void tick() { std::this_thread::sleep_for(milliseconds(20)); }

  test_support::LogHost log_;
  test_support::SteppedClock clock_;
  std::unique_ptr<LogFile> file_;
  Lines past_;
  bool more_ = false;
};

TEST_F(LogFileTest, OldLinesArePastAndNewOnesFresh) {
  log_.write(kLog, "one\ntwo\n");
  start();
  EXPECT_EQ(round(), Lines{});
  EXPECT_EQ(past_, (Lines{"one", "two"}));
  EXPECT_EQ(file_->path(), kLog);
  log_.append(kLog, "three\nfour\n");
  EXPECT_EQ(round(), (Lines{"three", "four"}));
  EXPECT_EQ(round(), Lines{});
  EXPECT_EQ(past_, Lines{});
}

TEST_F(LogFileTest, LinesWrittenByHalves) {
  log_.write(kLog, "old\nhal");
  start();
  EXPECT_EQ(round(), Lines{});
  for (const auto c : std::string("f\nnext\nx")) log_.append(kLog, {&c, 1}), past_.clear();
  EXPECT_EQ(round(), (Lines{"half", "next"}));
  log_.append(kLog, "y");
  EXPECT_EQ(round(), Lines{});
  log_.append(kLog, "\n\n");
  EXPECT_EQ(round(), (Lines{"xy", ""}));
}

TEST_F(LogFileTest, ARestartLosesAndRepeatsNothing) {
  log_.write(kLog, "one\n");
  start();
  round();
  log_.append(kLog, "two\nthr");
  EXPECT_EQ(round(), Lines{"two"});
  log_.append(kLog, "ee\nfour\n");
  restart(true);
  EXPECT_EQ(round(), (Lines{"three", "four"}));
  EXPECT_EQ(past_, (Lines{"one", "two"}));
  restart(true);
  EXPECT_EQ(round(), Lines{});
  restart(false);
  EXPECT_EQ(round(), Lines{});
}

TEST_F(LogFileTest, TheFirstHalfLineIsFreshWhenItEnds) {
  log_.write(kLog, "one\nhal");
  start();
  round();
  restart(true);
  EXPECT_EQ(round(), Lines{});
  log_.append(kLog, "f\n");
  restart(true);
  EXPECT_EQ(round(), Lines{"half"});
}

TEST_F(LogFileTest, MissingAtStartThenWritten) {
  start();
  EXPECT_EQ(round(), Lines{});
  EXPECT_EQ(file_->problem(), "none of /var/log/auth.log, /var/log/secure");
  EXPECT_EQ(file_->path(), "");
  log_.write("/var/log/secure", "a\n");
  EXPECT_EQ(round(), Lines{"a"});
  EXPECT_EQ(file_->problem(), "");
  EXPECT_EQ(file_->path(), "/var/log/secure");
}

TEST_F(LogFileTest, APreferredFileThatAppearsIsFollowed) {
  log_.write("/var/log/secure", "old\n");
  start();
  round();
  log_.append("/var/log/secure", "new\n");
  log_.write(kLog, "first\n");
  EXPECT_EQ(round(), (Lines{"new", "first"}));
  EXPECT_EQ(file_->path(), kLog);
}

TEST_F(LogFileTest, NotAFile) {
  ASSERT_EQ(::mkfifo(log_.at(kLog).c_str(), 0600), 0);
  start();
  EXPECT_EQ(round(), Lines{});
  EXPECT_EQ(file_->problem(), "/var/log/auth.log is not a regular file");
  std::filesystem::remove(log_.at(kLog));
  std::filesystem::create_directory(log_.at(kLog));
  EXPECT_EQ(round(), Lines{});
  EXPECT_EQ(file_->problem(), "/var/log/auth.log is not a regular file");
}

TEST_F(LogFileTest, UnreadableThenReadable) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs another user's rights";
  log_.write(kLog, "old\n");
  std::filesystem::permissions(log_.at("/"), std::filesystem::perms(0755));
  std::filesystem::permissions(log_.at(kLog), std::filesystem::perms(0600));
  start();
  ASSERT_EQ(::seteuid(65534), 0);
  const auto denied = round();
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_EQ(denied, Lines{});
  EXPECT_EQ(file_->problem(), "/var/log/auth.log: Permission denied");
  EXPECT_EQ(file_->path(), "");
  EXPECT_EQ(round(), Lines{});
  EXPECT_EQ(past_, Lines{"old"});
  EXPECT_EQ(file_->problem(), "");
}

TEST_F(LogFileTest, UnreadableAfterRotation) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs another user's rights";
  log_.write(kLog, "old\n");
  std::filesystem::permissions(log_.at("/"), std::filesystem::perms(0755));
  start();
  round();
  log_.rename(kLog, "/var/log/auth.log.1");
  log_.write(kLog, "new\n");
  std::filesystem::permissions(log_.at(kLog), std::filesystem::perms(0600));
  ASSERT_EQ(::seteuid(65534), 0);
  const auto denied = round();
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_EQ(denied, Lines{});
  EXPECT_EQ(file_->problem(), "/var/log/auth.log: Permission denied");
  EXPECT_EQ(round(), Lines{"new"});
  EXPECT_EQ(file_->problem(), "");
}

// logrotate's default: rename, create, and only then tell the writer to open the new one.
TEST_F(LogFileTest, RotationByRename) {
  log_.write(kLog, "one\n");
  start();
  round();
  log_.append(kLog, "two\n");
  log_.rename(kLog, "/var/log/auth.log.1");
  EXPECT_EQ(round(), Lines{"two"}) << "no new file yet";
  log_.append("/var/log/auth.log.1", "three\n");
  log_.write(kLog, "");
  EXPECT_EQ(round(), Lines{"three"});
  log_.append("/var/log/auth.log.1", "four\n");
  EXPECT_EQ(round(), Lines{"four"}) << "the writer has not opened the new one";
  log_.append("/var/log/auth.log.1", "five\n");
  log_.append(kLog, "six\n");
  EXPECT_EQ(round(), (Lines{"five", "six"}));
  log_.append(kLog, "seven\n");
  EXPECT_EQ(round(), Lines{"seven"});
}

TEST_F(LogFileTest, SeveralRotationsBetweenRounds) {
  for (const auto names : {true, false}) {
    log_.write(kLog, "one\n");
    start();
    round();
    log_.append(kLog, "two\n");
    tick();
    const std::string first = names ? "/var/log/auth.log.2" : "/var/log/auth.log-20261124";
    const std::string second = names ? "/var/log/auth.log.1" : "/var/log/auth.log-20261125";
    log_.write("/var/log/auth.log.9.gz", "not text");
    log_.rename(kLog, first);
    log_.write(kLog, "three\n");
    tick();
    log_.rename(kLog, second);
    log_.write(kLog, "four\n");
    EXPECT_EQ(round(), (Lines{"two", "three", "four"})) << first;
    std::filesystem::remove(log_.at(first));
    std::filesystem::remove(log_.at(second));
  }
}

TEST_F(LogFileTest, RotationsWhileAway) {
  log_.write(kLog, "one\n");
  start();
  round();
  log_.append(kLog, "two\n");
  tick();
  log_.rename(kLog, "/var/log/auth.log.2");
  log_.write("/var/log/auth.log.1", "three\n");
  tick();
  restart(true);
  EXPECT_EQ(round(), (Lines{"two", "three"})) << "no new file yet";
  log_.write(kLog, "four\n");
  restart(true);
  EXPECT_EQ(round(), Lines{"four"});
  EXPECT_EQ(past_, Lines{"three"});
}

TEST_F(LogFileTest, Copytruncate) {
  log_.write(kLog, "one\ntwo\n");
  start();
  round();
  log_.append(kLog, "three\n");
  std::filesystem::copy_file(log_.at(kLog), log_.at("/var/log/auth.log.1"));
  std::filesystem::resize_file(log_.at(kLog), 0);
  EXPECT_EQ(round(), Lines{"three"}) << "from the copy";
  log_.append(kLog, "four\n");
  EXPECT_EQ(round(), Lines{"four"});
  EXPECT_EQ(round(), Lines{});
}

TEST_F(LogFileTest, CopytruncateWhileAwayAndGrownBeyond) {
  log_.write(kLog, "one\n");
  start();
  round();
  log_.append(kLog, "two\n");
  std::filesystem::copy_file(log_.at(kLog), log_.at("/var/log/auth.log.1"));
  std::filesystem::resize_file(log_.at(kLog), 0);
  log_.append(kLog, "three is longer than what was there before\n");
  restart(true);
  EXPECT_EQ(round(), (Lines{"two", "three is longer than what was there before"}));
}

TEST_F(LogFileTest, TruncatedWithoutACopy) {
  log_.write(kLog, "one\n");
  start();
  round();
  std::filesystem::resize_file(log_.at(kLog), 0);
  log_.append(kLog, "new\nlonger than before\n");
  EXPECT_EQ(round(), (Lines{"new", "longer than before"}));
  std::filesystem::resize_file(log_.at(kLog), 0);
  EXPECT_EQ(round(), Lines{});
  log_.append(kLog, "half");
  EXPECT_EQ(round(), Lines{});
  std::filesystem::resize_file(log_.at(kLog), 0);
  log_.append(kLog, "x\n");
  EXPECT_EQ(round(), Lines{"x"});
}

// A writer without O_APPEND goes on at its old offset: zeros come before its next line.
TEST_F(LogFileTest, TruncatedUnderAWriterThatDoesNotAppend) {
  log_.write(kLog, std::string(300'000, 'a') + "\n");
  start();
  round();
  std::filesystem::resize_file(log_.at(kLog), 0);
  const base::Fd file(::open(log_.at(kLog).c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::pwrite(file.get(), "new\n", 4, 8'000'000'001), 4);
  EXPECT_EQ(round(), Lines{"new"});
}

TEST_F(LogFileTest, ReplacedWhileAway) {
  log_.write(kLog, "one\ntwo\n");
  start();
  round();
  std::filesystem::remove(log_.at(kLog));
  log_.write(kLog, "another log, which may have the same inode\n");
  restart(true);
  EXPECT_EQ(round(), Lines{"another log, which may have the same inode"});
}

// sed -i and editors write a new file with the old content.
TEST_F(LogFileTest, RewrittenWithTheSameContent) {
  log_.write(kLog, "one\ntwo\n");
  start();
  round();
  log_.append(kLog, "three\n");
  log_.rename(kLog, "/var/log/old");
  log_.write(kLog, "one\ntwo\nthree\n");
  restart(true);
  EXPECT_EQ(round(), Lines{"three"});
}

TEST_F(LogFileTest, VanishedAndWrittenAgain) {
  log_.write(kLog, "one\n");
  start();
  round();
  std::filesystem::remove(log_.at(kLog));
  EXPECT_EQ(round(), Lines{});
  EXPECT_EQ(file_->problem(), "");
  log_.write(kLog, "two\n");
  EXPECT_EQ(round(), Lines{"two"});
}

TEST_F(LogFileTest, LongLinesAreSkippedWhole) {
  const std::string huge(1'000'000, 'a');
  log_.write(kLog, "");
  start();
  round();
  log_.append(kLog, huge);
  EXPECT_EQ(round(), Lines{});
  const auto before = file_->position();
  log_.append(kLog, huge + "Nov 25 02:46:06 host sshd[1]: Server listening on :: port 22.");
  EXPECT_EQ(round(), Lines{});
  EXPECT_EQ(file_->position(), before) << "a restart must not begin in the line's middle";
  restart(true);
  EXPECT_EQ(round(), Lines{});
  log_.append(kLog, "\nnext\n");
  EXPECT_EQ(round(), Lines{"next"});
  const std::string fits(LogFile::kLineLimit, 'b');
  log_.append(kLog, fits);
  EXPECT_EQ(round(), Lines{});
  log_.append(kLog, "\n");
  EXPECT_EQ(round(), Lines{fits});
}

TEST_F(LogFileTest, ZerosOfACrashAreNoPartOfALine) {
  log_.write(kLog, "");
  start();
  round();
  log_.append(kLog, "one\n" + std::string(5000, '\0') + "two\n");
  EXPECT_EQ(round(), (Lines{"one", "two"}));
  log_.append(kLog, std::string(5000, '\0'));
  EXPECT_EQ(round(), Lines{});
  log_.append(kLog, "three\n");
  EXPECT_EQ(round(), Lines{"three"});
}

TEST_F(LogFileTest, AHugeLogIsNotReadFromItsBeginning) {
  log_.write(kLog, "first\n");
  std::filesystem::resize_file(log_.at(kLog), 10'000'000'000);
  log_.append(kLog, "\nlast\n");
  start();
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(round(), Lines{});
  EXPECT_EQ(past_, Lines{"last"});
  log_.append(kLog, "new\n");
  restart(true);
  EXPECT_EQ(round(), Lines{"new"});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(2));
}

TEST_F(LogFileTest, TheLookBackIsBoundedAndBeginsWithAWholeLine) {
  std::string text;
  for (int i = 0; text.size() < 2 * LogFile::kLookBack; ++i) text += std::to_string(i) + " line\n";
  log_.write(kLog, text);
  start();
  round();
  std::string seen;
  for (const auto& line : past_) seen += line + "\n";
  EXPECT_TRUE(text.ends_with(seen));
  EXPECT_LE(seen.size(), LogFile::kLookBack);
  EXPECT_GT(seen.size(), LogFile::kLookBack - 20);
  EXPECT_EQ(text[text.size() - seen.size() - 1], '\n');
}

class ImpatientClock final : public base::Clock {
 public:
  [[nodiscard]] base::SteadyTime steady() const override { return base::SteadyTime(++passed_); }
  [[nodiscard]] base::WallTime wall() const override { return {}; }

 private:
  mutable seconds passed_{0};
};

TEST_F(LogFileTest, ABacklogIsReadInSeveralRoundsAndAfterRestarts) {
  log_.write(kLog, "");
  start();
  round();
  std::string text;
  for (int i = 0; text.size() < 20 * LogFile::kChunk; ++i) text += std::to_string(i) + " line\n";
  log_.append(kLog, text);
  const ImpatientClock clock;
  std::string seen;
  int rounds = 1;
  while (
      file_->read(clock, clock.steady() + seconds(3), [&](std::string_view line, LogFile::Age age) {
        if (age == LogFile::Age::fresh) seen.append(line).append("\n");
      })) {
    if (++rounds % 2 == 0) restart(true);
  }
  EXPECT_EQ(seen, text);
  EXPECT_GT(rounds, 5);
}

// Whatever happens between rounds: each line once, in order.
TEST_F(LogFileTest, RandomRotations) {
  std::mt19937 random(11);
  log_.write(kLog, "");
  start();
  round();
  Lines written;
  Lines seen;
  int rotated = 0;
  for (int i = 0; i < 400; ++i) {
    const auto line = "line " + std::to_string(i) + std::string(random() % 300, '.');
    written.push_back(line);
    log_.append(kLog, line + "\n");
    if (random() % 10 == 0) {
      tick();
      log_.rename(kLog, "/var/log/auth.log." + std::to_string(++rotated));
      log_.write(kLog, "");
    }
    if (random() % 5 == 0) restart(true);
    if (random() % 3 == 0) {
      for (auto& found : round()) seen.push_back(std::move(found));
    }
  }
  for (auto& found : round()) seen.push_back(std::move(found));
  EXPECT_EQ(seen, written);
  EXPECT_GT(rotated, 20);
}

}  // namespace
}  // namespace local
