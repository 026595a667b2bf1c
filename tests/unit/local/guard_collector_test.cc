// Processes that are named like those that ban: real ones, and folders that stand for /proc.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "local/collector.h"
#include "support/child.h"
#include "support/fake_host.h"
#include "support/host_folder.h"
#include "support/stepped_clock.h"

namespace {

using std::chrono::milliseconds;
using test_support::FakeHost;
using test_support::HostFolder;
using test_support::Process;
using test_support::SteppedClock;
using Names = std::vector<std::string>;

class Looker {
 public:
  explicit Looker(std::filesystem::path root = "/") : host_(std::move(root)) {
    collector_ = local::make_guard_collector({host_, clock_, ""});
  }
  std::shared_ptr<const model::GuardFacts> look() {
    model::HostFacts facts;
    problem_ = collector_->collect({}, facts);
    return facts.guards;
  }
  Names running() {
    const auto facts = look();
    return facts ? facts->running : Names{"(not known)"};
  }
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  FakeHost host_;
  SteppedClock clock_;
  std::unique_ptr<local::Collector> collector_;
  std::string problem_;
};

class Guards : public testing::Test {
 protected:
  void process(int pid, const std::string& name, const Names& command) const {
    const auto directory = "proc/" + std::to_string(pid);
    std::string text;
    for (const auto& word : command) text += word + '\0';
    folder_.write(directory + "/comm", name + "\n");
    folder_.write(directory + "/cmdline", text);
  }
  HostFolder folder_;
};

TEST_F(Guards, None) {
  Looker looker(folder_.path());
  EXPECT_EQ(looker.running(), Names{});
  EXPECT_EQ(looker.problem(), "");
}

TEST_F(Guards, EachByTheCommandsOfItsPackages) {
  struct Case {
    std::string name;
    Names command;
    std::string guard;
  };
  const std::vector<Case> cases{
      {"fail2ban-server",
       {"/usr/bin/python3", "/usr/bin/fail2ban-server", "-xf", "start"},
       "fail2ban"},
      {"python3", {"python3", "-s", "/usr/bin/fail2ban-server", "-xf", "start"}, "fail2ban"},
      {"python3.11", {"/usr/bin/python3.11", "/usr/bin/fail2ban-server"}, "fail2ban"},
      {"crowdsec", {"/usr/bin/crowdsec", "-c", "/etc/crowdsec/config.yaml"}, "crowdsec"},
      {"crowdsec-firewa", {"/usr/bin/crowdsec-firewall-bouncer", "-c", "x"}, "crowdsec"},
      {"cs-firewall-bou", {"/usr/local/bin/cs-firewall-bouncer", "-c", "x"}, "crowdsec"},
      {"sshguard", {"/bin/sh", "/usr/sbin/sshguard"}, "sshguard"},
      {"sshg-blocker", {"/usr/libexec/sshguard/sshg-blocker", "-a", "30"}, "sshguard"}};
  for (const auto& one : cases) {
    process(77, one.name, one.command);
    EXPECT_EQ(Looker(folder_.path()).running(), Names{one.guard}) << one.command[0];
  }
  int pid = 100;
  for (const auto& one : cases) process(pid++, one.name, one.command);
  EXPECT_EQ(Looker(folder_.path()).running(), (Names{"crowdsec", "fail2ban", "sshguard"}));
}

TEST_F(Guards, NotThese) {
  process(10, "vim", {"vim", "/usr/bin/fail2ban-server"});
  process(11, "python3", {"python3", "manage.py", "fail2ban-server"});
  process(12, "fail2ban-client", {"python3", "/usr/bin/fail2ban-client", "status"});
  process(13, "fail2ban-server", {});  // a zombie
  process(14, "crowdsec-firewa", {"/usr/bin/crowdsec-firewall-tester"});
  process(15, "cscli", {"cscli", "crowdsec"});
  process(16, "crowdsec", {""});
  process(17, "sshguard", {std::string(1'000'000, '/')});
  folder_.write("proc/18/comm", std::string(1'000'000, 'x'));
  folder_.write("proc/19/comm", "");
  folder_.write("proc/sshguard/comm", "sshguard\n");
  Looker looker(folder_.path());
  EXPECT_EQ(looker.running(), Names{});
  EXPECT_EQ(looker.problem(), "");
}

TEST_F(Guards, EndsAndBeginsAgain) {
  Looker looker(folder_.path());
  process(77, "crowdsec", {"/usr/bin/crowdsec"});
  EXPECT_EQ(looker.running(), Names{"crowdsec"});
  folder_.remove("proc/77");
  EXPECT_EQ(looker.running(), Names{});
  process(78, "crowdsec", {"/usr/bin/crowdsec"});
  EXPECT_EQ(looker.running(), Names{"crowdsec"});
  // Another program under the same number.
  process(78, "bash", {"bash"});
  EXPECT_EQ(looker.running(), Names{});
}

TEST_F(Guards, NewProcessThatHasNotExecutedYet) {
  Looker looker(folder_.path());
  EXPECT_EQ(looker.running(), Names{});
  for (int pid = 100; pid < 500; ++pid) process(pid, "systemd", {"/lib/systemd/systemd"});
  EXPECT_EQ(looker.running(), Names{});
  process(499, "crowdsec", {"/usr/bin/crowdsec"});
  EXPECT_EQ(looker.running(), Names{"crowdsec"});
}

TEST_F(Guards, OldProcessesAreReadInTurn) {
  constexpr int kProcesses = 600;
  for (int pid = 100; pid < 100 + kProcesses; ++pid) process(pid, "sleep", {"sleep", "1"});
  for (const int changed : {100, 333, 699}) {
    Looker looker(folder_.path());
    for (int i = 0; i < 4; ++i) EXPECT_EQ(looker.running(), Names{});
    process(changed, "sshguard", {"/bin/sh", "/usr/sbin/sshguard"});
    int rounds = 1;
    while (looker.running().empty() && rounds < 100) ++rounds;
    EXPECT_LE(rounds, kProcesses / 128 + 2) << changed;
    EXPECT_EQ(looker.running(), Names{"sshguard"});
    process(changed, "sleep", {"sleep", "1"});
    EXPECT_EQ(looker.running(), Names{});
  }
}

TEST_F(Guards, HiddenProcesses) {
  process(77, "crowdsec", {"/usr/bin/crowdsec"});
  Looker looker(folder_.path());
  folder_.remove("proc/1");
  EXPECT_EQ(looker.look(), nullptr);
  EXPECT_NE(looker.problem().find("hidepid"), std::string::npos);
}

// --- real processes -----------------------------------------------------------------------------

bool contains(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Whether it was found in time: the child may not have come to its program yet.
bool appears(Looker& looker, const std::string& name) {
  for (int i = 0; i < 200; ++i) {
    if (contains(looker.running(), name)) return true;
    std::this_thread::sleep_for(milliseconds(50));
  }
  return false;
}

TEST(GuardCollector, RealScriptAndItsEnd) {
  Looker looker;
  if (contains(looker.running(), "fail2ban")) GTEST_SKIP() << "a real fail2ban is running";
  const HostFolder folder;
  folder.write("fail2ban-server", "#!/usr/bin/env -S python3 -s\nimport time\ntime.sleep(600)\n");
  const auto script = (folder.path() / "fail2ban-server").string();
  ASSERT_EQ(::chmod(script.c_str(), 0700), 0);
  Process server({script, "-xf", "start"});
  EXPECT_TRUE(appears(looker, "fail2ban"));
  // Ended, but not waited for.
  ASSERT_EQ(::kill(server.pid(), SIGKILL), 0);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(server.pid()), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(contains(looker.running(), "fail2ban"));
}

TEST(GuardCollector, RealProgramWithALongName) {
  Looker looker;
  if (contains(looker.running(), "crowdsec")) GTEST_SKIP() << "a real crowdsec is running";
  const HostFolder folder;
  const auto program = (folder.path() / "crowdsec-firewall-bouncer").string();
  std::filesystem::copy_file("/bin/sleep", program);
  const Process bouncer({program, "600"});
  EXPECT_TRUE(appears(looker, "crowdsec"));
}

TEST(GuardCollector, NoDescriptorIsLost) {
  Looker looker;
  looker.look();
  const auto before = test_support::open_descriptors();
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(looker.look());
  EXPECT_EQ(test_support::open_descriptors(), before);
}

}  // namespace
