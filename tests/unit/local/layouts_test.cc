// What distributions do differently, as each collector sees it: names of units and their aliases,
// options in environment files, titles of processes, where the log is and how its lines begin.
// Configuration files of the same hosts are in configuration_collector_test.cc.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "local/collector.h"
#include "proc_folder.h"
#include "support/stepped_clock.h"

namespace local {
namespace {

using model::LogEvent;
using testing::ElementsAre;
using Words = std::vector<std::string>;

// A running server, as its release titles itself, and the connection of somebody who tries.
struct Layout {
  const char* name;
  const char* unit = "ssh.service";
  std::string title = "sshd: /usr/sbin/sshd -D [listener] 1 of 10-100 startups";
  std::string executable = "/usr/sbin/sshd";
  std::string session = "sshd: unknown [priv]";  // the process that serves the connection
  std::string session_file = "/usr/sbin/sshd";   // what that process runs
  Words command{"/usr/sbin/sshd", "-D"};
  const char* log = "/var/log/auth.log";
};

const std::vector<Layout>& layouts() {
  static const std::vector<Layout> kLayouts{
      {.name = "debian12"},
      {.name = "debian13",
       .session = "sshd-session: unknown [priv]",
       .session_file = "/usr/lib/openssh/sshd-session"},
      {.name = "ubuntu2404"},
      // From Fedora 38 on without the words of the crypto policy, which is an included file.
      {.name = "fedora",
       .unit = "sshd.service",
       .title = "sshd: /usr/sbin/sshd -D -u0 [listener] 1 of 10-100 startups",
       .executable = "/usr/bin/sshd",
       .session = "sshd-session: unknown [priv]",
       .session_file = "/usr/libexec/openssh/sshd-session",
       .command = {"/usr/sbin/sshd", "-D", "-u0"},
       .log = "/var/log/secure"},
  };
  return kLayouts;
}

std::string fixture(const Layout& layout) {
  return std::string(SOURCE_DIR) + "/tests/fixtures/host/" + layout.name;
}

TEST(Layouts, Processes) {
  const test_support::SteppedClock clock;
  for (const auto& layout : layouts()) {
    SCOPED_TRACE(layout.name);
    const ProcFolder folder;
    folder.process(10, {.command_line = layout.title, .executable = layout.executable});
    folder.write("proc/10/cgroup", std::string("0::/system.slice/") + layout.unit + "\n");
    folder.listening(10);
    folder.process(11, {.name = layout.session.substr(0, layout.session.find(':')),
                        .command_line = layout.session,
                        .parent = 10,
                        .executable = layout.session_file});
    folder.process(
        12, {.name = layout.session.substr(0, layout.session.find(':')),
             .command_line = layout.session.substr(0, layout.session.find(' ')) + " unknown [net]",
             .parent = 11,
             .executable = layout.session_file,
             .uid = 105});
    const Host host(folder.path());
    model::HostFacts facts;
    EXPECT_EQ(make_process_collector({host, clock, ""})->collect({}, facts), "");
    ASSERT_TRUE(facts.processes);
    ASSERT_EQ(facts.processes->servers.size(), 1U);
    const auto& server = facts.processes->servers[0];
    EXPECT_EQ(server.unit, layout.unit);
    EXPECT_EQ(server.command, layout.command);
    EXPECT_EQ(server.executable, layout.executable);
    ASSERT_TRUE(server.startups);
    EXPECT_EQ(server.startups->now, 1);
    EXPECT_EQ(facts.processes->unauthenticated, 1U);
    EXPECT_EQ(facts.processes->sessions, 0U);
  }
}

TEST(Layouts, Logs) {
  const test_support::SteppedClock clock;
  for (const auto& layout : layouts()) {
    SCOPED_TRACE(layout.name);
    const Host host(fixture(layout));
    const ProcFolder state;
    model::HostFacts facts;
    EXPECT_EQ(make_log_collector({host, clock, state.path()})->collect({}, facts), "");
    ASSERT_TRUE(facts.log);
    EXPECT_EQ(facts.log->source, layout.log);
    const auto& listen = facts.log->of(LogEvent::listen_ok).newest;
    ASSERT_TRUE(listen);
    EXPECT_EQ(listen->address, "::");
    EXPECT_EQ(listen->port, 22);
    const auto& user = facts.log->of(LogEvent::invalid_user).newest;
    ASSERT_TRUE(user);
    EXPECT_EQ(user->address, "192.0.2.7");
    EXPECT_EQ(user->time - listen->time, std::chrono::seconds(80));
    EXPECT_TRUE(facts.log->of(LogEvent::sigterm).newest);
    EXPECT_FALSE(facts.log->of(LogEvent::bind_failed).newest) << "that was another program";
  }
}

}  // namespace
}  // namespace local
