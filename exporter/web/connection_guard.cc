#include "web/connection_guard.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>  // glibc's lacks tcpi_bytes_acked
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

#include "base/fd.h"
#include "base/text.h"

namespace web {

namespace {

using NameFunction = int (*)(int, sockaddr*, socklen_t*);

std::optional<ConnectionGuard::Peer> name_of(int fd, NameFunction function) {
  sockaddr_storage storage{};
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  socklen_t size = sizeof storage;
  if (function(fd, address, &size) != 0) return std::nullopt;
  auto ip = base::IpAddress::from_sockaddr(address);
  if (!ip) return std::nullopt;
  // The port lies at the same place in both families' structures.
  auto port = ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  return ConnectionGuard::Peer(*ip, port);
}

std::vector<int> open_descriptors() {
  std::vector<int> descriptors;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
       !error && entry != end; entry.increment(error)) {
    if (auto fd = base::parse_integer<int>(entry->path().filename().string())) {
      descriptors.push_back(*fd);
    }
  }
  return descriptors;
}

// What has not been read yet waits for a worker, not for its client.
bool drained(int fd) {
  int unread = 0;
  return ioctl(fd, FIONREAD, &unread) == 0 && unread == 0;
}

// How much of what was sent has arrived; absent if nothing waits for that. The queue's length would
// not tell: it stays the same while a worker fills it as fast as the client reads.
std::optional<std::uint64_t> acknowledged_of_waiting(int fd) {
  int waiting = 0;
  if (ioctl(fd, SIOCOUTQ, &waiting) != 0 || waiting == 0) return std::nullopt;
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  return info.tcpi_bytes_acked;
}

}  // namespace

ConnectionGuard::~ConnectionGuard() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ConnectionGuard::start(std::vector<int> ports) {
  ports_ = std::move(ports);
  thread_ = std::thread(&ConnectionGuard::run, this);
}

void ConnectionGuard::release_all() {
  for (int number : open_descriptors()) {
    base::Fd fd(fcntl(number, F_DUPFD_CLOEXEC, 0));
    if (!fd.valid() || !is_ours(fd.get())) continue;
    auto peer = name_of(fd.get(), getpeername);
    if (!peer || owes_request(*peer)) shutdown(fd.get(), SHUT_RDWR);
  }
}

void ConnectionGuard::connection_opened() {
  if (open_.fetch_add(1) + 1 <= worker_limit_) return;
  std::lock_guard lock(mutex_);  // or the guard could miss it on its way to sleep
  wake_.notify_one();
}

void ConnectionGuard::connection_closed() { open_.fetch_sub(1); }

void ConnectionGuard::request_begun(const Peer& peer) {
  std::lock_guard lock(mutex_);
  in_request_.insert(peer);
}

void ConnectionGuard::request_ended(const Peer& peer) {
  std::lock_guard lock(mutex_);
  in_request_.erase(peer);
}

void ConnectionGuard::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (open_ <= worker_limit_) {
      seen_.clear();
      wake_.wait(lock);
      continue;
    }
    lock.unlock();
    sweep(std::chrono::steady_clock::now());
    lock.lock();
    if (!stopping_) wake_.wait_for(lock, kSweepInterval);
  }
}

void ConnectionGuard::sweep(base::SteadyTime now) {
  std::unordered_map<std::uint64_t, Seen> present;
  for (int number : open_descriptors()) {
    // Judged and shut down by a duplicate: the number itself may be closed and reused meanwhile.
    base::Fd fd(fcntl(number, F_DUPFD_CLOEXEC, 0));
    if (!fd.valid() || !is_ours(fd.get())) continue;
    auto peer = name_of(fd.get(), getpeername);
    if (!peer) continue;
    const bool in_request = !owes_request(*peer);
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    if (getsockopt(fd.get(), SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) continue;
    auto before = seen_.find(cookie);
    const bool known = before != seen_.end() && before->second.in_request == in_request;
    Seen seen = known ? before->second : Seen{.in_request = in_request, .since = now};
    const bool expired = in_request ? stalled(fd.get(), seen, now) : silent(fd.get(), seen, now);
    if (expired) shutdown(fd.get(), SHUT_RDWR);
    present.emplace(cookie, seen);
  }
  seen_.swap(present);
}

bool ConnectionGuard::silent(int fd, Seen& seen, base::SteadyTime now) {
  const bool was_drained = std::exchange(seen.drained, drained(fd));
  // Drained twice in a row: between its last byte and request_begun() lies less than a sweep.
  return was_drained && seen.drained && now - seen.since >= kPatience;
}

// Requests whose answer is being made, such as a probe's, have nothing to send yet.
bool ConnectionGuard::stalled(int fd, Seen& seen, base::SteadyTime now) {
  const auto acknowledged = acknowledged_of_waiting(fd);
  if (!acknowledged || *acknowledged != seen.acknowledged) {
    seen.acknowledged = acknowledged.value_or(0);
    seen.since = now;
  }
  return now - seen.since >= kSendPatience;
}

bool ConnectionGuard::is_ours(int fd) const {
  auto local = name_of(fd, getsockname);
  return local && std::find(ports_.begin(), ports_.end(), local->second) != ports_.end();
}

bool ConnectionGuard::owes_request(const Peer& peer) {
  std::lock_guard lock(mutex_);
  return !in_request_.contains(peer);
}

}  // namespace web
