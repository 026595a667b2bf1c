// Which of many processes are the host's SSH servers, and who is logged in.

#include "local/process_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proc_folder.h"

namespace local {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class Table : public testing::Test {
 protected:
  [[nodiscard]] std::vector<pid_t> servers() const {
    const Host host(folder_.path());
    const auto table = read_process_table(host);
    std::vector<pid_t> pids;
    for (const auto* process : find_servers(host, table)) pids.push_back(process->pid);
    return pids;
  }
  [[nodiscard]] std::pair<unsigned, unsigned> connections() const {
    const Host host(folder_.path());
    const auto table = read_process_table(host);
    const auto counted = count_connections(table, find_servers(host, table));
    return {counted.authenticated, counted.unauthenticated};
  }
  void title(int pid, const std::string& text, int parent = 10, int uid = 0,
             const std::string& name = "sshd") const {
    folder_.process(pid, {.name = name, .command_line = text, .parent = parent, .uid = uid});
  }
  const ProcFolder folder_;
};

TEST_F(Table, ListenerByItsTitle) {
  title(10, kListenerTitle, 1);
  folder_.process(12, {.name = "bash", .command_line = kListenerTitle});
  EXPECT_THAT(servers(), ElementsAre(10));
}

TEST_F(Table, OldAndCutListenersByTheirSockets) {
  title(10, "/usr/sbin/sshd\0-D\0"s, 1);
  title(20, "sshd: /usr/sbin/sshd -D -o Cip", 1);
  title(30, "/usr/sbin/sshd\0-D\0"s, 1);
  title(40, "/usr/sbin/sshd\0-i\0"s, 1);
  EXPECT_THAT(servers(), ElementsAre(10, 20, 30)) << "descriptors may not be read";
  for (const int pid : {10, 20, 40}) folder_.listening(pid);
  folder_.write("proc/30/fd/x", "");
  EXPECT_THAT(servers(), ElementsAre(10, 20, 40)) << "they may";
}

TEST_F(Table, StrangersWithTheName) {
  folder_.process(10, {.command_line = kListenerTitle, .uid = 1000});
  folder_.process(11, {.command_line = kListenerTitle, .executable = "/usr/bin/python3.11"});
  folder_.process(12, {.command_line = kListenerTitle, .network = "net:[2]"});
  folder_.process(13, {.command_line = kListenerTitle, .state = 'Z'});
  EXPECT_THAT(servers(), IsEmpty());
  EXPECT_EQ(connections(), std::pair(0U, 0U));
}

TEST_F(Table, ProgramsThatMayNotBeReadOrWereReplaced) {
  folder_.process(10, {.command_line = kListenerTitle, .executable = ""});
  folder_.process(
      11, {.command_line = kListenerTitle, .executable = "/usr/sbin/sshd.dpkg-tmp (deleted)"});
  EXPECT_THAT(servers(), ElementsAre(10, 11));
}

TEST_F(Table, ServersStartedFromASession) {
  title(10, kListenerTitle, 1);
  title(20, "sshd: root@notty");
  title(30, "sshd: /usr/sbin/sshd -p 2222 [listener] 0 of 10-100 startups", 20);
  EXPECT_THAT(servers(), ElementsAre(10, 30));
  EXPECT_EQ(connections(), std::pair(1U, 0U));
}

TEST_F(Table, Dropbear) {
  folder_.process(10, {.name = "dropbear",
                       .command_line = "/usr/sbin/dropbear\0-F\0"s,
                       .executable = "/usr/bin/dropbearmulti"});
  folder_.process(11, {.name = "dropbear", .parent = 10, .executable = "/usr/bin/dropbearmulti"});
  EXPECT_THAT(servers(), ElementsAre(10));
  folder_.process(12, {.name = "dropbear", .executable = "/usr/bin/dropbearmulti"});
  folder_.write("proc/12/fd/x", "");
  folder_.listening(10);
  EXPECT_THAT(servers(), ElementsAre(10)) << "what is left of a server before";
  EXPECT_EQ(connections(), std::pair(0U, 0U));
}

// As measured with OpenSSH 9.2.
TEST_F(Table, ConnectionsOfOneBinary) {
  title(10, kListenerTitle, 1);
  title(20, "sshd: root@notty");
  title(30, "sshd: plain [priv]");
  title(31, "sshd: plain@pts/2,pts/3", 30, 2003);
  title(40, "sshd: us@er [priv]");
  title(41, "sshd: us@er", 40, 2001);
  title(50, "sshd: plain [priv]");
  title(51, "sshd: plain [net]", 50, 103);
  title(60, "sshd: unknown [priv]");
  title(61, "sshd: unknown [net]", 60, 103);
  title(70, "sshd: [accepted]");
  title(80, kListenerTitle, 10);
  title(90, "/usr/sbin/sshd\0-D\0-R\0"s, 10);
  EXPECT_THAT(servers(), ElementsAre(10));
  EXPECT_EQ(connections(), std::pair(3U, 5U));
}

// As measured with OpenSSH 10.0.
TEST_F(Table, ConnectionsOfSshdSession) {
  const auto session = [this](int pid, const std::string& text, int parent = 10, int uid = 0) {
    title(pid, text, parent, uid, "sshd-session");
  };
  title(10, kListenerTitle, 1);
  session(20, "sshd-session: root [priv]");
  session(21, "sshd-session: root@notty", 20);
  session(30, "sshd-session: plain [priv]");
  session(31, "sshd-session: plain@pts/0", 30, 2003);
  session(40, "sshd-session: plain [priv]");
  title(41, "sshd-auth: plain [net]", 40, 997, "sshd-auth");
  session(50, "sshd-session: [accepted]");
  session(60, "/usr/lib/openssh/sshd-session\0-D\0-R\0"s);
  title(61, "/usr/lib/openssh/sshd-auth\0-D\0-R\0"s, 60, 0, "sshd-auth");
  EXPECT_THAT(servers(), ElementsAre(10));
  EXPECT_EQ(connections(), std::pair(2U, 3U));
}

TEST_F(Table, SessionsOutliveTheirServer) {
  title(20, "sshd: root@notty", 1);
  title(30, "sshd: plain [priv]", 1);
  title(31, "sshd: plain@pts/0", 30, 2003);
  title(50, "sshd: plain [priv]", 1);
  title(51, "sshd: plain [net]", 50, 103);
  EXPECT_THAT(servers(), IsEmpty());
  EXPECT_EQ(connections(), std::pair(2U, 1U));
}

TEST_F(Table, NamesThatLookLikeTitles) {
  title(10, kListenerTitle, 1);
  title(20, "sshd: a [net] [priv]");
  title(21, "sshd: a [net]", 20, 2001);
  title(30, "sshd: b [priv] [priv]");
  title(31, "sshd: b [priv]@notty", 30, 2001);
  title(40, "sshd: [accepted] [priv]");
  title(41, "sshd: [accepted]", 40, 2001);
  EXPECT_EQ(connections(), std::pair(3U, 0U));
}

TEST_F(Table, HiddenProcesses) {
  title(10, kListenerTitle, 1);
  const Host host(folder_.path());
  EXPECT_TRUE(read_process_table(host).complete);
  folder_.remove("proc/1");
  EXPECT_FALSE(read_process_table(host).complete);
  folder_.remove("proc");
  EXPECT_EQ(read_process_table(host).error, "/proc cannot be read");
}

TEST_F(Table, FilesThatVanishOrHoldGarbage) {
  title(10, kListenerTitle, 1);
  for (const auto* file : {"comm", "stat", "status", "cmdline"}) {
    title(20, kListenerTitle, 1);
    folder_.remove("proc/20/"s + file);
    EXPECT_THAT(servers(), ElementsAre(10)) << file;
    folder_.write("proc/20/"s + file, "\0\xff garbage ) ( \n"s);
    EXPECT_THAT(servers(), ElementsAre(10)) << file;
  }
  folder_.remove("proc/20");
  for (const auto* name : {"0", "-5", "99999999999", "10x"}) {
    folder_.write("proc/"s + name + "/comm", "sshd\n");
  }
  EXPECT_THAT(servers(), ElementsAre(10));
}

}  // namespace
}  // namespace local
