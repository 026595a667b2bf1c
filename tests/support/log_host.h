// A host in a temporary folder, with the logs that a test writes for it.
#pragma once

#include <stdlib.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "local/program.h"
#include "support/fake_host.h"

namespace test_support {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "ssh_refusal_log_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class LogHost {
 public:
  LogHost() : host_(folder_.path()) {
    std::filesystem::create_directories(folder_.path() / "var/log");
    std::filesystem::create_directories(folder_.path() / "etc");
  }

  [[nodiscard]] const FakeHost& host() const { return host_; }
  // Where a file of the host lies.
  [[nodiscard]] std::filesystem::path at(const std::string& path) const {
    return folder_.path() / path.substr(1);
  }

  void write(const std::string& path, std::string_view text) const {
    std::ofstream(at(path), std::ios::binary | std::ios::trunc) << text;
  }
  void append(const std::string& path, std::string_view text) const {
    std::ofstream(at(path), std::ios::binary | std::ios::app) << text;
  }
  void rename(const std::string& from, const std::string& to) const {
    std::filesystem::rename(at(from), at(to));
  }

 private:
  TemporaryFolder folder_;
  FakeHost host_;
};

// Makes journal files with systemd's own writer. Each entry gets a second of its own.
class JournalWriter {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  static constexpr const char* kMachine = "0123456789abcdef0123456789abcdef";

  explicit JournalWriter(const LogHost& log, std::string machine = kMachine)
      : log_(log), machine_(std::move(machine)) {
    log_.write("/etc/machine-id", std::string(kMachine) + "\n");
  }

  [[nodiscard]] std::string directory(bool persistent = true) const {
    return (persistent ? "/var/log/journal/" : "/run/log/journal/") + machine_;
  }

  JournalWriter& entry(const Fields& fields) {
    const auto stamp = std::to_string(++seconds_) + "000000";
    export_ += "__REALTIME_TIMESTAMP=" + std::to_string(1'700'000'000 + seconds_) + "000000\n";
    export_ += "__MONOTONIC_TIMESTAMP=" + stamp + "\n_BOOT_ID=11111111111111111111111111111111\n";
    export_ += "_MACHINE_ID=" + machine_ + "\n";
    for (const auto& [name, value] : fields) {
      // The form for any bytes: name, newline, 64 bits little-endian, bytes, newline.
      export_ += name + "\n";
      for (int shift = 0; shift < 64; shift += 8) {
        export_ += static_cast<char>((value.size() >> shift) & 0xffU);
      }
      export_ += value + "\n";
    }
    export_ += "\n";
    return *this;
  }
  // As sshd started by systemd writes.
  JournalWriter& sshd(const std::string& message) {
    return entry({{"MESSAGE", message},
                  {"SYSLOG_IDENTIFIER", "sshd"},
                  {"_UID", "0"},
                  {"_PID", "4711"},
                  {"_COMM", "sshd"},
                  {"_SYSTEMD_UNIT", "ssh.service"}});
  }
  JournalWriter& systemd(const std::string& unit, const std::string& message) {
    return entry({{"MESSAGE", message},
                  {"SYSLOG_IDENTIFIER", "systemd"},
                  {"_UID", "0"},
                  {"_PID", "1"},
                  {"_COMM", "systemd"},
                  {"_SYSTEMD_UNIT", "init.scope"},
                  {"UNIT", unit}});
  }

  // Appends the entries to a journal file.
  void flush(const std::string& name = "system.journal", bool persistent = true) {
    const auto folder = log_.at(directory(persistent));
    std::filesystem::create_directories(folder);
    const auto input = folder / "entries.export";
    std::ofstream(input, std::ios::binary) << export_;
    export_.clear();
    const auto end = local::run_program(
        {{"/lib/systemd/systemd-journal-remote", "-o", (folder / name).string(), input.string()},
         std::chrono::seconds(60)},
        "");
    if (end.exit_status != 0) {
      throw std::runtime_error("systemd-journal-remote is needed, and must work: " + end.err);
    }
    std::filesystem::remove(input);
  }

 private:
  const LogHost& log_;
  std::string machine_;
  std::string export_;
  std::uint64_t seconds_ = 0;
};

}  // namespace test_support
