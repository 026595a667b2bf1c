// A host of a test: a folder with files, and a /proc of invented processes.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace local {

struct InventedProcess {
  std::string name = "sshd";
  std::string command_line{};  // with NUL bytes
  int parent = 1;
  std::string executable = "/usr/sbin/sshd";  // empty: it may not be read
  int uid = 0;
  char state = 'S';
  std::string network = "net:[1]";
  unsigned start_ticks = 100;
};

class ProcFolder {
 public:
  ProcFolder() {
    std::string name = "/tmp/proc_test.XXXXXX";
    path_ = ::mkdtemp(name.data());
    process(1, {.name = "systemd", .command_line = "/sbin/init", .executable = "/sbin/init"});
  }
  ~ProcFolder() { std::filesystem::remove_all(path_); }
  ProcFolder(const ProcFolder&) = delete;
  ProcFolder& operator=(const ProcFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }
  void link(const std::string& name, const std::string& target) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::filesystem::remove(path_ / name);
    std::filesystem::create_symlink(target, path_ / name);
  }
  void remove(const std::string& name) const { std::filesystem::remove_all(path_ / name); }

  void process(int pid, const InventedProcess& process) const {
    const auto folder = "proc/" + std::to_string(pid) + "/";
    const auto number = std::to_string(pid);
    write(folder + "comm", process.name + "\n");
    write(folder + "stat", number + " (" + process.name + ") " + process.state + " " +
                               std::to_string(process.parent) + " " + number + " " + number +
                               " 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 " +
                               std::to_string(process.start_ticks) + " 1 1\n");
    const auto uid = std::to_string(process.uid);
    write(folder + "status",
          "Name:\tx\nUid:\t" + uid + "\t" + uid + "\t" + uid + "\t" + uid + "\nGid:\t0\t0\t0\t0\n");
    write(folder + "cmdline", process.command_line);
    if (!process.executable.empty()) link(folder + "exe", process.executable);
    link(folder + "ns/net", process.network);
    link(folder + "root", "../..");
  }
  // It has a listening socket as descriptor 3.
  void listening(int pid) const {
    const auto folder = "proc/" + std::to_string(pid) + "/";
    write(folder + "net/tcp",
          "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
          "   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0 "
          "       0 4711 1 0000000000000000 100 0 0 10 0\n");
    write(folder + "net/tcp6", "  sl  local_address\n");
    link(folder + "fd/3", "socket:[4711]");
  }

 private:
  std::filesystem::path path_;
};

inline constexpr const char* kListenerTitle =
    "sshd: /usr/sbin/sshd -D [listener] 2 of 10-100 startups";

}  // namespace local
