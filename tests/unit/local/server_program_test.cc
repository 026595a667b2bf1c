#include "local/server_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "support/fake_host.h"
#include "support/root_folder.h"

namespace {

using local::find_server;
using local::sshd_options;
using test_support::FakeHost;
using test_support::RootFolder;
using testing::ElementsAre;
using testing::IsEmpty;
using Words = std::vector<std::string>;

class ServerProgram : public testing::Test {
 protected:
  void install(const std::string& path, mode_t mode = 0755) const { root_.write(path, "", mode); }

  void add_process(pid_t pid, const std::string& name, const Words& command,
                   const std::string& uids = "0\t0\t0\t0") {
    const auto directory = "/proc/" + std::to_string(pid);
    root_.write("/proc/1/stat", "1 (systemd) S\n");
    root_.write(directory + "/status", "Name:\t" + name + "\nUid:\t" + uids + "\nGid:\t0\n");
    std::string words = name + ": ";
    for (const auto& word : command) words += word + " ";
    root_.write(directory + "/cmdline", words + "[listener] 0 of 10-100 startups");
    std::filesystem::remove(root_.at(directory + "/root"));
    std::filesystem::create_directory_symlink(root_.path(), root_.at(directory + "/root"));
    model::ServerProcess process;
    process.pid = pid;
    process.name = name;
    process.command = command;
    process.executable = command.front();
    processes_.servers.push_back(process);
  }

  void add_unit(const std::string& name, const Words& command, const std::string& state) {
    model::UnitFacts unit;
    unit.name = name;
    unit.active_state = state;
    unit.service.emplace().start_command = command;
    units_.units.push_back(unit);
  }

  [[nodiscard]] local::ServerProgram find() const {
    model::HostFacts known;
    known.processes = std::make_shared<const model::ProcessFacts>(processes_);
    known.systemd = std::make_shared<const model::SystemdFacts>(units_);
    return find_server(FakeHost(root_.path()), known);
  }

