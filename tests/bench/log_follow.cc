// What the log collector costs: CPU per line and lines a second that it could take, for a file and
// for a journal; and whether it loses a line while one writer logs 100,000 lines a second and the
// file is rotated. Usage: bench_log_follow [LINES [SECONDS]]. The journal is made by
// systemd-journal-remote, if it is installed.

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "local/collector.h"
#include "support/log_host.h"

namespace {

using model::LogEvent;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr const char* kLog = "/var/log/auth.log";
constexpr std::size_t kRate = 100'000;  // lines a second

double thread_cpu() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// A line of /proc/self/status, in MB: RssAnon, this process's own memory; RssFile, pages of files.
double resident(const std::string& name) {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word == name + ":") break;
  }
  double kilobytes = 0;
  status >> kilobytes;
  return kilobytes / 1024;
}

// A flood as sshd logs it: of four lines three are events; every one has another name and port.
std::string message(std::size_t i) {
  const auto n = std::to_string(i);
  const auto end =
      " from 192.0.2." + std::to_string(i % 250) + " port " + std::to_string(i % 60'000);
  switch (i % 4) {
    case 0:
      return "Invalid user name" + n + end;
    case 1:
      return "Failed password for invalid user name" + n + end + " ssh2";
    case 2:
      return "Connection closed by invalid user name" + n + end.substr(5) + " [preauth]";
    default:
      return "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= n" +
             n;
  }
}

std::string line(std::size_t i, const char* ident) {
  return "2026-11-25T02:46:06." + std::to_string(100'000 + i % 900'000) + "+00:00 host " + ident +
         "[4711]: " + message(i) + "\n";
}

struct Reader {
  explicit Reader(const test_support::LogHost& log)
      : collector(local::make_log_collector({log.host(), clock, ""})) {}

  void round() {
    const auto cpu = thread_cpu();
    const auto begin = Clock::now();
    model::HostFacts mine;
    const auto error = collector->collect({}, mine);
    if (!error.empty()) std::printf("collector: %s\n", error.c_str());
    if (mine.log) facts = mine.log;
    used += thread_cpu() - cpu;
    longest = std::max(longest, Clock::now() - begin);
  }
  [[nodiscard]] std::size_t events() const {
    return facts->of(LogEvent::invalid_user).count + facts->of(LogEvent::auth_result).count +
           facts->of(LogEvent::closed).count;
  }

  base::SystemClock clock;
  std::unique_ptr<local::Collector> collector;
  std::shared_ptr<const model::LogFacts> facts;
  double used = 0;
  Clock::duration longest{0};
};

std::size_t events_in(std::size_t lines) { return lines / 4 * 3; }

void report(const char* what, const Reader& reader, std::size_t lines) {
  std::printf(
      "%-28s %8zu lines  %6.2f us CPU a line  %9.0f lines/s possible  %zd lost  "
      "longest round %4.0f ms  resident: %.1f MB own, %.1f MB of files\n",
      what, lines, reader.used * 1e6 / static_cast<double>(lines),
      static_cast<double>(lines) / reader.used,
      static_cast<std::ptrdiff_t>(events_in(lines) - reader.events()),
      std::chrono::duration<double, std::milli>(reader.longest).count(), resident("RssAnon"),
      resident("RssFile"));
}

void file_backlog(const char* ident, std::size_t lines) {
  const test_support::LogHost log;
  log.write(kLog, "");
  Reader reader(log);
  reader.round();
  {
    std::ofstream out(log.at(kLog), std::ios::app);
    for (std::size_t i = 0; i < lines; ++i) out << line(i, ident);
  }
  const bool events = std::string_view(ident) == "sshd";
  do {
    reader.round();
  } while (events && reader.events() < events_in(lines));
  if (!events) {
    std::printf("%-28s %8zu lines  %6.2f us CPU a line\n", "file, other programs' lines", lines,
                reader.used * 1e6 / static_cast<double>(lines));
    return;
  }
  report("file, backlog", reader, lines);
}

void file_paced(int duration) {
  const test_support::LogHost log;
  log.write(kLog, "");
  Reader reader(log);
  reader.round();
  std::atomic<bool> done = false;
  const auto lines = kRate * static_cast<std::size_t>(duration);
  std::thread writer([&] {
    base::Fd file(open(log.at(kLog).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    const auto begin = Clock::now();
    constexpr std::size_t kBurst = kRate / 100;
    for (std::size_t i = 0; i < lines; i += kBurst) {
      // Twice the file is renamed, and written on for a while before the new one is opened.
      if (i == lines / 3 || i == lines / 3 * 2) {
        log.rename(kLog, std::string(kLog) + (i == lines / 3 ? ".2" : ".1"));
        log.write(kLog, "");
      }
      if (i == lines / 3 + 20 * kBurst || i == lines / 3 * 2 + 20 * kBurst) {
        file = base::Fd(open(log.at(kLog).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
      }
      std::string text;
      for (std::size_t j = i; j < i + kBurst; ++j) text += line(j, "sshd");
      // In pieces that end anywhere.
      for (std::size_t at = 0; at < text.size(); at += 4093) {
        const auto size = std::min<std::size_t>(4093, text.size() - at);
        if (write(file.get(), text.data() + at, size) != static_cast<ssize_t>(size)) std::abort();
      }
      std::this_thread::sleep_until(begin + milliseconds(10) * (i / kBurst + 1));
    }
    done = true;
  });
  const auto begin = Clock::now();
  while (!done) {
    std::this_thread::sleep_for(seconds(1));
    reader.round();
  }
  const auto elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
  writer.join();
  reader.round();
  report("file, 100,000 lines/s", reader, lines);
  std::printf("%-28s %.1f %% of one core\n", "", 100 * reader.used / elapsed);
}

void journal_backlog(std::size_t lines) {
  if (access("/lib/systemd/systemd-journal-remote", X_OK) != 0) {
    std::printf("no systemd-journal-remote: the journal is not measured\n");
    return;
  }
  const test_support::LogHost log;
  test_support::JournalWriter writer(log);
  writer.sshd("nothing").flush();
  Reader reader(log);
  reader.round();
  for (std::size_t i = 0; i < lines; ++i) {
    writer.entry({{"MESSAGE", message(i)},
                  {"PRIORITY", "6"},
                  {"SYSLOG_FACILITY", "4"},
                  {"SYSLOG_IDENTIFIER", "sshd"},
                  {"SYSLOG_PID", std::to_string(i)},
                  {"SYSLOG_TIMESTAMP", "Nov 25 02:46:06 "},
                  {"_TRANSPORT", "syslog"},
                  {"_UID", "0"},
                  {"_GID", "0"},
                  {"_PID", std::to_string(i + 2)},
                  {"_COMM", "sshd"},
                  {"_EXE", "/usr/sbin/sshd"},
                  {"_CMDLINE", "sshd: unknown [priv]"},
                  {"_CAP_EFFECTIVE", "1ffffffffff"},
                  {"_SYSTEMD_CGROUP", "/system.slice/ssh.service"},
                  {"_SYSTEMD_UNIT", "ssh.service"},
                  {"_SYSTEMD_SLICE", "system.slice"},
                  {"_HOSTNAME", "host"},
                  {"_SOURCE_REALTIME_TIMESTAMP", std::to_string(1'700'000'000'000'000 + i)}});
    if (i % 20'000 == 19'999) writer.flush();
  }
  writer.flush();
  do {
    reader.round();
  } while (reader.events() < events_in(lines));
  report("journal, backlog", reader, lines);
  reader.collector.reset();
  Reader again(log);
  again.round();
  std::printf(
      "%-28s %.1f ms CPU for looking back at a start; resident: %.1f MB own, %.1f MB of files\n",
      "", again.used * 1e3, resident("RssAnon"), resident("RssFile"));
}

}  // namespace

int main(int argc, char** argv) {
  const auto lines = argc > 1 ? std::strtoul(argv[1], nullptr, 10) / 4 * 4 : 1'000'000UL;
  const auto duration = argc > 2 ? static_cast<int>(std::strtol(argv[2], nullptr, 10)) : 9;
  std::printf("resident before: %.1f MB own, %.1f MB of files\n", resident("RssAnon"),
              resident("RssFile"));
  file_backlog("sshd", lines);
  file_backlog("kernel", lines);
  file_paced(duration);
  journal_backlog(lines / 10);
  return 0;
}
