// Facts of invented processes, and of a real sshd with real sessions.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "local/collector.h"
#include "proc_folder.h"
#include "real_sshd.h"

namespace local {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using Words = std::vector<std::string>;

class Subject {
 public:
  explicit Subject(const std::filesystem::path& root = "/")
      : host_(root), collector_(make_process_collector({host_, clock_, ""})) {}
  std::shared_ptr<const model::ProcessFacts> collect() {
    model::HostFacts mine;
    error_ = collector_->collect({}, mine);
    return mine.processes;
  }
  // The server with that pid.
  model::ServerProcess server(pid_t pid) {
    const auto facts = collect();
    for (const auto& server : facts->servers) {
      if (server.pid == pid) return server;
    }
    ADD_FAILURE() << pid << " is no server";
    return {};
  }
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  const Host host_;
  const base::SystemClock clock_;
  std::unique_ptr<Collector> collector_;
  std::string error_;
};

TEST(ProcessCollector, FactsOfAServer) {
  const ProcFolder folder;
  folder.process(10, {.command_line = kListenerTitle, .state = 'T', .start_ticks = 200});
  folder.write("proc/10/cgroup", "0::/system.slice/ssh.service\n");
  folder.write("proc/10/limits", "Max open files            1024                 4096    files\n");
  folder.listening(10);
  Subject subject(folder.path());
  const auto server = subject.server(10);
  EXPECT_EQ(subject.error(), "");
  EXPECT_EQ(server.name, "sshd");
  EXPECT_EQ(server.state, 'T');
  EXPECT_EQ(server.command, (Words{"/usr/sbin/sshd", "-D"}));
  EXPECT_EQ(server.executable, "/usr/sbin/sshd");
  EXPECT_EQ(server.unit, "ssh.service");
  EXPECT_EQ(server.open_files, 1U);
  EXPECT_EQ(server.open_files_limit, 1024U);
  ASSERT_TRUE(server.startups);
  EXPECT_EQ(server.startups->now, 2);
}

TEST(ProcessCollector, NothingRunsAndNothingIsInstalled) {
  const ProcFolder folder;
  Subject subject(folder.path());
  const auto facts = subject.collect();
  EXPECT_EQ(subject.error(), "");
  EXPECT_TRUE(facts->servers.empty());
  EXPECT_FALSE(facts->libwrap);
  EXPECT_FALSE(facts->runtime_directory);
  EXPECT_TRUE(facts->complete);
}

TEST(ProcessCollector, WhatIsInstalledCountsUntilItRuns) {
  const ProcFolder folder;
  folder.write("usr/sbin/sshd", "\177ELF\0OpenSSH_9.2p1\0/run/sshd\0"s);
  Subject subject(folder.path());
  const auto directory = [&subject] { return subject.collect()->runtime_directory.value(); };
  EXPECT_EQ(directory().path, "/run/sshd");
  EXPECT_FALSE(directory().present);
  std::filesystem::create_directories(folder.path() / "run/sshd");
  const auto path = (folder.path() / "run/sshd").string();
  for (const auto& [mode, safe] : std::vector<std::pair<mode_t, bool>>{
           {0755, true}, {0700, true}, {0775, false}, {0757, false}, {01777, false}}) {
    ::chmod(path.c_str(), mode);
    EXPECT_TRUE(directory().present);
    EXPECT_EQ(directory().safe, safe && ::geteuid() == 0) << std::oct << mode;
  }
  folder.remove("run/sshd");
  folder.write("run/sshd", "");
  EXPECT_FALSE(directory().present) << "a file";
  EXPECT_EQ(subject.collect()->libwrap, false);
}

TEST(ProcessCollector, WrapperRulesOfBothFilesAsTheyAreNow) {
  const ProcFolder folder;
  folder.write("etc/debian_version", "12\n");
  folder.write("etc/hosts.deny", "sshd: ALL\n");
  Subject subject(folder.path());
  const auto wheres = [&subject] {
    Words words;
    const auto facts = subject.collect();
    for (const auto& rule : facts->wrapper_rules) words.push_back(rule.where);
    return words;
  };
  EXPECT_EQ(wheres(), (Words{"/etc/hosts.deny:1"}));
  EXPECT_EQ(wheres(), (Words{"/etc/hosts.deny:1"}));
  folder.write("etc/hosts.allow", "# comment\nsshd: 192.0.2.1\n");
  EXPECT_EQ(wheres(), (Words{"/etc/hosts.allow:2", "/etc/hosts.deny:1"}));
  EXPECT_TRUE(subject.collect()->wrapper_rules.front().allow);
  folder.remove("etc/hosts.deny");
  EXPECT_EQ(wheres(), (Words{"/etc/hosts.allow:2"}));
  std::string text;
  while (text.size() < (1U << 20U)) text += "sshd: 192.0.2.1\n";
  folder.write("etc/hosts.deny", text);
  EXPECT_EQ(wheres().size(), 1 + text.size() / 16);
  EXPECT_EQ(subject.error(), "");
  folder.write("etc/hosts.deny", text + "sshd");
  EXPECT_EQ(wheres().size(), 1 + text.size() / 16) << "what is cut is no line";
  EXPECT_EQ(subject.error(), "/etc/hosts.deny is too long to be read whole");
}

TEST(ProcessCollector, SaysWhatItMayNotSee) {
  const ProcFolder folder;
  Subject subject(folder.path());
  folder.process(10, {.command_line = kListenerTitle, .executable = ""});
  folder.remove("proc/10/root");
  const auto server = subject.server(10);
  EXPECT_EQ(server.executable, "");
  EXPECT_FALSE(server.can_start_children);
  EXPECT_THAT(subject.error(), HasSubstr("CAP_SYS_PTRACE"));
  folder.remove("proc/1");
  EXPECT_FALSE(subject.collect()->complete);
  EXPECT_THAT(subject.error(), HasSubstr("hidepid"));
  folder.remove("proc");
  EXPECT_EQ(subject.collect(), nullptr);
  EXPECT_EQ(subject.error(), "/proc cannot be read");
}

TEST(ProcessCollector, StrangersTextIsMadePrintable) {
  const ProcFolder folder;
  folder.process(10, {.command_line = "sshd: /usr/sbin/sshd -f /\033[31m [listener] x",
                      .executable = "/usr/sbin/sshd\n"});
  folder.write("proc/10/cgroup", "0::/system.slice/a\033.service\n");
  Subject subject(folder.path());
  const auto server = subject.server(10);
  EXPECT_EQ(server.command.back(), "/?[31m");
  EXPECT_EQ(server.executable, "/usr/sbin/sshd?");
  EXPECT_EQ(server.unit, "a?.service");
}

class RealProcessCollector : public testing::Test {
 protected:
  void SetUp() override {
    if (!RealSshd::possible()) GTEST_SKIP() << "needs root and /usr/sbin/sshd";
  }
};

TEST_F(RealProcessCollector, ConnectionsAndSessions) {
  const auto earliest = std::chrono::system_clock::now();
  RealSshd sshd;
  const auto latest = std::chrono::system_clock::now();
  Subject subject;
  auto server = subject.server(sshd.pid());
  EXPECT_EQ(server.command,
            (Words{"/usr/sbin/sshd", "-D", "-e", "-f", sshd.config(), "-o", "X11Forwarding no"}));
  EXPECT_EQ(server.executable, "/usr/sbin/sshd");
  EXPECT_FALSE(server.executable_deleted);
  EXPECT_FALSE(server.executable_replaced);
  EXPECT_EQ(server.can_start_children, true);
  EXPECT_GE(server.open_files, 4U);
  EXPECT_GT(server.open_files_limit, 4U);
  constexpr auto kTick = std::chrono::milliseconds(20);
  EXPECT_GE(server.started, earliest - kTick);
  EXPECT_LE(server.started, latest + kTick);
  ASSERT_TRUE(server.startups);
  EXPECT_EQ(server.startups->begin, 3);
  EXPECT_EQ(server.startups->full, 10);
  RealSshd::wait_for([&] { return subject.server(sshd.pid()).startups->now == 0; });
  const auto before = *subject.collect();
  ASSERT_TRUE(before.runtime_directory);
  EXPECT_TRUE(before.runtime_directory->present);
  EXPECT_TRUE(before.libwrap.has_value());

  const auto first = sshd.connect();
  const auto second = sshd.connect();
  RealSshd::wait_for([&] { return subject.server(sshd.pid()).startups->now == 2; });
  sshd.log_in("root");
  RealSshd::wait_for([&] { return subject.collect()->sessions == before.sessions + 1; });
  sshd.log_in("nobody");
  RealSshd::wait_for([&] { return subject.collect()->sessions == before.sessions + 2; });
  const auto now = subject.collect();
  EXPECT_EQ(now->unauthenticated, before.unauthenticated + 2);
  server = subject.server(sshd.pid());
  EXPECT_EQ(server.startups->now, 2) << "not the sessions";
  EXPECT_EQ(now->servers.size(), before.servers.size());
}

TEST_F(RealProcessCollector, ProgramReplacedAndRemoved) {
  RealSshd sshd(true);
  Subject subject;
  const auto copy = [&sshd](const std::string& text) {
    std::filesystem::remove(sshd.program());
    std::ofstream(sshd.program()) << text;
    std::filesystem::permissions(sshd.program(), std::filesystem::perms(0755));
  };
  auto server = subject.server(sshd.pid());
  EXPECT_EQ(server.executable, sshd.program());
  EXPECT_EQ(server.can_start_children, true);
  if (!server.one_binary) GTEST_SKIP() << "this machine's sshd does not start itself";
  EXPECT_TRUE(sshd.greets());

  copy("no program");
  server = subject.server(sshd.pid());
  EXPECT_EQ(server.executable, sshd.program());
  EXPECT_TRUE(server.executable_deleted);
  EXPECT_TRUE(server.executable_replaced);
  EXPECT_EQ(server.can_start_children, true);
  EXPECT_TRUE(sshd.greets());

  std::filesystem::remove(sshd.program());
  server = subject.server(sshd.pid());
  EXPECT_FALSE(server.executable_replaced);
  EXPECT_EQ(server.can_start_children, true);
  EXPECT_TRUE(sshd.greets());

  copy("#!/bin/sh\n");
  EXPECT_EQ(subject.server(sshd.pid()).can_start_children, std::nullopt);
  EXPECT_FALSE(sshd.greets());
}

TEST_F(RealProcessCollector, LeaksNoDescriptor) {
  const RealSshd sshd;
  Subject subject;
  const auto count = [] {
    const std::filesystem::directory_iterator files("/proc/self/fd");
    return std::distance(begin(files), end(files));
  };
  subject.server(sshd.pid());
  const auto before = count();
  for (int i = 0; i < 20; ++i) subject.collect();
  EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace local
