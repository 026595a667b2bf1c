// CPU per probe, memory and punctuality of the prober with 10,000 targets at a 10 s interval,
// beside a bare epoll loop (socket, connect, read, close) at the same pace against the same server,
// in one run. Usage: bench_probes [TARGETS [SECONDS]]. All traffic stays on 127.0.0.0/8.

#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "diagnose/diagnose.h"
#include "probe/prober.h"

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kBanner = "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u7\r\n";
constexpr auto kInterval = seconds(10);

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_in address_of(std::uint32_t host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(host);
  return address;
}

// Target i lives at 127.1.0.0 + i.
std::uint32_t target_host(std::size_t i) { return 0x7f010000U + static_cast<std::uint32_t>(i); }

base::Fd listener(int backlog, std::uint16_t& port) {
  base::Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto address = address_of(INADDR_ANY, 0);
  socklen_t length = sizeof address;
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length) != 0) fail("bind");
  if (listen(fd.get(), backlog) != 0) fail("listen");
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length);
  port = ntohs(address.sin_port);
  return fd;
}

// Sends the banner to whoever connects and closes when the peer does.
[[noreturn]] void serve_banner(int listening) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int epoll = epoll_create1(0);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = listening;
  epoll_ctl(epoll, EPOLL_CTL_ADD, listening, &event);
  std::array<epoll_event, 256> events{};
  std::array<char, 4096> buffer{};
  while (true) {
    int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      int fd = events.at(static_cast<std::size_t>(i)).data.fd;
      if (fd == listening) {
        int accepted = accept4(listening, nullptr, nullptr, SOCK_NONBLOCK);
        if (accepted < 0) continue;
        event.data.fd = accepted;
        epoll_ctl(epoll, EPOLL_CTL_ADD, accepted, &event);
        [[maybe_unused]] auto sent = send(accepted, kBanner.data(), kBanner.size(), MSG_NOSIGNAL);
      } else if (recv(fd, buffer.data(), buffer.size(), 0) <= 0) {
        close(fd);
      }
    }
  }
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto seconds_of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

double resident_megabytes() {
  std::ifstream statm("/proc/self/statm");
  long pages = 0;
  statm >> pages >> pages;
  return static_cast<double>(pages * sysconf(_SC_PAGESIZE)) / 1e6;
}

// One connection every `gap`, as the prober's schedule has it. Returns CPU seconds per connection.
double bare_loop(std::uint16_t port, std::size_t hosts, Clock::duration gap,
                 Clock::duration length) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::array<epoll_event, 256> events{};
  std::array<char, 4096> buffer{};
  std::size_t started = 0;
  std::size_t finished = 0;
  const auto begin = Clock::now();
  const double cpu = cpu_seconds();
  while (Clock::now() - begin < length) {
    while (begin + gap * started <= Clock::now()) {
      auto address = address_of(target_host(started % hosts), port);
      int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (fd < 0) fail("socket");
      connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.fd = fd;
      epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
      ++started;
    }
    auto rest = begin + gap * started - Clock::now();
    int wait = static_cast<int>(std::chrono::ceil<milliseconds>(rest).count());
    int count =
        epoll_wait(epoll, events.data(), static_cast<int>(events.size()), std::max(wait, 0));
    for (int i = 0; i < count; ++i) {
      int fd = events.at(static_cast<std::size_t>(i)).data.fd;
      if (recv(fd, buffer.data(), buffer.size(), 0) < 0) continue;
      close(fd);
      ++finished;
    }
  }
  close(epoll);
  return (cpu_seconds() - cpu) / static_cast<double>(std::max<std::size_t>(finished, 1));
}

struct Published {
  std::mutex mutex;
  probe::Prober::Targets targets;
  model::FleetState fleet;

  std::uint64_t probes() {
    std::lock_guard lock(mutex);
    std::uint64_t sum = 0;
    for (const auto& target : targets) sum += target->probes;
    return sum;
  }
};

// Share of observations above `bound` seconds, which must be one of the histogram's bounds.
double share_above(const model::Histogram& histogram, double bound) {
  std::uint64_t above = 0;
  std::uint64_t all = 0;
  for (std::size_t i = 0; i <= histogram.bounds().size(); ++i) {
    all += histogram.count(i);
    if (i >= histogram.bounds().size() || histogram.bounds()[i] > bound)
      above += histogram.count(i);
  }
  return all == 0 ? 0 : static_cast<double>(above) / static_cast<double>(all);
}

void run_prober(const char* what, std::size_t count, std::size_t silent, std::uint16_t port,
                std::uint16_t silent_port, Clock::duration length, double bare) {
  auto settings = std::make_shared<model::ProbeSettings>();
  settings->interval = kInterval;
  settings->timeout = kInterval;
  settings->depth = model::Depth::banner;
  settings->control_ports.clear();
  std::vector<std::shared_ptr<const model::Target>> targets;
  for (std::size_t i = 0; i < count; ++i) {
    auto target = std::make_shared<model::Target>();
    in_addr address{htonl(target_host(i))};
    target->host = base::IpAddress::from_v4(address).to_string();
    target->port = i < silent ? silent_port : port;
    target->name = base::format_host_port(target->host, target->port);
    target->settings = settings;
    targets.push_back(std::move(target));
  }
  base::SystemClock clock;
  Published published;
  probe::Prober prober(
      clock,
      [](const model::Target& target, const model::ProbeResult& result) {
        return diagnose::diagnose(target, result);
      },
      [&](probe::Prober::Targets states, const model::FleetState& fleet) {
        std::lock_guard lock(published.mutex);
        published.targets = std::move(states);
        published.fleet = fleet;
      });
  prober.set_targets(std::move(targets));
  std::this_thread::sleep_for(kInterval * 2);  // every target has its first results
  const auto probes = published.probes();
  const double cpu = cpu_seconds();
  std::this_thread::sleep_for(length);
  const double spent = cpu_seconds() - cpu;
  const auto done = static_cast<double>(published.probes() - probes);
  std::lock_guard lock(published.mutex);
  std::printf(
      "%s: %.0f probes/s, %.1f us CPU per probe, %.2f times the bare loop; "
      "%.1f MB resident; %.3f %% of starts later than 100 ms\n",
      what, done / std::chrono::duration<double>(length).count(), spent / done * 1e6,
      spent / done / bare, resident_megabytes(),
      100 * share_above(published.fleet.scheduler_lag, 0.1));
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 10'000;
  const auto length = seconds(argc > 2 ? std::strtol(argv[2], nullptr, 10) : 20);
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  std::uint16_t port = 0;
  auto listening = listener(4096, port);
  // A full accept queue drops further SYNs: silence without a firewall.
  std::uint16_t silent_port = 0;
  auto silent = listener(0, silent_port);
  base::Fd filler(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto address = address_of(INADDR_LOOPBACK, silent_port);
  if (connect(filler.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    fail("connect");
  }
  pid_t server = fork();
  if (server == 0) serve_banner(listening.get());

  const auto gap = std::chrono::duration_cast<Clock::duration>(kInterval) / count;
  const double bare = bare_loop(port, count, gap, length);
  std::printf("bare epoll loop at the same pace: %.1f us CPU per connection\n", bare * 1e6);
  run_prober("prober", count, 0, port, silent_port, length, bare);
  run_prober("prober, a third silent", count, count / 3, port, silent_port, length, bare);
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  return 0;
}
