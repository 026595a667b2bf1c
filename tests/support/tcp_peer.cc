#include "support/tcp_peer.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace test_support {

namespace {

void check(bool good, const char* what) {
  if (!good) throw std::system_error(errno, std::generic_category(), what);
}

std::pair<base::Fd, std::uint16_t> bound_socket(const std::string& address, std::uint16_t port) {
  auto parsed = ip(address);
  base::Fd fd(::socket(parsed.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  check(fd.valid(), "socket");
  int on = 1;
  check(setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0, "SO_REUSEADDR");
  sockaddr_storage storage{};
  auto length = parsed.to_sockaddr(port, storage);
  auto* generic = reinterpret_cast<sockaddr*>(&storage);
  check(::bind(fd.get(), generic, length) == 0, "bind");
  check(getsockname(fd.get(), generic, &length) == 0, "getsockname");
  // The port stands at the same place in both families.
  return {std::move(fd), ntohs(reinterpret_cast<sockaddr_in*>(&storage)->sin_port)};
}

}  // namespace

base::IpAddress ip(std::string_view text) {
  auto address = base::IpAddress::parse(text);
  if (!address) throw std::invalid_argument("not an address: " + std::string(text));
  return *address;
}

void TcpPeer::Stream::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the other side has left, as it may
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string TcpPeer::Stream::receive() const {
  std::array<char, 4096> buffer{};
  auto count = ::recv(fd_, buffer.data(), buffer.size(), 0);
  return count <= 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(count));
}

std::string TcpPeer::Stream::receive_all() const {
  std::string all;
  for (auto piece = receive(); !piece.empty(); piece = receive()) all += piece;
  return all;
}

void TcpPeer::Stream::reset() const {
  linger hard{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

TcpPeer::TcpPeer(Script script, const std::string& address, std::uint16_t port)
    : script_(std::move(script)), stop_(eventfd(0, EFD_CLOEXEC)) {
  std::tie(listener_, port_) = bound_socket(address, port);
  check(listen(listener_.get(), SOMAXCONN) == 0, "listen");
  server_ = std::thread([this] { serve(); });
}

TcpPeer::~TcpPeer() {
  std::uint64_t one = 1;
  [[maybe_unused]] auto written = ::write(stop_.get(), &one, sizeof one);
  server_.join();
  {
    std::lock_guard lock(mutex_);
    for (auto& stream : streams_) {
      if (stream.valid()) ::shutdown(stream.get(), SHUT_RDWR);
    }
  }
  for (auto& script : scripts_) script.join();
}

std::vector<base::SteadyTime> TcpPeer::accepted() const {
  std::lock_guard lock(mutex_);
  return accepted_;
}

void TcpPeer::serve() {
  while (true) {
    std::array<pollfd, 2> waiting{{{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
    poll(waiting.data(), waiting.size(), -1);
    if (waiting[1].revents != 0) return;
    base::Fd stream(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!stream.valid()) continue;
    std::lock_guard lock(mutex_);
    accepted_.push_back(std::chrono::steady_clock::now());
    streams_.push_back(std::move(stream));
    scripts_.emplace_back([this, index = streams_.size() - 1] { run(index); });
  }
}

void TcpPeer::run(std::size_t index) {
  int fd = -1;
  {
    std::lock_guard lock(mutex_);
    fd = streams_[index].get();
  }
  script_(Stream(fd));
  std::lock_guard lock(mutex_);
  streams_[index].reset();
}

SilentPort::SilentPort(const std::string& address) {
  std::tie(listener_, port_) = bound_socket(address, 0);
  check(listen(listener_.get(), 0) == 0, "listen");
  auto parsed = ip(address);
  sockaddr_storage storage{};
  auto length = parsed.to_sockaddr(port_, storage);
  // A backlog of zero holds one connection; the others only make sure.
  for (int i = 0; i < 3; ++i) {
    base::Fd filler(::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ::connect(filler.get(), reinterpret_cast<sockaddr*>(&storage), length);
    pollfd waiting{filler.get(), POLLOUT, 0};
    if (i == 0) check(poll(&waiting, 1, 1000) == 1, "the first connection");
    fillers_.push_back(std::move(filler));
  }
}

std::uint16_t closed_port(const std::string& address) { return bound_socket(address, 0).second; }

std::uint16_t peer_port_of(std::uint16_t port) {
  // "sl local_address rem_address st": addresses and ports in hexadecimal; state 1 is established.
  std::ifstream table("/proc/net/tcp");
  std::string line;
  while (std::getline(table, line)) {
    unsigned local = 0;
    unsigned remote = 0;
    unsigned state = 0;
    int read = std::sscanf(line.c_str(), " %*u: %*x:%x %*x:%x %x", &local, &remote, &state);
    if (read == 3 && local == port && state == 1) return static_cast<std::uint16_t>(remote);
  }
  return 0;
}

}  // namespace test_support
