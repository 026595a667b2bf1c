// Real programs: to their end, past their deadline, past the limit of their output.

#include "local/program.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>

namespace {

using local::Host;
using local::ProgramEnd;
using std::chrono::milliseconds;
using std::chrono::seconds;

ProgramEnd shell(const std::string& script, base::Duration deadline = seconds(20)) {
  return local::run_program({{"/bin/sh", "-c", script}, deadline}, "");
}

TEST(Program, OutputAndExitStatus) {
  const auto end = shell("echo out; echo err >&2; exit 3");
  EXPECT_EQ(end.error, 0);
  EXPECT_FALSE(end.timed_out);
  EXPECT_EQ(end.exit_status, 3);
  EXPECT_EQ(end.out, "out\n");
  EXPECT_EQ(end.err, "err\n");
}

TEST(Program, MissingAndNotExecutable) {
  EXPECT_EQ(local::run_program({{"/nonexistent/sshd"}, seconds(20)}, "").error, ENOENT);
  EXPECT_EQ(local::run_program({{"/etc/passwd"}, seconds(20)}, "").error, EACCES);
  EXPECT_EQ(local::run_program({{"/bin/true"}, seconds(20)}, "/nonexistent").error, ENOENT);
}

TEST(Program, SignalEndsIt) {
  const auto end = shell("kill -TERM $$");
  EXPECT_EQ(end.signal, SIGTERM);
  EXPECT_EQ(end.exit_status, -1);
}

TEST(Program, HasNoInputAndHardlyAnEnvironment) {
  EXPECT_EQ(shell("cat").out, "");
  EXPECT_EQ(shell("env | grep -v '^\\(PWD\\|SHLVL\\|_\\|OLDPWD\\)=' | sort").out,
            "LC_ALL=C\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n");
}

TEST(Program, DeadlineKillsTheWholeGroup) {
  const auto begin = std::chrono::steady_clock::now();
  const auto end = shell("sleep 60 & sleep 60; echo never", milliseconds(200));
  EXPECT_TRUE(end.timed_out);
  EXPECT_EQ(end.out, "");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(30));
}

TEST(Program, DeadlineHoldsForAProgramThatClosesItsOutput) {
  EXPECT_TRUE(shell("exec >&- 2>&-; sleep 60", milliseconds(200)).timed_out);
}

TEST(Program, OutputIsBounded) {
  const auto end = shell("head -c 1500000 /dev/zero; head -c 1048576 /dev/zero >&2");
  EXPECT_EQ(end.exit_status, 0);
  EXPECT_EQ(end.out.size(), Host::kProgramOutputLimit);
  EXPECT_EQ(end.err.size(), Host::kProgramOutputLimit);
}

}  // namespace
