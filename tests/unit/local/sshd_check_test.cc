// sshd's words as OpenSSH 9.2 and 10.0 write them, lines ended for a terminal.

#include "local/sshd_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include "base/text.h"

namespace {

using local::interpret_check;
using local::ProgramEnd;
using model::ConfigProblem;

constexpr const char* kFile = "/etc/ssh/sshd_config";

ProgramEnd ended(int status, const std::string& err) {
  ProgramEnd end;
  end.exit_status = status;
  end.err = err;
  return end;
}

struct Case {
  int status;
  const char* err;
  ConfigProblem problem;
  const char* file;
  int line;
  const char* message;
};

TEST(SshdCheck, NamesFileAndLine) {
  for (const auto& c : std::vector<Case>{
           {255,
            "/etc/ssh/sshd_config: line 2: Bad configuration option: Bogus\r\n"
            "/etc/ssh/sshd_config: line 3: Bad configuration option: Bogus2\r\n"
            "/etc/ssh/sshd_config: terminating, 2 bad configuration options\r\n",
            ConfigProblem::configuration, kFile, 2, "Bad configuration option: Bogus"},
           {255, "/etc/ssh/sshd_config line 2: Badly formatted port number.\r\n",
            ConfigProblem::configuration, kFile, 2, "Badly formatted port number."},
           {255,
            "/etc/ssh/sshd_config line 2: no argument after keyword \"Port\"\r\n"
            "/etc/ssh/sshd_config: terminating, 1 bad configuration options\r\n",
            ConfigProblem::configuration, kFile, 2, "no argument after keyword \"Port\""},
           {255,
            "Unsupported Match attribute foo\r\n/etc/ssh/sshd_config line 7: Bad Match "
            "condition\r\n",
            ConfigProblem::configuration, kFile, 7,
            "Bad Match condition: Unsupported Match attribute foo"},
           {255, "/etc/ssh/with line in it line 3: Directive 'Port' is not allowed\r\n",
            ConfigProblem::configuration, "/etc/ssh/with line in it", 3,
            "Directive 'Port' is not allowed"},
           // What is only a warning is not the reason.
           {255,
            "/etc/ssh/sshd_config line 2: Deprecated option UsePrivilegeSeparation\r\n"
            "/etc/ssh/sshd_config.d/x.conf: line 3: Bad configuration option: Bogus\r\n",
            ConfigProblem::configuration, "/etc/ssh/sshd_config.d/x.conf", 3,
            "Bad configuration option: Bogus"},
           {255, "bad addr or host: host.invalid (Name or service not known)\r\n",
            ConfigProblem::configuration, "", 0,
            "bad addr or host: host.invalid (Name or service not known)"},
           {255, "Too many recursive configuration includes\r\n", ConfigProblem::configuration, "",
            0, "Too many recursive configuration includes"},
           {1, "/etc/ssh/sshd_config: No such file or directory\n", ConfigProblem::configuration,
            kFile, 0, "No such file or directory"},
           {1, "command-line: line 0: Bad configuration option: Bogus\r\n",
            ConfigProblem::configuration, "", 0,
            "command-line: line 0: Bad configuration option: Bogus"},
           {255, "AuthorizedKeysCommand set without AuthorizedKeysCommandUser\r\n",
            ConfigProblem::configuration, "", 0,
            "AuthorizedKeysCommand set without AuthorizedKeysCommandUser"},
       }) {
    const auto check = interpret_check(ended(c.status, c.err), kFile);
    ASSERT_TRUE(check) << c.err;
    EXPECT_EQ(check->problem, c.problem) << c.err;
    EXPECT_EQ(check->file, c.file) << c.err;
    EXPECT_EQ(check->line, c.line) << c.err;
    EXPECT_EQ(check->message, c.message) << c.err;
  }
}

TEST(SshdCheck, OtherProblems) {
  for (const auto& c : std::vector<Case>{
           {1,
            "Unable to load host key: /etc/k1\r\nUnable to load host key \"/etc/k2\": bad "
            "permissions\r\nsshd: no hostkeys available -- exiting.\r\n",
            ConfigProblem::host_keys, "", 0, "Unable to load host key: /etc/k1"},
           {1, "sshd: no hostkeys available -- exiting.\r\n", ConfigProblem::host_keys, "", 0,
            "sshd: no hostkeys available -- exiting."},
           {127,
            "/usr/sbin/sshd: error while loading shared libraries: libcrypto.so.3: file too "
            "short\n",
            ConfigProblem::program, "", 0,
            "/usr/sbin/sshd: error while loading shared libraries: libcrypto.so.3: file too "
            "short"},
           {255, "Privilege separation user sshd does not exist\r\n", ConfigProblem::other, "", 0,
            "Privilege separation user sshd does not exist"},
           {255,
            "/etc/ssh/sshd_config line 2: Deprecated option UsePrivilegeSeparation\r\n"
            "Something new\r\n",
            ConfigProblem::other, "", 0, "Something new"},
           {1, "Bad port number.\n", ConfigProblem::other, "", 0, "Bad port number."},
           {3, "", ConfigProblem::other, "", 0, "it ended with status 3 and no word"},
       }) {
    const auto check = interpret_check(ended(c.status, c.err), kFile);
    ASSERT_TRUE(check) << c.err;
    EXPECT_EQ(check->problem, c.problem) << c.err;
    EXPECT_EQ(check->file, c.file) << c.err;
    EXPECT_EQ(check->message, c.message) << c.err;
  }
}

TEST(SshdCheck, RuntimeDirectory) {
  auto check =
      interpret_check(ended(255, "Missing privilege separation directory: /run/sshd\r\n"), kFile);
  ASSERT_TRUE(check);
  EXPECT_EQ(check->problem, ConfigProblem::runtime_directory);
  EXPECT_EQ(check->directory, "/run/sshd");
  check = interpret_check(
      ended(255, "/run/sshd must be owned by root and not group or world-writable.\r\n"), kFile);
  ASSERT_TRUE(check);
  EXPECT_EQ(check->problem, ConfigProblem::runtime_directory);
  EXPECT_EQ(check->directory, "/run/sshd");
}

TEST(SshdCheck, ValidWithWarnings) {
  const auto check = interpret_check(
      ended(0, "/etc/ssh/sshd_config line 3: Deprecated option UsePrivilegeSeparation\r\n"), kFile);
  ASSERT_TRUE(check);
  EXPECT_EQ(check->problem, ConfigProblem::none);
  EXPECT_EQ(check->message, "");
}

TEST(SshdCheck, NoVerdictIsNoAccusation) {
  ProgramEnd end;
  end.timed_out = true;
  EXPECT_FALSE(interpret_check(end, kFile));
  EXPECT_EQ(no_verdict_reason(end), "it did not end in time");
  for (const int error : {EPERM, EAGAIN, ENOMEM, EMFILE}) {
    end = {};
    end.error = error;
    EXPECT_FALSE(interpret_check(end, kFile)) << error;
  }
  for (const int signal : {SIGKILL, SIGTERM, SIGSYS}) {
    end = {};
    end.signal = signal;
    EXPECT_FALSE(interpret_check(end, kFile)) << signal;
  }
  EXPECT_FALSE(
      interpret_check(ended(1, "Couldn't open /dev/null: No such file or directory\n"), kFile));
}

TEST(SshdCheck, ProgramThatCannotRun) {
  for (const int error : {EACCES, ENOEXEC, ENOENT}) {
    ProgramEnd end;
    end.error = error;
    const auto check = interpret_check(end, kFile);
    ASSERT_TRUE(check) << error;
    EXPECT_EQ(check->problem, ConfigProblem::program) << error;
  }
  ProgramEnd end;
  end.signal = SIGSEGV;
  EXPECT_EQ(interpret_check(end, kFile)->problem, ConfigProblem::program);
}

TEST(SshdCheck, StrangeWordsAreBoundedAndPrintable) {
  const auto check = interpret_check(
      ended(255, "/etc/x\x1b line 1: \x1b[31m" + std::string(5000, '\xff') + "\r\n"), kFile);
  ASSERT_TRUE(check);
  EXPECT_EQ(check->line, 1);
  EXPECT_LE(check->message.size(), 300U);
  EXPECT_TRUE(base::is_valid_utf8(check->message));
  EXPECT_EQ(check->file, "/etc/x?");
}

TEST(SshdCheck, RejectedKeys) {
  const auto keys = local::rejected_host_keys(
      "Unable to load host key \"/etc/a b\": bad permissions\r\nUnable to load host key: /etc/a "
      "b\r\nUnable to load host key: /etc/c\r\n");
  EXPECT_THAT(keys, testing::UnorderedElementsAre(testing::Pair("/etc/a b", "bad permissions"),
                                                  testing::Pair("/etc/c", "")));
}

}  // namespace