  RootFolder root_;
  model::ProcessFacts processes_;
  model::SystemdFacts units_;
};

TEST_F(ServerProgram, NoneIsInstalled) {
  EXPECT_EQ(find().name, "");
  EXPECT_EQ(find().binary, "");
}

TEST_F(ServerProgram, WhereDistributionsPutIt) {
  for (const auto* path : {"/usr/local/sbin/sshd", "/usr/bin/sshd", "/usr/sbin/sshd"}) {
    install(path);
    EXPECT_EQ(find().binary, path);
  }
  EXPECT_EQ(find().name, "sshd");
}

TEST_F(ServerProgram, ProcessBeforeUnit) {
  install("/usr/sbin/sshd");
  install("/opt/ssh/sbin/sshd");
  add_unit("ssh.service", {"/usr/sbin/sshd", "-D", "-p", "1", "$SSHD_OPTS", ""}, "active");
  EXPECT_EQ(find().binary, "/usr/sbin/sshd");
  EXPECT_THAT(find().words, ElementsAre("-D", "-p", "1"));
  add_process(100, "sshd", {"/opt/ssh/sbin/sshd", "-p", "2"});
  EXPECT_EQ(find().binary, "/opt/ssh/sbin/sshd");
  EXPECT_THAT(find().words, ElementsAre("-p", "2"));
}

TEST_F(ServerProgram, OnlyRootsProcessesAreBelieved) {
  install("/usr/sbin/sshd");
  install("/tmp/evil/sshd");
  add_process(100, "sshd", {"/tmp/evil/sshd", "-f", "/etc/shadow"}, "1000\t1000\t1000\t1000");
  EXPECT_EQ(find().binary, "/usr/sbin/sshd");
  EXPECT_THAT(find().words, IsEmpty());
  processes_.servers.clear();
  add_process(100, "sshd", {"/tmp/evil/sshd"}, "1000\t0\t0\t0");
  EXPECT_EQ(find().binary, "/usr/sbin/sshd") << "a program that has become root";
}

TEST_F(ServerProgram, ContainersProcessesAreNotThisHosts) {
  install("/usr/sbin/sshd");
  add_process(100, "sshd", {"/usr/sbin/sshd", "-p", "2"});
  EXPECT_THAT(find().words, ElementsAre("-p", "2"));
  std::filesystem::remove(root_.at("/proc/100/root"));
  std::filesystem::create_directories(root_.at("/proc/100/root"));
  EXPECT_THAT(find().words, IsEmpty());
}

TEST_F(ServerProgram, NumberThatPassedToAnotherProcess) {
  install("/usr/sbin/sshd");
  add_process(100, "sshd", {"/usr/sbin/sshd", "-f", "/etc/shadow"});
  root_.write("/proc/100/cmdline", "sshd: [accepted]");
  EXPECT_THAT(find().words, IsEmpty());
}

TEST_F(ServerProgram, ProgramThatOthersCanReplaceIsNotRun) {
  install("/usr/sbin/sshd", 0777);
  EXPECT_EQ(find().binary, "");
  install("/usr/sbin/sshd", 0755);
  EXPECT_EQ(find().binary, "/usr/sbin/sshd");
  std::filesystem::permissions(root_.at("/usr/sbin"), std::filesystem::perms(0777));
  EXPECT_EQ(find().binary, "");
}

TEST_F(ServerProgram, DropbearWhereItIsInUse) {
  install("/usr/sbin/dropbear");
  EXPECT_EQ(find().name, "") << "a program that nothing starts";
  EXPECT_EQ(find_server(FakeHost(root_.path()), {}).name, "dropbear") << "without systemd";
  add_unit("dropbear.service", {"/usr/sbin/dropbear", "-F"}, "inactive");
  EXPECT_EQ(find().name, "dropbear");
  install("/usr/sbin/sshd");
  EXPECT_EQ(find().name, "sshd");
  add_process(7, "dropbear", {"/usr/sbin/dropbear", "-p", "22"});
  EXPECT_EQ(find().name, "dropbear");
  add_unit("ssh.service", {"/usr/sbin/sshd", "-D"}, "failed");
  EXPECT_EQ(find().name, "sshd");
}

TEST_F(ServerProgram, DefaultsFileWithoutSystemd) {
  install("/usr/sbin/sshd");
  root_.write("/etc/default/ssh", "# x\nSSHD_OPTS=\nSSHD_OPTS=\"-p 2222 -4\"\n");
  EXPECT_THAT(find().words, ElementsAre("-p", "2222", "-4"));
  const RootFolder other;
  other.write("/usr/sbin/dropbear", "", 0755);
  other.write("/etc/default/dropbear", "DROPBEAR_PORT=2022\nDROPBEAR_EXTRA_ARGS='-w -s'\n");
  EXPECT_THAT(find_server(FakeHost(other.path()), {}).words, ElementsAre("-p", "2022", "-w", "-s"));
}

TEST(FindServer, RunningSshdOfThisMachine) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs a process of root";
  if (::access("/usr/sbin/sshd", X_OK) != 0) GTEST_SKIP() << "no /usr/sbin/sshd";
  // Ourselves in its place: root's, on this root file system, with these words.
  model::ServerProcess process;
  process.pid = ::getpid();
  process.name = "sshd";
  process.executable = "/usr/sbin/sshd";
  const local::Host host;
  const auto line = host.read("/proc/self/cmdline").text;
  process.command = {"", line.substr(0, line.find('\0'))};
  model::ProcessFacts processes;
  processes.servers.push_back(process);
  model::HostFacts known;
  known.processes = std::make_shared<const model::ProcessFacts>(processes);
  const auto server = find_server(host, known);
  EXPECT_EQ(server.binary, "/usr/sbin/sshd");
  EXPECT_THAT(server.words, ElementsAre(process.command.back())) << "it is believed";
}

TEST(SshdOptions, PassesOnWhatMatters) {
  const auto options = sshd_options({"-D",       "-e", "-f",   "/etc/f", "-p2222", "-dDp", "23",
                                     "-oPort=5", "-o", "X y",  "-4",     "-h",     "/k",   "-g",
                                     "30",       "-E", "/log", "-C",     "user=x", "-u0",  "-R"});
  EXPECT_EQ(options.file, "/etc/f");
  EXPECT_THAT(options.arguments, ElementsAre("-f", "/etc/f", "-p", "2222", "-p", "23", "-o",
                                             "Port=5", "-o", "X y", "-4", "-h", "/k", "-g", "30"));
  EXPECT_TRUE(options.ports_given);
}

TEST(SshdOptions, NothingAndNonsense) {
  EXPECT_EQ(sshd_options({}).file, "/etc/ssh/sshd_config");
  EXPECT_THAT(sshd_options({"-p"}).arguments, IsEmpty());
  EXPECT_THAT(sshd_options({"operand", "-p", "22"}).arguments, IsEmpty());
  EXPECT_THAT(sshd_options({"--", "-p", "22"}).arguments, IsEmpty());
}

}  // namespace
