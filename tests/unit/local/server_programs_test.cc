// A server's files after upgrades and accidents; what is expected was measured on connections.

#include "local/server_programs.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "proc_folder.h"

namespace local {
namespace {

using namespace std::string_literals;

std::string program(const std::string& strings) {
  // /bin/true is an ELF file whose libraries are those of every program.
  static const std::string kTrue = [] {
    std::ifstream file("/bin/true", std::ios::binary);
    return std::string{std::istreambuf_iterator<char>(file), {}};
  }();
  return kTrue + "\0"s + strings + "\0"s;
}

const std::string kOld = program("OpenSSH_9.2\0OpenSSH_9.2p1 Debian-1\0/run/sshd"s);
const std::string kNew =
    program("OpenSSH_10.0\0/run/sshd\0/usr/lib/openssh/sshd-session\0/usr/lib/openssh/sshd-auth"s);
const std::string kSession =
    program("OpenSSH_10.0\0/usr/lib/openssh/sshd-session\0/usr/lib/openssh/sshd-auth"s);

class Programs : public testing::Test {
 protected:
  Programs() {
    folder_.write("lib/libc.so.6", "");
    sshd(kOld);
  }
  void put(const std::string& path, const std::string& text, mode_t mode = 0755) const {
    folder_.remove(path);
    ::chmod(folder_.write(path, text).c_str(), mode);
  }
  void sshd(const std::string& text, mode_t mode = 0755) const { put("usr/sbin/sshd", text, mode); }
  void run_new() {
    sshd(kNew);
    put("usr/lib/openssh/sshd-session", kSession);
    put("usr/lib/openssh/sshd-auth", kSession);
    start();
  }
  void start() {
    executable_ = folder_.path() / "running";
    link_running();
  }
  void link_running() const {
    std::filesystem::remove(executable_);
    std::filesystem::create_hard_link(folder_.path() / "usr/sbin/sshd", executable_);
  }
  ServerPrograms inspect() {
    RunningServer server{host_, {}, command_, "/usr/sbin/sshd", {"/lib"}};
    server.executable = base::Fd(::open(executable_.c_str(), O_RDONLY | O_CLOEXEC));
    return inspect_programs(server, cache_);
  }
  const ProcFolder folder_;
  const Host host_{folder_.path()};
  std::filesystem::path executable_;
  std::vector<std::string> command_{"/usr/sbin/sshd", "-D"};
  BinaryCache cache_;
};

TEST_F(Programs, OneBinaryUnchanged) {
  start();
  const auto programs = inspect();
  EXPECT_TRUE(programs.one_binary);
  EXPECT_FALSE(programs.replaced);
  EXPECT_EQ(programs.can_start_children, true);
  EXPECT_EQ(programs.runtime_directory, "/run/sshd");
  EXPECT_EQ(programs.libwrap, false);
}

TEST_F(Programs, OneBinaryReplaced) {
  start();
  const auto can_start = [this] {
    const auto programs = inspect();
    EXPECT_TRUE(programs.replaced);
    return programs.can_start_children;
  };
  sshd(kOld);
  EXPECT_EQ(can_start(), true);
  sshd(program("OpenSSH_9.2p1 Debian-2"));
  EXPECT_EQ(can_start(), true) << "the same release";
  sshd(program("OpenSSH_9.6p1"));
  EXPECT_EQ(can_start(), std::nullopt);
  sshd(kNew);
  EXPECT_EQ(can_start(), false) << "-R not supported here";
  sshd("no program");
  EXPECT_EQ(can_start(), true) << "the running image goes on by itself";
  sshd("");
  EXPECT_EQ(can_start(), true);
  sshd(kNew, 0644);
  EXPECT_EQ(can_start(), true);
  sshd("#!/bin/sh\n");
  EXPECT_EQ(can_start(), std::nullopt);
  sshd(program("no ssh server"));
  EXPECT_EQ(can_start(), std::nullopt);
  sshd(kOld.substr(0, 20000) + "\0OpenSSH_9.2p1\0"s);
  EXPECT_EQ(can_start(), std::nullopt) << "cut off";
}

TEST_F(Programs, OneBinaryGone) {
  start();
  folder_.remove("usr/sbin/sshd");
  auto programs = inspect();
  EXPECT_FALSE(programs.replaced);
  EXPECT_EQ(programs.can_start_children, true);
  folder_.write("usr/sbin/sshd/x", "");
  programs = inspect();
  EXPECT_TRUE(programs.replaced);
  EXPECT_EQ(programs.can_start_children, true);
}

TEST_F(Programs, LibrariesGone) {
  start();
  folder_.remove("lib/libc.so.6");
  EXPECT_EQ(inspect().can_start_children, std::nullopt);
}

TEST_F(Programs, CommandUnknownOrWithoutStartingItself) {
  start();
  sshd(kNew);
  command_ = {};
  EXPECT_EQ(inspect().can_start_children, std::nullopt);
  command_ = {"/usr/sbin/sshd", "-Dr"};
  EXPECT_EQ(inspect().can_start_children, true);
}

TEST_F(Programs, HelperUnchangedWhateverBecomesOfSshd) {
  run_new();
  EXPECT_EQ(inspect().can_start_children, true);
  EXPECT_FALSE(inspect().one_binary);
  for (const auto& text : {kOld, "no program"s}) {
    sshd(text);
    EXPECT_TRUE(inspect().replaced);
    EXPECT_EQ(inspect().can_start_children, true);
  }
  folder_.remove("usr/sbin/sshd");
  EXPECT_EQ(inspect().can_start_children, true);
}

TEST_F(Programs, HelperMissing) {
  for (const auto* name : {"usr/lib/openssh/sshd-session", "usr/lib/openssh/sshd-auth"}) {
    run_new();
    folder_.remove(name);
    EXPECT_EQ(inspect().can_start_children, false);
    EXPECT_EQ(inspect().missing_helper, "/"s + name);
  }
  run_new();
  folder_.remove("usr/lib/openssh");
  EXPECT_EQ(inspect().missing_helper, "/usr/lib/openssh/sshd-session");
}

TEST_F(Programs, HelperReplaced) {
  run_new();
  const auto can_start = [this](const std::string& text, mode_t mode = 0755) {
    put("usr/lib/openssh/sshd-session", text, mode);
    const auto programs = inspect();
    EXPECT_EQ(programs.missing_helper, "");
    return programs.can_start_children;
  };
  EXPECT_EQ(can_start("no program"), false);
  EXPECT_EQ(can_start(""), false);
  EXPECT_EQ(can_start(kSession, 0644), false);
  EXPECT_EQ(can_start("#!/bin/sh\n"), std::nullopt);
  EXPECT_EQ(can_start(program("OpenSSH_10.1\0/x/sshd-session"s)), std::nullopt);
  EXPECT_EQ(can_start(kSession), true);
}

TEST_F(Programs, HelperElsewhereByAnOption) {
  run_new();
  folder_.remove("usr/lib/openssh/sshd-session");
  command_ = {"/usr/sbin/sshd", "-oSshdSessionPath=/x"};
  EXPECT_EQ(inspect().can_start_children, std::nullopt);
  EXPECT_EQ(inspect().missing_helper, "");
  command_ = {"/usr/sbin/sshd", "-f", "/etc/mine"};
  EXPECT_EQ(inspect().can_start_children, false);
  folder_.write("etc/mine", "SSHDSESSIONPATH /x\n");
  EXPECT_EQ(inspect().can_start_children, std::nullopt);
  command_ = {};
  EXPECT_EQ(inspect().can_start_children, std::nullopt);
}

TEST_F(Programs, RunningProgramUnreadableOrUnknown) {
  executable_ = "/nonexistent";
  sshd(kNew);
  auto programs = inspect();
  EXPECT_FALSE(programs.one_binary) << "by what is installed";
  EXPECT_EQ(programs.can_start_children, std::nullopt);
  EXPECT_FALSE(programs.replaced);
  sshd(program("dropbear"));
  start();
  EXPECT_EQ(inspect().can_start_children, std::nullopt);
}

}  // namespace
}  // namespace local
