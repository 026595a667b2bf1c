#include "web/connection_guard.h"

#include <fcntl.h>
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
      first_seen_.clear();
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
  still_there_.clear();
  for (int number : open_descriptors()) {
    // Judged and shut down by a duplicate: the number itself may be closed and reused meanwhile.
    base::Fd fd(fcntl(number, F_DUPFD_CLOEXEC, 0));
    if (fd.valid() && is_waiting(fd.get()) && patience_is_over(fd.get(), now)) {
      shutdown(fd.get(), SHUT_RDWR);
    }
  }
  first_seen_.swap(still_there_);
}

bool ConnectionGuard::is_waiting(int fd) {
  auto local = name_of(fd, getsockname);
  if (!local || std::find(ports_.begin(), ports_.end(), local->second) == ports_.end()) {
    return false;
  }
  auto peer = name_of(fd, getpeername);
  if (!peer) return false;  // the listening socket itself
  int unread = 0;
  // What has not been read yet waits for a worker, not for its client.
  if (ioctl(fd, FIONREAD, &unread) != 0 || unread > 0) return false;
  std::lock_guard lock(mutex_);
  return !in_request_.contains(*peer);
}

bool ConnectionGuard::patience_is_over(int fd, base::SteadyTime now) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) return false;
  auto seen = first_seen_.find(cookie);
  auto since = seen == first_seen_.end() ? now : seen->second;
  still_there_.emplace(cookie, since);
  return now - since >= kPatience;
}

}  // namespace web
