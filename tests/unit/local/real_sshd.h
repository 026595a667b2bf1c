// This machine's sshd, run for a test on a port of 127.0.0.1 with a key and configuration of its
// own. Needs root. Whatever it started ends with it.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "proc_folder.h"
#include "support/program.h"

namespace local {

class RealSshd {
 public:
  static bool possible() { return ::geteuid() == 0 && ::access(kProgram, X_OK) == 0; }

  // `copy`: run a copy of the program, which the test may then alter.
  explicit RealSshd(bool copy = false) {
    ::mkdir("/run/sshd", 0755);
    ::chmod(folder_.path().c_str(), 0755);
    if (copy) {
      program_ = folder_.path() / "sshd";
      std::filesystem::copy_file(kProgram, program_);
    }
    for (const auto* name : {"host", "user"}) {
      test_support::run_program(
          {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder_.path() / name});
    }
    port_ = free_port();
    folder_.write("config", "Port " + std::to_string(port_) +
                                "\nListenAddress 127.0.0.1\nPidFile none\nUsePAM no\nUseDNS no\n"
                                "StrictModes no\nMaxStartups 3:30:10\nPermitRootLogin yes\n"
                                "HostKey " +
                                (folder_.path() / "host").string() + "\nAuthorizedKeysFile " +
                                (folder_.path() / "user.pub").string() + "\n");
    pid_ = spawn({program_, "-D", "-e", "-f", folder_.path() / "config", "-o", "X11Forwarding no"});
    wait_for([this] { return connect().valid(); });
  }
  ~RealSshd() {
    for (auto pid = children_.rbegin(); pid != children_.rend(); ++pid) {
      ::kill(*pid, SIGKILL);
      ::waitpid(*pid, nullptr, 0);
    }
  }
  RealSshd(const RealSshd&) = delete;
  RealSshd& operator=(const RealSshd&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] const std::string& program() const { return program_; }
  [[nodiscard]] std::string config() const { return folder_.path() / "config"; }
  [[nodiscard]] base::Fd connect() const {
    base::Fd connection(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = loopback(port_);
    const auto* any = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(connection.get(), any, sizeof address) != 0) connection.reset();
    return connection;
  }
  // Whether a new connection is greeted.
  [[nodiscard]] bool greets() const {
    const auto connection = connect();
    char first = 0;
    return ::read(connection.get(), &first, 1) == 1 && first == 'S';
  }
  void log_in(const std::string& user) {
    spawn({"/usr/bin/ssh", "-F", "none", "-N", "-p", std::to_string(port_), "-l", user, "-i",
           folder_.path() / "user", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o",
           "UserKnownHostsFile=/dev/null", "-o", "LogLevel=QUIET", "127.0.0.1"});
  }
  // Until it holds; 20 s are far more than a loaded machine takes.
  static void wait_for(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

 private:
  static constexpr const char* kProgram = "/usr/sbin/sshd";

  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static std::uint16_t free_port() {
    const base::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size);
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }
  pid_t spawn(std::vector<std::string> words) {
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    const auto log = (folder_.path() / "log").string();
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    for (const int fd : {1, 2}) {
      ::posix_spawn_file_actions_addopen(&actions, fd, log.c_str(), O_CREAT | O_WRONLY | O_APPEND,
                                         0600);
    }
    pid_t pid = 0;
    EXPECT_EQ(::posix_spawn(&pid, argv.front(), &actions, nullptr, argv.data(), ::environ), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    children_.push_back(pid);
    return pid;
  }

  const ProcFolder folder_;
  std::string program_ = kProgram;
  std::uint16_t port_ = 0;
  pid_t pid_ = 0;
  std::vector<pid_t> children_;
};

}  // namespace local
